#pragma once

#include "runtime/backup/failure.hpp"
#include "runtime/backup/problem_list.hpp"

#include <functional>

namespace overwatch::backup {

/// Content that no file has: what a program writes.
struct dump {
  std::string path; ///< under which it is kept
  /// Feeds `out` with all of it. Empty, or a sentence that says why it is not complete.
  std::function<std::string(const std::function<void(std::string_view)>& out)> run;
};

/// Bytes that were read, of those that are to be read as far as that is known, and what is done now.
using progress_report = std::function<void(uint64_t done, uint64_t planned, const std::string& what)>;

struct create_options {
  std::vector<std::string> sources; ///< files, directories, globs
  std::vector<std::string> excludes;
  /// Throws for a source that may not be taken; gets what the sources lead to.
  std::function<void(const std::string& path)> check_source;
  std::vector<dump> dumps;
  std::string host;
  int level = 3;
  bool one_file_system = false;
  bool sqlite = true;        ///< take SQLite databases through their online backup
  bool check_space = true;   ///< refuse to start when what changed would not fit without compression
  milliseconds recent{2000}; ///< a change this shortly before a file is read may have the same time as one after
  progress_report progress;
  stop_check stop;
};

/// Makes a backup of what is there now. What is in no file's way is an exception; what is wrong with single files goes
/// into `problems`, and the backup goes on without them. Throws `stopped`.
manifest create_backup(const repository& to, const create_options& options, problem_list& problems);

} // namespace overwatch::backup
