#pragma once

#include "actors/handler.hpp"
#include "messages/time.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace overwatch {

/// What the payload of a `performance_check` task may set.
struct performance_check_options {
  milliseconds duration{5000}; ///< `duration_s`, 1 to 300
  size_t top_n = 5;            ///< processes listed by CPU and by memory, 1 to 50
};

/// Empty, or a sentence that names the field, the value and what is allowed.
std::string parse_options(std::string_view payload, performance_check_options& options);

/// Watches this machine for some seconds; see README for the result.
outcome run_performance_check(const attempt_context& ctx);

} // namespace overwatch
