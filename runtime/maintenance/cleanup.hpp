#pragma once

#include "config/settings.hpp"
#include "runtime/maintenance/action.hpp"
#include "runtime/maintenance/places.hpp"

#include <map>
#include <string>
#include <vector>

namespace overwatch::maintenance {

/// Directories that hold others deeper than this are left, as each level takes a descriptor.
inline constexpr unsigned max_depth = 100;

/// Removes the files that `rules` name. Only regular files and, where a rule says so, empty directories; never outside
/// `roots`, through symbolic links, on another file system, or in the directory `spared` (the node's own). Files that
/// change or vanish meanwhile are no errors. Throws `stopped`.
void clean_up(const std::map<std::string, cleanup_rule>& rules, const std::vector<std::string>& roots,
              const identity& spared, const action_environment& environment, action_result& result);

} // namespace overwatch::maintenance
