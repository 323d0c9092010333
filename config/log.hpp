#pragma once

#include "config/settings.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace overwatch {

enum class severity : uint8_t { trace, debug, info, warning, error };

/// A fact of a log line: `{"task", id}`, `{"attempt", 3}`. Numbers stay numbers in JSON.
struct log_field {
  std::string_view name; ///< lives until `log_line` returns
  std::string value;
  bool bare = false; ///< a number or truth value: written without quotes

  log_field(std::string_view name, std::string value) : name{name}, value{std::move(value)} {}
  log_field(std::string_view name, std::string_view value) : name{name}, value{value} {}
  log_field(std::string_view name, const char* value) : name{name}, value{value} {}
  log_field(std::string_view name, bool value) : name{name}, value{value ? "true" : "false"}, bare{true} {}
  template <class Number, class = std::enable_if_t<std::is_integral_v<Number>>>
  log_field(std::string_view name, Number value) : name{name}, value{std::to_string(value)}, bare{true} {}
};

using log_fields = std::vector<log_field>;

/// Bounds of the log. A line has at most about `message_bytes + fields_bytes`.
struct log_limits {
  static constexpr size_t message_bytes = 8 * 1024; ///< a longer message is cut
  static constexpr size_t fields_bytes = 4 * 1024;  ///< all fields together; longer values are cut
  static constexpr size_t queue_lines = 4096;       ///< waiting to be written; above it the oldest are dropped
};

/// Starts the log as `values.log` says. A file that cannot be opened is reported on standard error, and the log goes
/// there. Called once more it replaces the log that was. The process must not fork afterwards without exec.
void start_logging(const settings& values);

/// Writes what waits, for 2 s at most (a reader that has stopped must not keep the process), and ends the log.
void stop_logging();

/// Writes one line; never blocks on I/O. Any thread. Control characters are escaped and bytes that are not UTF-8
/// replaced, so that nothing in a value can forge a line. Outside of start and stop only warnings and errors are
/// written, to standard error.
///
/// Never pass secrets: payloads, results, environments and outputs of tasks do not belong into the log. A line about a
/// task has the fields `task`, `attempt` and the task's context, each key of it as `context.<key>`.
///
/// @param component  the actor or part that speaks: `scheduler`, `http`
/// @param message    a sentence without the values, which are fields
void log_line(severity level, std::string_view component, std::string_view message, const log_fields& fields = {});

/// True when a line of this level would be written: ask before an expensive one.
bool log_enabled(severity level);

/// From the next line on. Any thread.
void set_log_level(severity level);

/// `info`, `WARNING`, ... in any case; none for anything else.
std::optional<severity> parse_severity(std::string_view text);

std::string_view to_string(severity level);

/// Lines dropped since the process started because the log could not be written fast enough.
uint64_t dropped_log_lines();

} // namespace overwatch
