#pragma once

#include "actors/interfaces.hpp"

namespace overwatch {

/// Runs the handler of one task type. Spawned detached when the handler blocks. Owns nothing: the pool knows
/// what it runs, and fences it off if it does not come back.
struct worker_state {
  static inline const char* name = "worker";
};

/// `number` identifies it to its pool.
worker_actor::behavior_type worker(worker_actor::stateful_pointer<worker_state> self, uint64_t number,
                                   handler_function run, pool_actor owner);

/// Calls a handler; turns exceptions and results that are too large into outcomes.
outcome run_handler(const handler_function& run, const attempt_context& context);

} // namespace overwatch
