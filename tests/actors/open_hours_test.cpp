#include "actors/open_hours.hpp"

#include <date/date.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <sstream>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

constexpr uint8_t monday = 1;
constexpr uint8_t friday = 1 << 4;
constexpr uint8_t sunday = 1 << 6;
constexpr uint8_t every_day = 0x7F;

time_zone zone(const std::string& name) { return *time_zone::find(name); }

timestamp utc(const std::string& text) {
  std::istringstream in{text};
  date::sys_seconds result;
  in >> date::parse("%F %T", result);
  EXPECT_FALSE(in.fail()) << text;
  return result;
}

time_window window(uint8_t days, int from_hour, int to_hour) {
  return {days, static_cast<uint16_t>(from_hour * 60), static_cast<uint16_t>(to_hour * 60)};
}

} // namespace

TEST(OpenHoursTest, OpensAndClosesOnItsDays) {
  std::vector<time_window> windows{window(monday | friday, 9, 17)};
  auto in = zone("UTC");
  EXPECT_FALSE(is_open(windows, in, utc("2026-11-23 08:59:59"))); // a Monday
  EXPECT_TRUE(is_open(windows, in, utc("2026-11-23 09:00:00")));
  EXPECT_TRUE(is_open(windows, in, utc("2026-11-23 16:59:59")));
  EXPECT_FALSE(is_open(windows, in, utc("2026-11-23 17:00:00")));
  EXPECT_FALSE(is_open(windows, in, utc("2026-11-24 12:00:00")));
  EXPECT_EQ(next_change(windows, in, utc("2026-11-23 08:00:00")), utc("2026-11-23 09:00:00"));
  EXPECT_EQ(next_change(windows, in, utc("2026-11-23 09:00:00")), utc("2026-11-23 17:00:00"));
  EXPECT_EQ(next_change(windows, in, utc("2026-11-23 17:00:00")), utc("2026-11-27 09:00:00"));
}

TEST(OpenHoursTest, WindowOverMidnightBelongsToTheDayOnWhichItBegins) {
  std::vector<time_window> windows{window(sunday, 22, 6)};
  auto in = zone("UTC");
  EXPECT_FALSE(is_open(windows, in, utc("2026-11-22 05:00:00"))); // a Sunday
  EXPECT_TRUE(is_open(windows, in, utc("2026-11-22 22:00:00")));
  EXPECT_TRUE(is_open(windows, in, utc("2026-11-23 05:59:59")));
  EXPECT_FALSE(is_open(windows, in, utc("2026-11-23 22:00:00")));
  EXPECT_EQ(next_change(windows, in, utc("2026-11-22 23:00:00")), utc("2026-11-23 06:00:00"));
}

TEST(OpenHoursTest, EqualEndsAreADay) {
  std::vector<time_window> monday_only{window(monday, 0, 0)};
  EXPECT_TRUE(is_open(monday_only, zone("UTC"), utc("2026-11-23 00:00:00")));
  EXPECT_EQ(next_change(monday_only, zone("UTC"), utc("2026-11-23 10:00:00")), utc("2026-11-24 00:00:00"));
  std::vector<time_window> always{window(every_day, 10, 10)};
  EXPECT_TRUE(is_open(always, zone("Europe/Berlin"), utc("2026-10-25 00:30:00")));
  EXPECT_EQ(next_change(always, zone("Europe/Berlin"), utc("2026-10-24 12:00:00")), std::nullopt);
}

TEST(OpenHoursTest, NoWindowNeverOpens) {
  EXPECT_FALSE(is_open({}, zone("UTC"), utc("2026-11-23 12:00:00")));
  EXPECT_EQ(next_change({}, zone("UTC"), utc("2026-11-23 12:00:00")), std::nullopt);
}

TEST(OpenHoursTest, FollowsTheWallClockOverChangesOfIt) {
  auto berlin = zone("Europe/Berlin");
  std::vector<time_window> night{window(every_day, 1, 3)};
  EXPECT_EQ(next_change(night, berlin, utc("2026-03-29 00:30:00")), utc("2026-03-29 01:00:00")) << "02:00 is 03:00";
  EXPECT_EQ(next_change(night, berlin, utc("2026-10-25 00:00:00")), utc("2026-10-25 02:00:00")) << "three hours long";
  std::vector<time_window> jumped_over{window(sunday, 2, 3)};
  EXPECT_EQ(next_change(jumped_over, berlin, utc("2026-03-28 00:00:00")), utc("2026-04-05 00:00:00"));
  std::vector<time_window> in_the_repeated_hour{{every_day, 2 * 60 + 15, 2 * 60 + 45}};
  EXPECT_EQ(next_change(in_the_repeated_hour, berlin, utc("2026-10-25 00:50:00")), utc("2026-10-25 01:15:00"));
}

TEST(OpenHoursTest, NextChangeIsTheFirstMinuteThatDiffers) {
  EXPECT_TRUE(rc::check("compared with looking at each minute", [] {
    const char* const names[] = {"UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York"};
    auto in = zone(names[*rc::gen::inRange<size_t>(0, std::size(names))]);
    std::vector<time_window> windows(*rc::gen::inRange<size_t>(0, 4));
    for (auto& x : windows) {
      x.days = static_cast<uint8_t>(*rc::gen::inRange(0, 0x80));
      x.from = static_cast<uint16_t>(*rc::gen::inRange(0, 1440));
      x.to = *rc::gen::inRange(0, 4) == 0 ? x.from : static_cast<uint16_t>(*rc::gen::inRange(0, 1440));
    }
    auto change = std::chrono::seconds{in.at(utc("2026-01-01 00:00:00").time_since_epoch() / 1s * 1s).end};
    auto around = change < 3'000'000'000s ? timestamp{change} : utc("2026-06-01 00:00:00");
    auto now = around + *rc::gen::inRange(-10 * 1440, 5 * 1440) * 1min;
    auto open = is_open(windows, in, now);
    std::optional<timestamp> expected;
    for (auto t = now + 1min; t < now + 14 * 24h && !expected; t += 1min)
      if (is_open(windows, in, t) != open)
        expected = t;
    auto found = next_change(windows, in, now);
    RC_ASSERT((expected ? found == expected : !found || *found >= now + 14 * 24h));
  }));
}

TEST(OpenHoursTest, OpenIsWhatTheWallClockSays) {
  EXPECT_TRUE(rc::check("minutes of the week, one by one", [] {
    time_window x{static_cast<uint8_t>(*rc::gen::inRange(0, 0x80)), static_cast<uint16_t>(*rc::gen::inRange(0, 1440)),
                  static_cast<uint16_t>(*rc::gen::inRange(0, 1440))};
    std::vector<bool> week(7 * 1440); // from Monday on
    for (int day = 0; day < 7; ++day)
      for (int minute = x.from; (x.days >> day & 1) != 0; ++minute) {
        week[static_cast<size_t>((day * 1440 + minute) % (7 * 1440))] = true;
        if ((minute + 1) % 1440 == x.to)
          break;
      }
    for (int minute = 0; minute < 7 * 1440; minute += 7)
      RC_ASSERT(is_open({x}, zone("UTC"), utc("2026-11-23 00:00:00") + minute * 1min) ==
                week[static_cast<size_t>(minute)]);
  }));
}

} // namespace overwatch
