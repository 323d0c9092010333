#pragma once

#include "runtime/backup/failure.hpp"

#include <string>

namespace overwatch::backup {

/// True for an open file that begins as an SQLite database does.
bool is_sqlite_database(int file);

/// What SQLite keeps beside a database while it is used. Beside a copy of the database it would do harm.
bool is_sqlite_companion(const std::string& path, std::string& database);

/// Copies a database to `to`, a file that does not exist, with SQLite's online backup: the copy is what one moment's
/// transactions left, whoever writes meanwhile. Empty, or a sentence that says why it was not possible.
std::string copy_sqlite_database(const std::string& from, const std::string& to, const stop_check& stop);

} // namespace overwatch::backup
