#pragma once

#include "actors/time_zone.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace overwatch {

/// A cron expression: `minute hour day month weekday`, or six fields with the second before them. A field is a list of
/// values, ranges (`9-17`) and steps (`*/5`, `10-30/5`, `10/5`: from 10 on); `*` is every value, `?` the same for days.
/// Months and weekdays have English names of three letters in any case; weekdays are 0 to 7, Sunday is 0 and 7.
/// Day: `L` is the last of the month, `L-2` two before it. Weekday: `5L` is the last Friday, `5#2` the second.
/// Also `@yearly` `@annually` `@monthly` `@weekly` `@daily` `@midnight` `@hourly`.
///
/// Days as in Vixie cron: when both day and weekday are given, one of them has to match; a field that begins with `*`
/// or `?` (also `*/2`) counts as not given, and then both have to match.
///
/// Daylight saving: an hour field of single values (`2`, `2,14`) means times of the wall clock: each comes once a
/// day, at its first occurrence when clocks are set back; those that clocks jump over come once, together, at the end
/// of the jump. Any other hour field (`*`, `*/2`, `8-17`) follows the clock as it runs: every occurrence counts, so
/// what is due each quarter of an hour stays so, and what is jumped over is not made up for.
class cron_schedule {
public:
  /// `invalid` at field `/cron` with a sentence; also for one that never comes, as 31 February.
  static caf::expected<cron_schedule> parse(std::string_view text);

  /// The first time after `after`; nothing when there is none in 50 years.
  std::optional<timestamp> next(timestamp after, const time_zone& zone) const;

private:
  friend class cron_parser;

  /// Days of the month that match, as bits 1 to 31. `year` and `month` (from 1) are of the wall clock.
  uint32_t days_of(int year, unsigned month) const;
  bool ever_comes() const;

  /// The first wall time in [from, end) that matches, in seconds since 1970.
  std::optional<std::chrono::seconds> next_wall(std::chrono::seconds from, std::chrono::seconds end) const;
  std::optional<std::chrono::seconds> next_time_of_day(std::chrono::seconds from) const;

  // Bit n is value n.
  uint64_t seconds_ = 0;
  uint64_t minutes_ = 0;
  uint64_t hours_ = 0;
  uint64_t days_ = 0;
  uint64_t months_ = 0;
  uint64_t weekdays_ = 0;                  ///< 0 is Sunday
  uint64_t before_last_day_ = 0;           ///< bit 0: `L`, bit 2: `L-2`
  uint64_t last_weekdays_ = 0;             ///< `5L`
  std::array<uint64_t, 5> nth_weekdays_{}; ///< `5#2` is bit 5 in the second
  bool one_of_days_ = false;               ///< day and weekday are both given
  bool fixed_hours_ = true;
};

} // namespace overwatch
