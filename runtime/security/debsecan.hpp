#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// What the program debsecan says of the installed packages.
namespace overwatch::security {

/// A line of its summary: `CVE-2024-1234 curl (fixed, remotely exploitable, high urgency)`.
struct vulnerability {
  std::string name;
  std::string package;
  bool fixed = false; ///< a mended version can be installed
  bool remote = false;
  bool high_urgency = false;
  bool obsolete = false; ///< the package is in no archive any more
};

/// Lines that are none are left out.
std::vector<vulnerability> parse_debsecan(std::string_view text);

/// The same, by package.
std::map<std::string, std::vector<vulnerability>> by_package(const std::vector<vulnerability>& all);

/// `VERSION_CODENAME` of /etc/os-release, when that is Debian's; empty otherwise.
std::string debian_suite(std::string_view os_release);

} // namespace overwatch::security
