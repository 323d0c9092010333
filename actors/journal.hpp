#pragma once

#include "actors/interfaces.hpp"

#include <functional>

namespace overwatch {

struct journal_options {
  uint64_t min_free_bytes = 64ULL << 20; ///< below it the disk counts as low, below a quarter of it as full
  milliseconds disk_interval{1000};      ///< between two looks at the disk
  milliseconds retry_interval{1000};      ///< between two tries of a write that found no space
  bool checkpoint_detached = true;        ///< false: on the scheduler's threads (for tests)
};

/// Owns the writing side of the store and what is known of its disk. Runs detached, because it blocks;
/// checkpoints run beside it on a thread of their own. Ends with the node.
struct journal_state {
  static inline const char* name = "journal";

  store* db = nullptr;
  journal_options options;

  std::vector<journal_write> gathered; ///< what the next write of the store contains
  bool flush_scheduled = false;
  bool blocked = false; ///< the newest write found no space; `gathered` is tried again
  write_batch batch;    ///< of the write that is tried again

  std::map<partition_id, replica_actor> replicas;
  std::vector<caf::actor> listeners;    ///< of disk reports
  std::map<partition_id, uint64_t> written; ///< position of the newest state in the store
  std::map<partition_id, uint64_t> checkpointing;
  bool checkpoint_again = false;
  journal_stats stats;
};

/// Makes the journal of a store. `db` must outlive it.
journal_actor::behavior_type journal(journal_actor::stateful_pointer<journal_state> self, store* db,
                                     journal_options options);

/// From the free bytes of a disk.
disk_state judge_disk(uint64_t free_bytes, uint64_t min_free_bytes);

} // namespace overwatch
