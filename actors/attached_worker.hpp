#pragma once

#include "actors/worker_sessions.hpp"

namespace overwatch {

/// Stands in a pool for a slot of a program outside. What it is given is parked with the sessions, which answer the
/// pool once the program has finished it; what becomes of outcomes is passed on to them. Owns nothing.
struct attached_worker_state {
  static inline const char* name = "attached_worker";
};

/// `place` says whose slot it is; its context is not used.
worker_actor::behavior_type attached_worker(worker_actor::stateful_pointer<attached_worker_state> self,
                                            parked_attempt place, worker_sessions_actor sessions);

} // namespace overwatch
