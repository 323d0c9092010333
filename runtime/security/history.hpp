#pragma once

#include "messages/time.hpp"
#include "runtime/security/finding.hpp"
#include "runtime/security/scan_options.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::security {

/// What is remembered of a scan, to compare the next one of the same scope with it.
struct scan_memory {
  std::string task;                         ///< its id
  std::string time;                         ///< ISO 8601
  std::set<std::string> checks;             ///< that could look
  std::map<std::string, std::string> found; ///< id of a finding -> its check
};

/// What changed. Only checks that could look both times are compared.
struct scan_difference {
  std::vector<std::string> appeared, gone;
  uint64_t same = 0;
};
scan_difference compare(const scan_memory& before, const scan_memory& now);

std::string to_json(const scan_memory& x);
std::optional<scan_memory> parse_memory(std::string_view json);

/// The file that remembers scans of the same root, paths and excludes.
std::string memory_file(const std::string& directory, const scan_options& options);

/// Makes the directory for reports and baselines, for its owner only. Throws std::system_error.
void make_directory(const std::string& path);

/// Replaces a file as a whole and durably; only its owner can read it. Throws std::system_error.
void write_file(const std::string& path, std::string_view text);

/// Removes the oldest reports until `most` are left.
void drop_old_reports(const std::string& directory, size_t most);

} // namespace overwatch::security
