#pragma once

#include "actors/handler.hpp"
#include "config/settings.hpp"

namespace overwatch::security {

/// Registers the task type `security_scan`. Copies from `config` what it needs.
void add_security_scan(handler_registry& registry, const settings& config);

/// The handler: looks, changes nothing of what it looks at, and keeps reports and baselines in `security.directory`.
outcome run_security_scan(const attempt_context& ctx, const settings& config);

} // namespace overwatch::security
