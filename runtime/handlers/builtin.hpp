#pragma once

#include "actors/handler.hpp"
#include "config/settings.hpp"

namespace overwatch {

/// Registers the handlers that every node has: `noop`, `system_health`, `performance_check` and
/// `user_task`. Copies from `config` what they need.
void add_builtin_handlers(handler_registry& registry, const settings& config);

} // namespace overwatch
