#pragma once

#include "config/settings.hpp"
#include "runtime/maintenance/action.hpp"
#include "runtime/maintenance/places.hpp"

#include <map>
#include <string>
#include <vector>

namespace overwatch::maintenance {

/// Rotates the files that `rules` name when they have grown to their size. Never outside `roots`, through symbolic
/// links, or in the directory `spared` (the node's own). A crash at any point loses no line: at worst a copy stays
/// beside its original. Throws `stopped`.
void rotate_logs(const std::map<std::string, rotation_rule>& rules, const std::vector<std::string>& roots,
                 const identity& spared, const action_environment& environment, action_result& result);

} // namespace overwatch::maintenance
