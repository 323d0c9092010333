#pragma once

#include "messages/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace overwatch::http {

/// Appends RFC 3339 in UTC with microseconds: `2026-11-22T05:06:07.000000Z`.
void append_time(std::string& out, timestamp time);
std::string to_text(timestamp time);

/// Reads RFC 3339 with any offset (`2026-11-22T05:06:07+01:00`; a time without one is taken as UTC; a blank
/// instead of `T` is fine), or a duration from `now` on: `+5m`, `-1h`. Years 1970 to 9999.
std::optional<timestamp> parse_time(std::string_view text, timestamp now);

/// Reads `250ms`, `30s`, `5m`, `2h`, `1d` or a plain number of seconds; not negative.
std::optional<milliseconds> parse_duration(std::string_view text);

} // namespace overwatch::http
