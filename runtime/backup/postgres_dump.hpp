#pragma once

#include "runtime/backup/backup_request.hpp"

namespace overwatch::backup {

/// Where dumps stand in a backup.
inline constexpr const char* postgres_directory = "/@postgresql";

/// Each database as pg_dump writes it (its custom format, uncompressed: that is done here, and what did not change is
/// stored once). Read with pg_restore. Ends the program when `stop_fd` becomes readable. Throws `backup_failed` when
/// there is no pg_dump.
std::vector<dump> postgres_dumps(const std::vector<postgres_source>& databases, int stop_fd);

} // namespace overwatch::backup
