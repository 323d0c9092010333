#pragma once

#include "actors/log_setup.hpp"
#include "tests/simulation/log_node.hpp"

namespace overwatch::simulation {

/// A log as nodes have it, with small bounds, so that they are reached.
std::unique_ptr<replicated_log> make_small_log(log_setup x, unsigned seed, mutation fault);

} // namespace overwatch::simulation
