#include "actors/open_hours.hpp"

#include <date/date.h>

#include <algorithm>

namespace overwatch {

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto day_length = minutes{24 * 60};

/// Windows repeat themselves each week; one week may lose an edge to a change of the clocks.
constexpr auto horizon = seconds{day_length} * 15;

minutes length_of(const time_window& x) {
  auto length = minutes{(x.to + 1440 - x.from) % 1440};
  return length == minutes{0} ? day_length : length;
}

/// `days` are those since 1970, of the wall clock.
bool begins_on(const time_window& x, date::days days) {
  auto monday_based = (date::weekday{date::sys_days{days}}.c_encoding() + 6) % 7;
  return (x.days >> monday_based & 1) != 0;
}

bool covers(const time_window& x, seconds wall) {
  auto today = date::floor<date::days>(wall);
  for (auto day : {today, today - date::days{1}}) {
    auto since = wall - day - minutes{x.from};
    if (begins_on(x, day) && since >= seconds{0} && since < length_of(x))
      return true;
  }
  return false;
}

bool open_at(const std::vector<time_window>& windows, const time_zone& zone, seconds utc) {
  auto wall = utc + zone.at(utc).offset;
  return std::any_of(windows.begin(), windows.end(), [&](const auto& x) { return covers(x, wall); });
}

/// Adds where windows begin and end in wall time [from, to).
void add_edges(const std::vector<time_window>& windows, seconds from, seconds to, seconds offset,
               std::vector<seconds>& edges) {
  for (auto day = date::floor<date::days>(from) - date::days{1}; day < to; day += date::days{1})
    for (const auto& x : windows) {
      if (!begins_on(x, day))
        continue;
      auto begin = seconds{day} + minutes{x.from};
      for (auto edge : {begin, begin + length_of(x)})
        if (edge >= from && edge < to)
          edges.push_back(edge - offset);
    }
}

} // namespace

bool is_open(const std::vector<time_window>& windows, const time_zone& zone, timestamp now) {
  return open_at(windows, zone, date::floor<seconds>(now.time_since_epoch()));
}

std::optional<timestamp> next_change(const std::vector<time_window>& windows, const time_zone& zone, timestamp now) {
  auto start = date::floor<seconds>(now.time_since_epoch());
  std::vector<seconds> edges;
  for (auto from = start; from < start + horizon;) {
    auto period = zone.at(from);
    auto to = std::min(period.end, start + horizon);
    edges.push_back(from); // where the offset changes
    add_edges(windows, from + period.offset, to + period.offset, period.offset, edges);
    from = to;
  }
  std::sort(edges.begin(), edges.end());
  auto open = open_at(windows, zone, start);
  for (auto edge : edges)
    if (edge > start && open_at(windows, zone, edge) != open)
      return timestamp{edge};
  return std::nullopt;
}

} // namespace overwatch
