#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::security {

/// What a task's payload asks for.
struct scan_options {
  static constexpr size_t max_paths = 100; ///< in each list

  std::set<std::string> checks;      ///< empty: all that run by default
  std::vector<std::string> paths;    ///< trees to walk; empty: the usual places
  std::vector<std::string> exclude;  ///< paths or patterns (`*`, `?`) that are left out
  std::vector<std::string> baseline; ///< trees whose content is compared; empty: those of the configuration
  std::string root = "/";
  bool cross_file_systems = false;
  bool update_baseline = false; ///< what is there now becomes the new baseline
};

/// Reads a payload. Empty, or a sentence that names the field, its value and the way out.
std::string parse_options(std::string_view payload, scan_options& options);

} // namespace overwatch::security
