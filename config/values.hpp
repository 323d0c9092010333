#pragma once

#include "config/document.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace overwatch {

/// Where the value of an option lives. Its alternative is the type of the option.
using value_ref = std::variant<std::string*, uint16_t*, uint32_t*, std::chrono::seconds*, std::vector<std::string>*,
                               std::map<std::string, uint32_t>*, std::map<std::string, std::string>*>;

/// What a value may be, beside its type.
struct value_rules {
  int64_t minimum = 0;                   ///< of numbers, durations (seconds) and the numbers of a map
  int64_t maximum = 0;                   ///< likewise
  std::vector<std::string_view> allowed; ///< of text, in lower case; empty: any
  bool task_types = false;               ///< list entries or map keys are names of task types
};

/// Puts a value of a file into its place. Empty when it fits, otherwise what is allowed instead
/// ("must be a whole number from 0 to 65535, not text"); the place is unchanged then.
std::string assign(value_ref place, const value_rules& rules, const config_value& value);

/// Likewise for text of the environment or the command line: `8080`, `30s`, `info`, `a,b`, `noop=4,resize=2`.
/// A duration without a unit counts in seconds.
std::string assign_text(value_ref place, const value_rules& rules, std::string_view text);

/// The value as `assign_text` reads it.
std::string value_text(value_ref place);

/// The value as a config file has it.
std::string value_literal(value_ref place);

/// "whole number, 0 to 65535", "one of trace, debug, info", ...
std::string describe_values(value_ref place, const value_rules& rules);

/// `30s`, `10min`, `24h`: the largest unit that divides it.
std::string duration_text(std::chrono::seconds duration);

/// The entry of `known` that is most likely meant by `name`; none when all are too different.
std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& known);

} // namespace overwatch
