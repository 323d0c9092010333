#pragma once

#include <boost/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// Reads what programs of the machine answer. Pure functions.
namespace overwatch::maintenance {

/// What SMART says of a disk; numbers that a disk does not have are absent.
struct disk_report {
  std::string device;
  std::string model;
  std::string serial;
  std::optional<bool> passed;
  std::optional<int64_t> temperature_c;
  std::optional<int64_t> power_on_hours;
  std::optional<int64_t> reallocated_sectors;
  std::optional<int64_t> pending_sectors;
  std::optional<int64_t> worn_percent; ///< of an SSD's endurance
  std::optional<int64_t> media_errors;

  /// What an administrator should know; empty: nothing is wrong.
  std::vector<std::string> troubles() const;
};

/// The devices in an answer of `smartctl --scan --json`.
std::vector<std::string> parse_smart_scan(const std::string& json);

/// An answer of `smartctl -H -A -i --json DEVICE`; nothing when it says neither health nor attributes, with the reason
/// in `problem`.
std::optional<disk_report> parse_smart_report(const std::string& json, std::string& problem);

boost::json::object to_json(const disk_report& x);

/// A package that can be upgraded.
struct package_update {
  std::string name;
  std::string installed;
  std::string available;
  bool security = false;
};

/// An answer of `apt list --upgradable`.
std::vector<package_update> parse_apt_list(const std::string& text);

/// A file system that `fstrim` worked on.
struct trimmed {
  std::string mount;
  uint64_t bytes = 0;
};

/// An answer of `fstrim --all --verbose`, also of its dry run.
std::vector<trimmed> parse_fstrim(const std::string& text);

} // namespace overwatch::maintenance
