#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace overwatch::security {

/// A warning or suggestion in a report file of lynis: `warning[]=AUTH-9228|what|details|how to mend|`.
struct lynis_remark {
  bool warning = false;
  std::string test; ///< AUTH-9228
  std::string what;
  std::string detail;
  std::string mend;
};

/// Lines that are none are left out; at most `max_remarks`.
std::vector<lynis_remark> parse_lynis_report(std::string_view text);
inline constexpr size_t max_remarks = 5000;

} // namespace overwatch::security
