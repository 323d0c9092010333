#pragma once

#include "config/settings.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::maintenance {

/// What one task shall do.
struct plan {
  std::vector<std::string> actions; ///< in the order in which they are done
  bool dry_run = false;
  std::map<std::string, cleanup_rule> cleanup;
  std::map<std::string, rotation_rule> rotate;
};

/// Reads a payload; what it does not say is taken from the node's settings. Empty, or a sentence that says what is
/// wrong.
std::string parse_plan(std::string_view payload, const settings& config, plan& result);

} // namespace overwatch::maintenance
