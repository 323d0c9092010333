#pragma once

#include "runtime/security/history.hpp"
#include "runtime/security/scan.hpp"
#include "runtime/security/suppressions.hpp"

#include <boost/json/object.hpp>

#include <array>

#include <map>
#include <string>
#include <vector>

namespace overwatch::security {

/// A scan as it is told.
struct scan_outcome {
  const findings& found; ///< sorted
  suppressions suppressed;
  timestamp now;
  scan_counters counters;
  std::vector<baseline_summary> baselines;
  std::map<std::string, double> seconds; ///< of each check
  scan_difference difference;
  std::string compared_with; ///< task and time of the last scan; empty: this is the first
  std::string report;        ///< path of the report with everything
  std::string root;
};

/// Findings in a task's result; the report has all.
inline constexpr size_t max_shown = 200;

/// For a task: `score`, `counts`, the first findings, what was not looked at, the difference, and where the report is.
/// With `whole`, all findings: for the report.
boost::json::object result_of(const scan_outcome& x, bool whole);

/// How many count, by severity.
std::array<uint64_t, severity_names.size()> counts_of(const scan_outcome& x);

} // namespace overwatch::security
