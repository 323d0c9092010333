#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace overwatch {

/// Task types that somebody declared, or that a worker served, are settings: `task_types.<type>` = 1.
inline constexpr std::string_view task_types_setting = "task_types.";

/// The type that a setting declares; nothing for other settings.
inline std::optional<std::string> declared_type(std::string_view setting) {
  if (setting.substr(0, task_types_setting.size()) != task_types_setting)
    return std::nullopt;
  return std::string{setting.substr(task_types_setting.size())};
}

/// All that the settings declare.
inline std::set<std::string> declared_types(const std::map<std::string, std::string>& settings) {
  std::set<std::string> result;
  for (auto i = settings.lower_bound(std::string{task_types_setting}); i != settings.end(); ++i) {
    auto type = declared_type(i->first);
    if (!type)
      break;
    result.insert(std::move(*type));
  }
  return result;
}

} // namespace overwatch
