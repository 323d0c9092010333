#include "messages/event.hpp"

#include <algorithm>
#include <charconv>
#include <functional>

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

namespace {

// Usually every partition is named, so that its number is its place.
template <class Cursors>
auto place_of(Cursors& cursors, partition_id partition) {
  if (partition < cursors.size() && cursors[partition].partition == partition)
    return cursors.begin() + partition;
  return std::lower_bound(cursors.begin(), cursors.end(), partition,
                          [](const event_cursor& x, partition_id y) { return x.partition < y; });
}

} // namespace

const event_cursor* event_position::find(partition_id partition) const {
  auto place = place_of(cursors, partition);
  return place != cursors.end() && place->partition == partition ? &*place : nullptr;
}

void event_position::advance(const event_cursor& cursor) {
  auto place = place_of(cursors, cursor.partition);
  if (place == cursors.end() || place->partition != cursor.partition)
    cursors.insert(place, cursor);
  else if (*place < cursor)
    *place = cursor;
}

bool event_position::valid() const {
  auto ascends = [](const event_cursor& x, const event_cursor& y) { return x.partition < y.partition; };
  return cursors.size() <= max_position_partitions
         && std::adjacent_find(cursors.begin(), cursors.end(), std::not_fn(ascends)) == cursors.end();
}

std::string to_string(const event_position& position) {
  std::string text;
  for (const auto& cursor : position.cursors)
    text.append(text.empty() ? "" : "-").append(to_string(cursor));
  return text;
}

std::optional<event_position> parse_event_position(std::string_view text) {
  event_position position;
  for (auto more = true; more;) {
    auto end = text.find('-');
    auto cursor = parse_event_cursor(text.substr(0, end));
    if (!cursor || position.cursors.size() == max_position_partitions)
      return std::nullopt;
    position.cursors.push_back(*cursor);
    more = end != std::string_view::npos;
    text.remove_prefix(more ? end + 1 : text.size());
  }
  if (!position.valid())
    return std::nullopt;
  return position;
}

} // namespace overwatch
