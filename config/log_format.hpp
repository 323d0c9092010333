#pragma once

#include "config/log.hpp"

#include <chrono>
#include <string>

namespace overwatch {

/// What one line of the log says.
struct log_record {
  std::chrono::system_clock::time_point time;
  severity level;
  std::string_view component;
  std::string_view message;
  const log_fields& fields;
};

/// A JSON object on one line, without its end: time (RFC 3339, UTC, microseconds), level, component, message, then
/// the fields. A field with one of these four names gets a `_` behind it.
std::string json_line(const log_record& record);

/// For people: local time, level, component, message, `name=value ...`, with colours if wanted.
std::string text_line(const log_record& record, bool colours);

} // namespace overwatch
