#pragma once

#include "actors/interfaces.hpp"
#include "tests/simulation/host.hpp"
#include "tests/simulation/task_checker.hpp"

namespace overwatch::simulation {

/// A worker whose handler is played: it records what it runs, takes some time, fails now and then, and stops when it is
/// told to. What it does follows from the task and the attempt.
worker_actor play_worker(caf::actor_system& system, uint64_t number, pool_actor owner, const host& where,
                         task_checker& checker);

} // namespace overwatch::simulation
