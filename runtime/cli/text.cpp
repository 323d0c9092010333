#include "runtime/cli/text.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace overwatch::cli {

namespace {

constexpr double longest_duration_s = 100.0 * 365 * 86'400;

struct code_point {
  char32_t value = 0;
  size_t bytes = 1;
  bool valid = false;
};

// The first character of `text` (not empty); overlong forms, surrogates and cut sequences are invalid.
code_point decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(0);
  if (first < 0x80)
    return {first, 1, true};
  const size_t length = first >= 0xF0 && first < 0xF5 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (length == 0 || first >= 0xF5 || text.size() < length)
    return {first, 1, false};
  auto value = static_cast<char32_t>(first & (0xFF >> (length + 1)));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80)
      return {first, 1, false};
    value = (value << 6) | (byte(i) & 0x3F);
  }
  constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
  const bool valid = value >= smallest[length] && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
  return {valid ? value : first, valid ? length : 1, valid};
}

bool turns_direction(char32_t c) {
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

bool is_line_break(char32_t c) { return c == 0x2028 || c == 0x2029; }

size_t width_of(char32_t c) {
  if ((c >= 0x300 && c <= 0x36F) || (c >= 0x200B && c <= 0x200D) || (c >= 0x20D0 && c <= 0x20FF) ||
      (c >= 0xFE00 && c <= 0xFE0F) || c == 0xFEFF)
    return 0;
  const bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF && c != 0x303F) ||
                    (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) ||
                    (c >= 0xFF00 && c <= 0xFF60) || (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1F64F) ||
                    (c >= 0x1F680 && c <= 0x1F6FF) || (c >= 0x1F900 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
  return wide ? 2 : 1;
}

template <class... Ts>
std::string formatted(const char* format, Ts... values) {
  std::array<char, 64> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), format, values...);
  return std::string{buffer.data(), static_cast<size_t>(length)};
}

// Seconds in `unit`, or 0 when there is no such unit.
double seconds_of(std::string_view unit) {
  if (unit == "ms")
    return 0.001;
  if (unit == "s")
    return 1;
  if (unit == "m")
    return 60;
  if (unit == "h")
    return 3600;
  if (unit == "d")
    return 86'400;
  return 0;
}

// Digits with at most one point at the front of `text`, which loses them.
std::optional<double> take_number(std::string_view& text) {
  size_t length = 0;
  size_t points = 0;
  while (length < text.size() && (std::isdigit(static_cast<unsigned char>(text[length])) || text[length] == '.')) {
    points += text[length] == '.' ? 1 : 0;
    ++length;
  }
  if (length == 0 || points > 1 || length == points)
    return std::nullopt;
  const double result = std::strtod(std::string{text.substr(0, length)}.c_str(), nullptr);
  text.remove_prefix(length);
  return result;
}

} // namespace

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto c = decode(text);
    if (!c.valid || c.value < 0x20 || (c.value >= 0x7F && c.value <= 0x9F)) {
      if (c.value == '\n')
        result += "\\n";
      else if (c.value == '\t')
        result += "\\t";
      else if (c.value == '\r')
        result += "\\r";
      else
        result += formatted("\\x%02x", static_cast<unsigned>(c.value));
    } else if (turns_direction(c.value) || is_line_break(c.value)) {
      result += formatted("\\u%04x", static_cast<unsigned>(c.value));
    } else {
      result += text.substr(0, c.bytes);
    }
    text.remove_prefix(c.bytes);
  }
  return result;
}

size_t display_width(std::string_view text) {
  size_t result = 0;
  while (!text.empty()) {
    const auto c = decode(text);
    result += width_of(c.value);
    text.remove_prefix(c.bytes);
  }
  return result;
}

std::string_view front_columns(std::string_view text, size_t width) {
  size_t used = 0;
  size_t bytes = 0;
  while (bytes < text.size()) {
    const auto c = decode(text.substr(bytes));
    if (used + width_of(c.value) > width)
      break;
    used += width_of(c.value);
    bytes += c.bytes;
  }
  return text.substr(0, bytes);
}

std::string cut(std::string_view text, size_t width) {
  if (display_width(text) <= width)
    return std::string{text};
  return width == 0 ? std::string{} : std::string{front_columns(text, width - 1)} + "…";
}

std::string pad(std::string_view text, size_t width, bool right_aligned) {
  const auto have = display_width(text);
  const std::string space(have < width ? width - have : 0, ' ');
  return right_aligned ? space + std::string{text} : std::string{text} + space;
}

std::string format_duration(double seconds) {
  if (!std::isfinite(seconds))
    return "-";
  if (seconds < 0)
    return "-" + format_duration(-seconds);
  if (seconds < 0.0009995)
    return formatted("%.0f us", seconds * 1e6);
  if (seconds < 0.9995)
    return formatted("%.0f ms", seconds * 1e3);
  if (seconds < 9.995)
    return formatted("%.2f s", seconds);
  if (seconds < 59.95)
    return formatted("%.1f s", seconds);
  const auto whole = static_cast<uint64_t>(std::min(seconds, longest_duration_s) + 0.5);
  const auto part = [](uint64_t x) { return static_cast<unsigned long long>(x); };
  if (whole < 3600)
    return formatted("%llum %02llus", part(whole / 60), part(whole % 60));
  if (whole < 86'400)
    return formatted("%lluh %02llum", part(whole / 3600), part(whole / 60 % 60));
  return formatted("%llud %02lluh", part(whole / 86'400), part(whole / 3600 % 24));
}

std::string format_bytes(double bytes) {
  constexpr std::array<const char*, 6> units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < units.size()) {
    bytes /= 1024;
    ++unit;
  }
  return formatted(unit == 0 || bytes >= 100 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

std::string format_count(uint64_t count) {
  auto result = std::to_string(count);
  for (auto place = static_cast<ptrdiff_t>(result.size()) - 3; place > 0; place -= 3)
    result.insert(static_cast<size_t>(place), ",");
  return result;
}

std::string format_time(timestamp time) {
  const auto microseconds = time.time_since_epoch().count();
  const auto fraction = ((microseconds % 1'000'000) + 1'000'000) % 1'000'000;
  const auto whole = static_cast<time_t>((microseconds - fraction) / 1'000'000);
  std::tm parts{};
  gmtime_r(&whole, &parts);
  std::array<char, 32> buffer{};
  std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return buffer.data() + formatted(".%06lldZ", static_cast<long long>(fraction));
}

std::string short_time(std::string_view api_time) {
  constexpr size_t to_the_second = 19; // "2026-11-22T05:06:16"
  if (api_time.size() < to_the_second || api_time[10] != 'T')
    return std::string{api_time};
  std::string result{api_time.substr(0, to_the_second)};
  result[10] = ' ';
  return result;
}

std::optional<timestamp> parse_api_time(std::string_view text) {
  std::tm parts{};
  double seconds = 0;
  const std::string terminated{text};
  if (std::sscanf(terminated.c_str(), "%4d-%2d-%2dT%2d:%2d:%lf", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
                  &parts.tm_hour, &parts.tm_min, &seconds) != 6)
    return std::nullopt;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return timestamp{std::chrono::seconds{timegm(&parts)} + std::chrono::microseconds{std::llround(seconds * 1e6)}};
}

std::optional<milliseconds> parse_duration(std::string_view text) {
  double seconds = 0;
  bool first = true;
  while (!text.empty() || first) {
    const auto number = take_number(text);
    if (!number)
      return std::nullopt;
    size_t length = 0;
    while (length < text.size() && std::isalpha(static_cast<unsigned char>(text[length])))
      ++length;
    const auto unit = first && text.empty() ? 1.0 : seconds_of(text.substr(0, length));
    if (unit == 0)
      return std::nullopt;
    text.remove_prefix(length);
    seconds += *number * unit;
    first = false;
  }
  if (seconds > longest_duration_s)
    return std::nullopt;
  return milliseconds{std::llround(seconds * 1000)};
}

std::optional<std::string> parse_time(std::string_view text, timestamp now) {
  if (text.empty() || text.front() != '+')
    return std::string{text};
  const auto after = parse_duration(text.substr(1));
  if (!after)
    return std::nullopt;
  return format_time(now + *after);
}

std::optional<std::pair<std::string, std::string>> parse_pair(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return std::nullopt;
  return std::pair{std::string{text.substr(0, equals)}, std::string{text.substr(equals + 1)}};
}

std::string percent_encode(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte)) || c == '-' || c == '.' || c == '_' || c == '~')
      result += c;
    else
      result += formatted("%%%02X", static_cast<unsigned>(byte));
  }
  return result;
}

} // namespace overwatch::cli
