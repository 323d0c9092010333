#pragma once

#include "actors/replicated_log.hpp"
#include "messages/task_id.hpp"

#include <functional>
#include <memory>

namespace overwatch {

/// What a log is made of.
struct log_setup {
  partition_id partition = 0;
  member_id self = 0;
  std::vector<log_member> initial_members; ///< of a log that begins on empty nodes; empty: this node waits to be added
  /// Entries that are durable here: `first` to `last`, or the beginning of that, as many as fit `max_bytes`, but one at
  /// least if it is there.
  std::function<std::vector<log_append>(uint64_t first, uint64_t last, size_t max_bytes)> read_entries;
};

using log_maker = std::function<std::unique_ptr<replicated_log>(log_setup)>;

} // namespace overwatch
