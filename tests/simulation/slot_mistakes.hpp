#pragma once

#include "actors/interfaces.hpp"
#include "tests/simulation/log_node.hpp"

namespace overwatch::simulation {

/// What a generator with a mistake would have had the scheduler store: between the two. `mutation::forget_slot`: that
/// the slot before the newest was the newest. `mutation::split_slots`: the schedule first, and its tasks in an entry of
/// their own.
scheduler_actor make_mistakes(caf::actor_system& system, const scheduler_actor& scheduler, mutation fault);

} // namespace overwatch::simulation
