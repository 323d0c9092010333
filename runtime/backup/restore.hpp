#pragma once

#include "runtime/backup/create.hpp"

namespace overwatch::backup {

struct restore_options {
  std::string target;             ///< absolute; a path of the backup is restored below it: `<target>/etc/hosts`
  std::vector<std::string> paths; ///< paths or patterns of what is wanted, with all below; none: everything
  bool overwrite = false;         ///< replace what stands there; otherwise it is kept
  progress_report progress;
  stop_check stop;
};

struct restore_counts {
  uint64_t files = 0;
  uint64_t directories = 0;
  uint64_t others = 0;
  uint64_t bytes = 0;
  uint64_t there = 0; ///< files with the same size and time that were there already: of a restore that was killed
};

/// Makes files what they were. Files that cannot be restored are problems (damaged, kept, failed), and it goes on with
/// the others. Goes through no symbolic link, nor replaces a directory. A file appears when it is whole. Throws
/// `stopped`.
restore_counts restore_backup(const repository& from, const manifest& which, const restore_options& options,
                              problem_list& problems);

} // namespace overwatch::backup
