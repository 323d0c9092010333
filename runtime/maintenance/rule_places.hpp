#pragma once

#include "runtime/maintenance/action.hpp"
#include "runtime/maintenance/places.hpp"

#include <map>
#include <string>
#include <vector>

namespace overwatch::maintenance {

/// Calls `work(name, rule, directory)` for each rule whose directory may be opened (see `open_place`); of the others it
/// says why not. An action none of whose rules could work has failed.
template <class Rule, class Work>
void work_in_places(const std::map<std::string, Rule>& rules, const std::vector<std::string>& roots,
                    const identity& spared, action_result& result, Work work) {
  size_t worked = 0;
  for (const auto& [name, rule] : rules) {
    auto place = open_place(roots, rule.path, spared);
    if (!place.why.empty()) {
      result.leave(rule.path, place.why);
      continue;
    }
    ++worked;
    work(name, rule, place.directory);
  }
  if (worked == 0)
    result.status = action_status::failed;
}

} // namespace overwatch::maintenance
