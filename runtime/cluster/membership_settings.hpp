#pragma once

#include "actors/membership.hpp"
#include "config/settings.hpp"

namespace overwatch {

/// What membership is told by a node's settings. `instance` changes with every start, and so should `seed`.
membership_options make_membership_options(const settings& config, const node_identity& identity,
                                           const std::string& instance, uint64_t seed);

} // namespace overwatch
