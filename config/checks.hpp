#pragma once

#include "config/settings.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch {

/// What is wrong with settings although each value alone is allowed.
struct check_finding {
  std::string name;    ///< the option, or `commands.<name>.<option>`, that it is about
  std::string message; ///< without the name
  bool fatal = true;   ///< false: a warning
};

/// All findings. Looks at the machine only for programs and rights that named commands need, for its name, and for
/// certificates.
std::vector<check_finding> check_settings(const settings& values);

/// The part of them that is about other nodes.
void check_cluster(const settings& values, std::vector<check_finding>& findings);

/// True for loopback, false for another address, none for text that is no address.
std::optional<bool> is_loopback(const std::string& address);

/// What `maintenance` can do, in the order in which it does it.
inline constexpr std::array<std::string_view, 7> maintenance_actions{"retention", "cleanup", "rotate_logs", "compact",
                                                                     "trim", "disk_health", "updates"};

/// Their names, for sentences.
std::string maintenance_action_list();

/// `localhost` becomes 127.0.0.1: the server wants addresses.
std::string resolved_address(const std::string& address);

} // namespace overwatch
