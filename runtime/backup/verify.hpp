#pragma once

#include "runtime/backup/create.hpp"

namespace overwatch::backup {

struct verify_counts {
  uint64_t packs = 0;
  uint64_t chunks = 0;
  uint64_t bytes = 0; ///< that were read
  uint64_t backups = 0;
  uint64_t files = 0;          ///< in all backups
  uint64_t damaged_chunks = 0; ///< that no copy is whole of, or that no pack has although a backup needs them
  uint64_t damaged_files = 0;  ///< in all backups
  uint64_t damaged_packs = 0;
  std::vector<std::string> packs_to_mend; ///< names of damaged packs
  uint64_t damaged_backups = 0;           ///< their manifest, or a part of their list

  bool whole() const { return damaged_chunks + damaged_files + damaged_packs + damaged_backups == 0; }
};

/// Reads everything back: each byte of each pack against its hash, each chunk against its id, and each file of each
/// backup against the chunks that are whole. What is damaged is named in `problems`.
verify_counts verify_repository(const repository& which, const progress_report& progress, const stop_check& stop,
                                problem_list& problems);

} // namespace overwatch::backup
