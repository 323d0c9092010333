#pragma once

#include "actors/handler.hpp"
#include "messages/time.hpp"
#include "runtime/handlers/verdict.hpp"

#include <string>
#include <string_view>

namespace overwatch {

/// What the payload of a `system_health` task may set.
struct system_health_options {
  milliseconds sample{500}; ///< CPU is measured over this time; 10 ms to 60 s
  health_thresholds thresholds;
};

/// Empty, or a sentence that names the field, the value and what is allowed.
std::string parse_options(std::string_view payload, system_health_options& options);

/// Looks at this machine once and judges it; see README for the result.
outcome run_system_health(const attempt_context& ctx);

} // namespace overwatch
