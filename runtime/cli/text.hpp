#pragma once

#include "messages/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Plain functions between values and the text that people read and write.
namespace overwatch::cli {

/// `text` so that a terminal only shows it: control characters, invalid UTF-8 and the marks that turn the
/// writing direction become escapes such as `\x1b`, `\n` or `\u202e`. Task data comes from strangers.
std::string printable(std::string_view text);

/// Columns that valid UTF-8 takes: two for wide East Asian characters and emoji, none for combining marks.
size_t display_width(std::string_view text);

/// The longest front of `text` that takes at most `width` columns.
std::string_view front_columns(std::string_view text, size_t width);

/// At most `width` columns of `text`; what was cut shows as `…`.
std::string cut(std::string_view text, size_t width);

/// `text` with spaces up to `width` columns.
std::string pad(std::string_view text, size_t width, bool right_aligned = false);

/// Three digits at most: `480 us`, `12 ms`, `1.25 s`, `2m 03s`, `1h 05m`, `3d 04h`.
std::string format_duration(double seconds);

/// `512 B`, `1.5 KiB`, `3.2 GiB`.
std::string format_bytes(double bytes);

/// `1234567` as `1,234,567`.
std::string format_count(uint64_t count);

/// RFC 3339 in UTC with microseconds, as the API writes times.
std::string format_time(timestamp time);

/// A time of the API for a table: `2026-11-22 05:06:16`. Other text stays as it is.
std::string short_time(std::string_view api_time);

/// A time of the API (UTC) as a time; nothing when it is none.
std::optional<timestamp> parse_api_time(std::string_view text);

/// `250ms`, `30s`, `5m`, `1h30m`, `2d`, or a plain number of seconds (`1.5`). At most 100 years.
std::optional<milliseconds> parse_duration(std::string_view text);

/// `+5m` counts from `now`; anything else is passed on: the node says which forms of a time it knows.
/// Nothing when what follows `+` is no duration.
std::optional<std::string> parse_time(std::string_view text, timestamp now);

/// `key=value` in two; nothing without `=` or with an empty key.
std::optional<std::pair<std::string, std::string>> parse_pair(std::string_view text);

/// `text` for a URL: all but letters, digits and `-._~` as `%XX`.
std::string percent_encode(std::string_view text);

} // namespace overwatch::cli
