#pragma once

#include "messages/requests.hpp"

#include <map>
#include <string>

namespace overwatch::http {

/// Sums over the counters of a node, as the API shows them.
struct totals {
  uint64_t waiting = 0; ///< pending, queued and retrying
  uint64_t running = 0;
  std::map<std::string, uint64_t> by_status; ///< all statuses, also those with 0
  std::map<std::string, uint64_t> by_type;
  std::map<std::string, uint64_t> by_priority;
  double average_execution_time = 0; ///< seconds, of completed tasks
};

totals sum_up(const stats_reply& stats);

} // namespace overwatch::http
