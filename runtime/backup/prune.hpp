#pragma once

#include "runtime/backup/create.hpp"
#include "runtime/backup/retention.hpp"

namespace overwatch::backup {

struct prune_options {
  keep_rules keep;                 ///< none: no backup is removed by its age
  std::vector<std::string> remove; ///< ids of backups to remove in any case
  bool dry_run = false;            ///< only say what would be done
  int level = 3;                   ///< of what is written again
  progress_report progress;
  stop_check stop;
};

struct prune_result {
  std::vector<std::string> removed; ///< backups
  uint64_t kept = 0;                ///< backups
  uint64_t removed_packs = 0;       ///< whole ones, and those that were written again
  uint64_t rewritten_packs = 0;
  uint64_t freed_bytes = 0;   ///< at the destination, less what was written
  uint64_t garbage_bytes = 0; ///< that stay in packs which are mostly used
};

/// Removes backups that no rule keeps, then chunks that no backup needs. The rules hold for each host and list of
/// sources by itself. A kill at any moment loses nothing that is kept: a pack goes when what is used of it is durable
/// elsewhere.
prune_result prune_repository(const repository& which, const prune_options& options, problem_list& problems);

struct mend_result {
  uint64_t packs = 0;  ///< damaged ones that were set aside, into `damaged`
  uint64_t chunks = 0; ///< that were saved from them
};

/// Saves the whole chunks of damaged packs (as `verify_repository` names them) and sets the packs aside, so that the
/// next backup stores again what it finds missing.
mend_result mend_repository(const repository& which, const std::vector<std::string>& packs, int level,
                            const stop_check& stop);

} // namespace overwatch::backup
