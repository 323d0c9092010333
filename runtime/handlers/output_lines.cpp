#include "runtime/handlers/output_lines.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace overwatch {

namespace {

bool continues(unsigned char byte) {
  return (byte & 0xC0) == 0x80;
}

// Bytes of the character at the start of `text`; 0 when it is not valid: overlong forms, surrogates and
// what is above U+10FFFF are not (RFC 3629).
size_t character_size(std::string_view text) {
  auto byte = [text](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  auto first = byte(0);
  if (first < 0x80)
    return 1;
  if (first < 0xC2 || first > 0xF4 || !continues(byte(1)))
    return 0;
  if (first < 0xE0)
    return 2;
  if (!continues(byte(2)) || (first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F))
    return 0;
  if (first < 0xF0)
    return 3;
  if (!continues(byte(3)) || (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F))
    return 0;
  return 4;
}

} // namespace

std::string valid_utf8(std::string_view text, size_t limit) {
  if (text.size() > limit) {
    auto end = limit;
    // Back to the start of a character, which is at most three bytes away.
    for (int i = 0; i < 3 && end > 0 && continues(static_cast<unsigned char>(text[end])); ++i)
      --end;
    text = text.substr(0, end);
  }
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    auto size = character_size(text);
    if (size == 0) {
      result += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    } else {
      result.append(text.substr(0, size));
      text.remove_prefix(size);
    }
  }
  return result;
}

std::optional<progress_line> parse_progress_line(std::string_view line) {
  constexpr std::string_view word = "::progress ";
  if (line.substr(0, word.size()) != word)
    return std::nullopt;
  line.remove_prefix(word.size());
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  progress_line result;
  auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), result.percent);
  if (error != std::errc{} || !std::isfinite(result.percent))
    return std::nullopt;
  line.remove_prefix(static_cast<size_t>(end - line.data()));
  if (!line.empty() && line.front() == '%')
    line.remove_prefix(1);
  if (!line.empty() && line.front() != ' ')
    return std::nullopt;
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  result.message = line;
  return result;
}

} // namespace overwatch
