#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace overwatch {

/// That a node is drained is a setting: `drain.<node>` = when the rest goes back to the queue, in seconds since 1970,
/// or 0 for never.
inline constexpr std::string_view drain_prefix = "drain.";

inline std::string drain_setting(std::string_view node) { return std::string{drain_prefix}.append(node); }

/// The node that a setting drains; nothing for other settings.
inline std::optional<std::string> drained_node(std::string_view setting) {
  if (setting.substr(0, drain_prefix.size()) != drain_prefix)
    return std::nullopt;
  return std::string{setting.substr(drain_prefix.size())};
}

} // namespace overwatch
