#include "messages/event.hpp"

#include <charconv>

namespace overwatch {

std::string to_string(const event_cursor& cursor) {
  return std::to_string(cursor.partition) + '.' + std::to_string(cursor.index) + '.' + std::to_string(cursor.number);
}

std::optional<event_cursor> parse_event_cursor(std::string_view text) {
  event_cursor cursor;
  const auto* first = text.data();
  const auto* last = first + text.size();
  auto read = [&](auto& number, char separator) {
    auto [end, error] = std::from_chars(first, last, number);
    if (error != std::errc{} || end == first)
      return false;
    if (separator == '\0')
      return end == last;
    if (end == last || *end != separator)
      return false;
    first = end + 1;
    return true;
  };
  if (read(cursor.partition, '.') && read(cursor.index, '.') && read(cursor.number, '\0'))
    return cursor;
  return std::nullopt;
}

} // namespace overwatch
