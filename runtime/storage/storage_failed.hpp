#pragma once

#include <string_view>

namespace rocksdb {
class Status;
} // namespace rocksdb

namespace overwatch {

/// The status of a process that ends because its storage failed (EX_IOERR).
inline constexpr int storage_failed_exit_status = 74;

/// Says on standard error what failed and why, and ends the process at once: no destructor runs, so nothing
/// more is written. To go on after an error of unknown extent is how data is lost.
[[noreturn]] void storage_failed(std::string_view what, const rocksdb::Status& status);

/// True for a full disk, the one error that a node lives through.
bool is_no_space(const rocksdb::Status& status);

} // namespace overwatch
