#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Cutting the text of configuration files.
namespace overwatch::security {

/// Calls `take(std::string_view)` for each line, without its end.
template <class Take>
void for_each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r')
      line.remove_suffix(1);
    take(line);
  }
}

inline constexpr std::string_view blanks = " \t\r\n\f\v";

inline std::string_view trimmed(std::string_view text) {
  auto first = text.find_first_not_of(blanks);
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(blanks) + 1 - first);
}

/// The parts between `separator`, also empty ones.
inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> result;
  for (;;) {
    auto end = text.find(separator);
    result.push_back(text.substr(0, end));
    if (end == std::string_view::npos)
      return result;
    text.remove_prefix(end + 1);
  }
}

/// The words between blanks.
inline std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> result;
  for (auto first = text.find_first_not_of(blanks); first != std::string_view::npos;
       first = text.find_first_not_of(blanks, first)) {
    auto end = std::min(text.find_first_of(blanks, first), text.size());
    result.push_back(text.substr(first, end - first));
    first = end;
  }
  return result;
}

/// All of `text` as a number.
template <class Number>
std::optional<Number> number_of(std::string_view text, int base = 10) {
  Number result{};
  auto end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, result, base);
  return parsed.ec == std::errc{} && parsed.ptr == end && !text.empty() ? std::optional{result} : std::nullopt;
}

inline bool begins_with(std::string_view text, std::string_view front) { return text.substr(0, front.size()) == front; }

inline bool ends_with(std::string_view text, std::string_view back) {
  return text.size() >= back.size() && text.substr(text.size() - back.size()) == back;
}

/// True when all of `text` fits a pattern of `*` (any characters) and `?` (one). Takes time like the product of both
/// lengths.
inline bool matches(std::string_view pattern, std::string_view text) {
  constexpr auto none = std::string_view::npos;
  size_t p = 0, t = 0, star = none, after_star = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after_star = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != none) { // the last star takes one more
      p = star + 1;
      t = ++after_star;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == none;
}

inline std::string lower(std::string_view text) {
  std::string result{text};
  for (auto& c : result)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return result;
}

} // namespace overwatch::security
