#include "config/log_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace overwatch {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD"; // U+FFFD, for what is not UTF-8
constexpr std::string_view cut_mark = "...";
constexpr size_t component_bytes = 64;
constexpr size_t name_bytes = 64;

/// Length of the UTF-8 character that `text` starts with; 0: it starts with none.
size_t character_length(std::string_view text) {
  auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  auto tail = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  auto first = byte(0);
  if (first < 0x80)
    return 1;
  if (first >= 0xC2 && first <= 0xDF && tail(1))
    return 2;
  bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  bool forbidden = (first == 0xED && byte(1) > 0x9F) || (first == 0xF4 && byte(1) > 0x8F);
  if (overlong || forbidden)
    return 0;
  if (first >= 0xE0 && first <= 0xEF && tail(1) && tail(2))
    return 3;
  if (first >= 0xF0 && first <= 0xF4 && tail(1) && tail(2) && tail(3))
    return 4;
  return 0;
}

/// C0, DEL and C1: what moves a cursor, starts an escape sequence or ends a line.
bool is_control(std::string_view character) {
  auto first = static_cast<unsigned char>(character[0]);
  return first < 0x20 || first == 0x7F || (first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0);
}

std::string control_escape(std::string_view character) {
  switch (character[0]) {
  case '\n':
    return "\\n";
  case '\r':
    return "\\r";
  case '\t':
    return "\\t";
  default:
    return fmt::format("\\u{:04x}", static_cast<unsigned char>(character.back()));
  }
}

/// Appends at most about `limit` bytes of `text` so that no byte of it can end a line, a string or control a terminal.
/// Returns the bytes that were appended.
size_t append_escaped(std::string& line, std::string_view text, size_t limit, bool json) {
  auto start = line.size();
  while (!text.empty()) {
    auto length = character_length(text);
    auto character = text.substr(0, std::max<size_t>(length, 1));
    std::string escape;
    std::string_view shown = character;
    if (length == 0)
      shown = replacement;
    else if (is_control(character))
      shown = escape = control_escape(character);
    else if (json && (character == "\"" || character == "\\"))
      shown = escape = "\\" + std::string{character};
    if (line.size() - start + shown.size() > limit) {
      line += cut_mark;
      break;
    }
    line += shown;
    text.remove_prefix(character.size());
  }
  return line.size() - start;
}

void append_text_value(std::string& line, const log_field& field, size_t& budget) {
  bool quotes = !field.bare && (field.value.empty() || field.value.find_first_of(" =\"") != std::string::npos);
  line += quotes ? "\"" : "";
  budget -= std::min(budget, append_escaped(line, field.value, budget, quotes));
  line += quotes ? "\"" : "";
}

std::string utc_time(std::chrono::system_clock::time_point time) {
  using namespace std::chrono;
  auto microseconds_of_second = duration_cast<microseconds>(time.time_since_epoch()).count() % 1'000'000;
  auto seconds = system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, microseconds_of_second);
}

std::string local_time(std::chrono::system_clock::time_point time) {
  using namespace std::chrono;
  auto milliseconds_of_second = duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1000;
  auto seconds = system_clock::to_time_t(time);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec, milliseconds_of_second);
}

std::string_view colour_of(severity level) {
  constexpr std::array<std::string_view, 5> colours{"\x1b[2m", "\x1b[36m", "\x1b[32m", "\x1b[33m", "\x1b[1;31m"};
  return colours[static_cast<size_t>(level)];
}

} // namespace

std::string json_line(const log_record& record) {
  constexpr std::array<std::string_view, 4> taken{"time", "level", "component", "message"};
  auto line = "{\"time\":\"" + utc_time(record.time) + "\",\"level\":\"" + std::string{to_string(record.level)} +
              "\",\"component\":\"";
  append_escaped(line, record.component, component_bytes, true);
  line += "\",\"message\":\"";
  append_escaped(line, record.message, log_limits::message_bytes, true);
  line += '"';
  auto budget = log_limits::fields_bytes;
  for (auto& field : record.fields) {
    if (budget == 0)
      break;
    line += ",\"";
    budget -= std::min(budget, append_escaped(line, field.name, name_bytes, true));
    line += std::find(taken.begin(), taken.end(), field.name) == taken.end() ? "\":" : "_\":";
    line += field.bare ? "" : "\"";
    // A number is short, and half of it would be another number.
    auto limit = field.bare ? field.value.size() : budget;
    budget -= std::min(budget, append_escaped(line, field.value, limit, true));
    line += field.bare ? "" : "\"";
  }
  return line + '}';
}

std::string text_line(const log_record& record, bool colours) {
  constexpr std::string_view plain = "\x1b[0m";
  auto line = local_time(record.time) + ' ';
  auto level = fmt::format("{:<7}", to_string(record.level));
  line += colours ? std::string{colour_of(record.level)} + level + std::string{plain} : level;
  line += ' ';
  auto written = append_escaped(line, record.component, component_bytes, false);
  constexpr size_t column = 10;
  line.append(written < column ? column - written : 0, ' ');
  line += ' ';
  append_escaped(line, record.message, log_limits::message_bytes, false);
  auto budget = log_limits::fields_bytes;
  for (auto& field : record.fields) {
    if (budget == 0)
      break;
    line += colours ? " \x1b[2m" : " ";
    budget -= std::min(budget, append_escaped(line, field.name, name_bytes, false));
    line += '=';
    append_text_value(line, field, budget);
    line += colours ? plain : "";
  }
  return line;
}

} // namespace overwatch
