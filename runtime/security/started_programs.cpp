#include "runtime/security/started_programs.hpp"

#include "runtime/security/lines.hpp"

#include <algorithm>
#include <array>

namespace overwatch::security {

namespace {

constexpr size_t time_fields = 5;

bool is_setting(std::string_view line) {
  auto equals = line.find('=');
  auto end = line.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
  return equals != std::string_view::npos && end != std::string_view::npos && end > 0 &&
         trimmed(line.substr(end, equals - end)).empty() && line.find_first_not_of(" \t", end) == equals;
}

bool is_time_field(std::string_view word) {
  static constexpr std::string_view allowed = "0123456789*,-/~";
  return std::all_of(word.begin(), word.end(), [](char c) {
    return allowed.find(c) != std::string_view::npos || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

// The text after `count` words.
std::string_view after_words(std::string_view line, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    line = trimmed(line);
    line.remove_prefix(std::min(line.find_first_of(blanks), line.size()));
  }
  return trimmed(line);
}

bool is_plain_path(std::string_view word) {
  return word.size() > 1 && word.front() == '/' && word.find_first_of("*?[$%`\\") == std::string_view::npos;
}

// systemd joins lines that end in a backslash.
std::vector<std::string> unit_lines(std::string_view text) {
  std::vector<std::string> result;
  std::string line;
  for_each_line(text, [&](std::string_view part) {
    auto first = trimmed(part);
    if (!first.empty() && (first.front() == '#' || first.front() == ';'))
      return;
    auto goes_on = !part.empty() && part.back() == '\\';
    line += goes_on ? std::string{part.substr(0, part.size() - 1)} + " " : std::string{part};
    if (goes_on)
      return;
    result.emplace_back(trimmed(line));
    line.clear();
  });
  result.emplace_back(trimmed(line));
  return result;
}

bool is_true(std::string_view text) { return text == "yes" || text == "true" || text == "1" || text == "on"; }

} // namespace

std::vector<cron_entry> parse_crontab(std::string_view text, bool with_user) {
  std::vector<cron_entry> result;
  for_each_line(text, [&](std::string_view line) {
    line = trimmed(line);
    if (line.empty() || line.front() == '#' || is_setting(line))
      return;
    auto words = words_of(line);
    auto times = words[0].front() == '@' ? 1 : time_fields;
    auto front = times + (with_user ? 1 : 0);
    if (words.size() <= front || (times > 1 && !std::all_of(words.begin(), words.begin() + time_fields, is_time_field)))
      return;
    result.push_back({with_user ? std::string{words[times]} : std::string{}, std::string{after_words(line, front)}});
  });
  return result;
}

std::vector<std::string> programs_in(std::string_view command) {
  static constexpr std::string_view separators = " \t\r\n;|&()<>\"'`{},";
  std::vector<std::string> result;
  while (!command.empty() && result.size() < max_programs) {
    auto first = command.find_first_not_of(separators);
    if (first == std::string_view::npos)
      break;
    // What output goes to is no program; that it is writable is usual.
    auto before = command.substr(0, first).find_last_not_of(" \t");
    auto redirected = before != std::string_view::npos && command[before] == '>';
    command.remove_prefix(first);
    auto end = std::min(command.find_first_of(separators), command.size());
    auto word = command.substr(0, end);
    if (!redirected && is_plain_path(word))
      result.emplace_back(word);
    // The separator before the next word is still looked at.
    command.remove_prefix(end);
  }
  return result;
}

unit_programs parse_unit(std::string_view text) {
  static constexpr std::array starters{"ExecStart",    "ExecStartPre", "ExecStartPost", "ExecStop",
                                       "ExecStopPost", "ExecReload",   "ExecCondition"};
  unit_programs result;
  std::string section;
  for (const auto& line : unit_lines(text)) {
    if (!line.empty() && line.front() == '[')
      section = line;
    auto equals = line.find('=');
    if (section != "[Service]" || equals == std::string::npos)
      continue;
    auto key = trimmed(std::string_view{line}.substr(0, equals));
    auto value = trimmed(std::string_view{line}.substr(equals + 1));
    if (key == "User")
      result.user = value;
    else if (key == "DynamicUser")
      result.any_user = is_true(value);
    else if (std::find(starters.begin(), starters.end(), key) != starters.end()) {
      value.remove_prefix(std::min(value.find_first_not_of("-@:+!|"), value.size()));
      auto words = words_of(value);
      if (!words.empty() && is_plain_path(words[0]) && result.programs.size() < max_programs)
        result.programs.emplace_back(words[0]);
    }
  }
  return result;
}

} // namespace overwatch::security
