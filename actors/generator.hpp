#pragma once

#include "actors/interfaces.hpp"

namespace overwatch {

struct generator_options {
  std::chrono::seconds interval{60}; ///< 0: only on request
  std::function<timestamp()> clock = now;
};

/// Creates the periodic tasks of a node: a health check every 5 minutes, a performance check every 15, and
/// maintenance after a day of uptime. Each has a unique key, so that at most one of a kind waits or runs.
struct generator_state {
  static inline const char* name = "generator";

  generator_options options;
  gateway_actor gateway;
  timestamp started;
  uint64_t generation = 0; ///< of the running timer
};

generator_actor::behavior_type generator(generator_actor::stateful_pointer<generator_state> self,
                                         generator_options options, gateway_actor gateway);

/// The tasks that are due to be created after `uptime`.
std::vector<submission> periodic_tasks(timestamp time, std::chrono::seconds uptime);

} // namespace overwatch
