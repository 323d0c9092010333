#pragma once

#include "actors/interfaces.hpp"

namespace overwatch {

/// Latencies, violations and rollbacks of tasks since the node started. Owns nothing durable.
struct metrics_state {
  static inline const char* name = "metrics";

  struct by_type {
    histogram_value start_latency = make_latency_histogram(); ///< from eligible to its handler
    histogram_value execution = make_latency_histogram();
    histogram_value jitter = make_latency_histogram(); ///< from `scheduled_at` to its handler
  };
  std::map<std::string, by_type> types;

  using by_violation = std::map<std::pair<std::string, violation>, uint64_t>; ///< and by type
  by_violation failures;   ///< tasks that ended failed
  by_violation violations; ///< also those that were retried

  uint64_t rollbacks_done = 0;
  uint64_t rollbacks_failed = 0;
};

metrics_actor::behavior_type metrics(metrics_actor::stateful_pointer<metrics_state> self);

/// Adds a family with one sample per entry of `values`.
metric_family make_family(std::string name, std::string help, metric_type type);

/// The families that come from the counters of the state machine.
std::vector<metric_family> families_of(const stats_reply& stats);
std::vector<metric_family> families_of(const journal_stats& stats);
std::vector<metric_family> families_of(const std::vector<pool_status>& pools);

/// Memory, CPU time and open files of this process.
std::vector<metric_family> process_families();

} // namespace overwatch
