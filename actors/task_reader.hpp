#pragma once

#include "actors/interfaces.hpp"

namespace overwatch {

struct task_reader_options {
  partition_id partition = 0;
  milliseconds list_limit{5000};      ///< a search that takes longer is cut short and can be continued
  size_t page_bytes = 16ULL << 20;    ///< payloads that one page of ready tasks brings along
};

/// Reads ranges of the store. Detached, because a scan blocks; owns nothing that would be lost with it.
struct task_reader_state {
  static inline const char* name = "task_reader";
  const store_reader* db = nullptr;
  task_reader_options options;
};

task_reader_actor::behavior_type task_reader(task_reader_actor::stateful_pointer<task_reader_state> self,
                                             const store_reader* db, task_reader_options options);

} // namespace overwatch
