#pragma once

#include "actors/handler.hpp"
#include "config/settings.hpp"

#include <map>
#include <string>

namespace overwatch {

/// Runs the command of `commands` that the payload names; see README for payload, result and log. `api`: where this
/// node listens, for the command.
outcome run_user_task(const attempt_context& ctx, const std::map<std::string, named_command>& commands,
                      const std::string& api = {});

} // namespace overwatch
