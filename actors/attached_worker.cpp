#include "actors/attached_worker.hpp"

#include <caf/event_based_actor.hpp>

namespace overwatch {

worker_actor::behavior_type attached_worker(worker_actor::stateful_pointer<attached_worker_state> self,
                                            parked_attempt place, worker_sessions_actor sessions) {
  return {
    [=](const work& x) {
      for (const auto& context : x.attempts) {
        auto parked = place;
        parked.context = context;
        self->send(sessions, std::move(parked));
      }
    },
    [](const stop_attempt&) {}, // the sessions look at the cancellation of the attempt
    [=](const settled_batch& x) { self->send(sessions, x); },
  };
}

} // namespace overwatch
