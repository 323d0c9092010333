#include "actors/cron.hpp"
#include "messages/error_code.hpp"

#include <date/date.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <set>
#include <sstream>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const char* const zones[] = {
  "UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham"};

cron_schedule cron(const std::string& text) {
  auto result = cron_schedule::parse(text);
  if (!result)
    ADD_FAILURE() << text << ": " << describe(result.error()).message;
  return *result;
}

std::string fault_of(const std::string& text) {
  auto result = cron_schedule::parse(text);
  return result ? "" : describe(result.error()).field + ' ' + describe(result.error()).message;
}

time_zone zone(const std::string& name) { return *time_zone::find(name); }

timestamp utc(const std::string& text) {
  std::istringstream in{text};
  date::sys_seconds result;
  in >> date::parse("%F %T", result);
  EXPECT_FALSE(in.fail()) << text;
  return result;
}

std::string show(timestamp x) { return date::format("%F %T", date::floor<seconds>(x)); }

/// Wall times of the slots that follow `after`, which is in UTC.
std::vector<std::string> wall_times(const std::string& text, const std::string& zone_name, const std::string& after,
                                    size_t count) {
  auto in = zone(zone_name);
  auto schedule = cron(text);
  std::vector<std::string> result;
  for (auto slot = schedule.next(utc(after), in); slot && result.size() < count; slot = schedule.next(*slot, in))
    result.push_back(show(*slot + in.at(date::floor<seconds>(slot->time_since_epoch())).offset));
  return result;
}

std::vector<timestamp> slots_between(const cron_schedule& schedule, const time_zone& in, timestamp from, timestamp to) {
  std::vector<timestamp> result;
  for (auto slot = schedule.next(from - 1us, in); slot && *slot < to; slot = schedule.next(*slot, in))
    result.push_back(*slot);
  return result;
}

using times = std::vector<std::string>;

} // namespace

// -- reading -------------------------------------------------------------------

TEST(CronTest, FaultNamesTheFieldAndWhatItTakes) {
  const std::pair<const char*, const char*> cases[] = {
    {"61 * * * *", "/cron field \"minute\": \"61\" is not a number from 0 to 59"},
    {"* 24 * * *", "/cron field \"hour\": \"24\" is not a number from 0 to 23"},
    {"* * 0 * *", "/cron field \"day\": \"0\" is not a number from 1 to 31"},
    {"* * * foo *", "/cron field \"month\": \"foo\" is not a number from 1 to 12 or a name of three letters"},
    {"* * * * 8", "/cron field \"weekday\": \"8\" is not a number from 0 to 7 or a name of three letters"},
    {"60 * * * * *", "/cron field \"second\": \"60\" is not a number from 0 to 59"},
    {"5-1 * * * *", "/cron field \"minute\": \"5-1\" runs backwards; write it as two ranges with a comma between"},
    {"*/0 * * * *", "/cron field \"minute\": \"0\" is not a number from 1 to 59"},
    {"*/90 * * * *", "/cron field \"minute\": \"90\" is not a number from 1 to 59"},
    {"1,,2 * * * *", "/cron field \"minute\": \"\" is not a number from 0 to 59"},
    {"-1 * * * *", "/cron field \"minute\": \"\" is not a number from 0 to 59"},
    {"? * * * *", "/cron field \"minute\": ? stands only for days and weekdays; write *"},
    {"* * L-31 * *", "/cron field \"day\": \"31\" is not a number from 0 to 30"},
    {"* * * * 5#6", "/cron field \"weekday\": \"6\" is not a number from 1 to 5"},
    {"@often", "/cron \"@often\" is not known; there are @yearly, @annually, @monthly, @weekly, @daily, @midnight and "
               "@hourly"},
  };
  for (const auto& [text, fault] : cases)
    EXPECT_EQ(fault_of(text).substr(0, std::string{fault}.size()), fault) << text;
}

TEST(CronTest, OtherNumbersOfFieldsAreRefused) {
  for (auto text : {"", " ", "*", "* * * *", "* * * * * * *"})
    EXPECT_NE(fault_of(text).find("it takes 5"), std::string::npos) << text;
  EXPECT_NE(fault_of(std::string(1000, '*')).find("at most 512"), std::string::npos);
}

TEST(CronTest, WhatNeverComesIsRefused) {
  for (auto text : {"0 0 31 2 *", "0 0 30 feb *", "0 0 31 4,6,9,11 ?", "0 0 L-30 2 *"})
    EXPECT_NE(fault_of(text).find("never comes"), std::string::npos) << text;
  EXPECT_EQ(fault_of("0 0 29 2 *"), "");
  EXPECT_EQ(fault_of("0 0 31 2 mon"), "") << "one of both days has to match";
}

TEST(CronTest, NamesAndCasesMeanTheNumbers) {
  auto same = [](const std::string& x, const std::string& y) {
    return wall_times(x, "UTC", "2026-01-01 00:00:00", 20) == wall_times(y, "UTC", "2026-01-01 00:00:00", 20);
  };
  EXPECT_TRUE(same("0 6 * JAN,mar-May Mon-FRI", "0 6 * 1,3-5 1-5"));
  EXPECT_TRUE(same("0 6 * * 7", "0 6 * * sun"));
  EXPECT_TRUE(same("0 6 * * fri-sun", "0 6 * * 0,5,6"));
  EXPECT_TRUE(same("  0   6\t* * sat-7 ", "0 6 * * 6,0"));
  EXPECT_TRUE(same("*/20 * * * *", "0,20,40 * * * *"));
  EXPECT_TRUE(same("10/25 * * * *", "10,35 * * * *"));
  EXPECT_TRUE(same("10-30/10 * * * *", "10,20,30 * * * *"));
  EXPECT_TRUE(same("0 30 4 ? * *", "30 4 * * *"));
  EXPECT_TRUE(same("@hourly", "0 * * * *"));
  EXPECT_TRUE(same("@Daily", "0 0 * * *"));
  EXPECT_TRUE(same("@midnight", "0 0 * * *"));
  EXPECT_TRUE(same("@weekly", "0 0 * * 0"));
  EXPECT_TRUE(same("@monthly", "0 0 1 * *"));
  EXPECT_TRUE(same("@yearly", "0 0 1 1 *"));
  EXPECT_FALSE(same("0 6 * * 1", "0 6 * * 2"));
}

// -- days ----------------------------------------------------------------------

TEST(CronTest, DayOrWeekdayWhenBothAreGiven) {
  EXPECT_EQ(wall_times("0 0 13 * fri", "UTC", "2026-02-01 00:00:00", 5),
            (times{"2026-02-06 00:00:00", "2026-02-13 00:00:00", "2026-02-20 00:00:00", "2026-02-27 00:00:00",
                   "2026-03-06 00:00:00"}));
}

TEST(CronTest, FieldThatBeginsWithAStarCountsAsNotGiven) {
  EXPECT_EQ(wall_times("0 0 */2 * mon", "UTC", "2026-06-01 12:00:00", 3),
            (times{"2026-06-15 00:00:00", "2026-06-29 00:00:00", "2026-07-13 00:00:00"}));
}

TEST(CronTest, LastDays) {
  EXPECT_EQ(wall_times("0 12 L * *", "UTC", "2028-01-01 00:00:00", 3),
            (times{"2028-01-31 12:00:00", "2028-02-29 12:00:00", "2028-03-31 12:00:00"}));
  EXPECT_EQ(wall_times("0 12 L-2,15 * *", "UTC", "2026-02-01 00:00:00", 3),
            (times{"2026-02-15 12:00:00", "2026-02-26 12:00:00", "2026-03-15 12:00:00"}));
  EXPECT_EQ(wall_times("0 12 * * 5L", "UTC", "2026-01-01 00:00:00", 2),
            (times{"2026-01-30 12:00:00", "2026-02-27 12:00:00"}));
  EXPECT_EQ(wall_times("0 12 ? * sun#1,7#3", "UTC", "2026-03-01 00:00:00", 3),
            (times{"2026-03-01 12:00:00", "2026-03-15 12:00:00", "2026-04-05 12:00:00"}));
}

TEST(CronTest, LeapDayThatIsAMonday) {
  EXPECT_EQ(wall_times("0 0 29 2 *", "UTC", "2026-01-01 00:00:00", 2),
            (times{"2028-02-29 00:00:00", "2032-02-29 00:00:00"}));
  EXPECT_EQ(wall_times("0 0 */28 2 mon", "UTC", "2038-02-02 00:00:00", 2),
            (times{"2044-02-01 00:00:00", "2044-02-29 00:00:00"}));
}

// -- daylight saving -----------------------------------------------------------

TEST(CronTest, TimeThatClocksJumpOverComesOnceAtTheEndOfTheJump) {
  EXPECT_EQ(wall_times("30 2 * * *", "Europe/Berlin", "2026-03-28 00:00:00", 3),
            (times{"2026-03-28 02:30:00", "2026-03-29 03:00:00", "2026-03-30 02:30:00"}));
  EXPECT_EQ(wall_times("*/10 2 29 3 *", "Europe/Berlin", "2026-03-28 00:00:00", 2),
            (times{"2026-03-29 03:00:00", "2027-03-29 02:00:00"}))
    << "all of them together";
  EXPECT_EQ(wall_times("0 2,3 * * *", "Europe/Berlin", "2026-03-28 12:00:00", 2),
            (times{"2026-03-29 03:00:00", "2026-03-30 02:00:00"}));
  EXPECT_EQ(wall_times("15 2 * * *", "Australia/Lord_Howe", "2026-10-02 20:00:00", 2),
            (times{"2026-10-04 02:30:00", "2026-10-05 02:15:00"}));
  EXPECT_EQ(wall_times("0 0 * * *", "America/Havana", "2026-03-07 12:00:00", 2),
            (times{"2026-03-08 01:00:00", "2026-03-09 00:00:00"}));
  EXPECT_EQ(wall_times("0 12 * * *", "Pacific/Apia", "2011-12-29 00:00:00", 3),
            (times{"2011-12-29 12:00:00", "2011-12-31 00:00:00", "2011-12-31 12:00:00"}))
    << "a whole day was left out";
}

TEST(CronTest, TimeThatClocksShowTwiceComesOnce) {
  auto berlin = zone("Europe/Berlin");
  auto schedule = cron("30 2 * * *");
  EXPECT_EQ(schedule.next(utc("2026-10-24 12:00:00"), berlin), utc("2026-10-25 00:30:00"));
  EXPECT_EQ(schedule.next(utc("2026-10-25 00:30:00"), berlin), utc("2026-10-26 01:30:00"));
  EXPECT_EQ(schedule.next(utc("2026-10-25 01:10:00"), berlin), utc("2026-10-26 01:30:00"));
  auto lord_howe = zone("Australia/Lord_Howe"); // 02:00 to 01:30
  EXPECT_EQ(cron("45 1 * * *").next(utc("2026-04-04 12:00:00"), lord_howe), utc("2026-04-04 14:45:00"));
  EXPECT_EQ(cron("45 1 * * *").next(utc("2026-04-04 14:45:00"), lord_howe), utc("2026-04-05 15:15:00"));
  EXPECT_EQ(wall_times("0 1,2,3 * * *", "America/New_York", "2026-11-01 04:30:00", 4),
            (times{"2026-11-01 01:00:00", "2026-11-01 02:00:00", "2026-11-01 03:00:00", "2026-11-02 01:00:00"}));
}

TEST(CronTest, WhatRunsEachHourFollowsTheClockAsItRuns) {
  for (auto name : zones) {
    auto in = zone(name);
    auto slots = slots_between(cron("*/15 * * * *"), in, utc("2026-01-01 00:00:00"), utc("2027-01-01 00:00:00"));
    EXPECT_EQ(slots.size(), 365u * 96) << name;
    for (size_t i = 1; i < slots.size(); ++i)
      ASSERT_EQ(slots[i] - slots[i - 1], 15min) << name << ' ' << show(slots[i]);
  }
  EXPECT_EQ(wall_times("0 1-3 * * *", "Europe/Berlin", "2026-10-24 22:00:00", 4),
            (times{"2026-10-25 01:00:00", "2026-10-25 02:00:00", "2026-10-25 02:00:00", "2026-10-25 03:00:00"}));
  EXPECT_EQ(wall_times("30 1-3 * * *", "Europe/Berlin", "2026-03-28 23:00:00", 2),
            (times{"2026-03-29 01:30:00", "2026-03-29 03:30:00"}));
}

TEST(CronTest, FixedTimeComesOnEachDayOfAYear) {
  for (auto name : zones)
    for (auto text : {"0 0 * * *", "30 1 * * *", "0 2 * * *", "15 2 * * *", "30 2 * * *", "59 23 * * *"}) {
      auto slots = slots_between(cron(text), zone(name), utc("2026-01-01 00:00:00"), utc("2027-01-01 00:00:00"));
      EXPECT_EQ(slots.size(), 365u) << name << ' ' << text;
    }
}

TEST(CronTest, SecondsAreTheFirstOfSixFields) {
  EXPECT_EQ(wall_times("20-30/5,50 4 * * * *", "UTC", "2026-01-01 00:04:21", 4),
            (times{"2026-01-01 00:04:25", "2026-01-01 00:04:30", "2026-01-01 00:04:50", "2026-01-01 01:04:20"}));
}

TEST(CronTest, EverySecondOfADay) {
  EXPECT_EQ(
    slots_between(cron("* * * * * *"), zone("Europe/Berlin"), utc("2026-10-25 00:00:00"), utc("2026-10-26 00:00:00"))
      .size(),
    86'400u);
}

// -- properties ----------------------------------------------------------------

namespace {

/// A field made at random, with the values that it means.
struct random_field {
  std::string text;
  std::set<int> values;
};

random_field any_field(int low, int high) {
  random_field result;
  auto add = [&](int from, int to, int step) {
    for (auto i = from; i <= to; i += step)
      result.values.insert(i);
  };
  auto kind = *rc::gen::inRange(0, 4);
  auto from = *rc::gen::inRange(low, high + 1);
  auto to = *rc::gen::inRange(from, high + 1);
  auto step = *rc::gen::inRange(1, high - low + 1);
  if (kind == 0) {
    result.text = "*";
    add(low, high, 1);
  } else if (kind == 1) {
    result.text = "*/" + std::to_string(step);
    add(low, high, step);
  } else if (kind == 2) {
    result.text = std::to_string(from) + '-' + std::to_string(to) + '/' + std::to_string(step);
    add(from, to, step);
  } else {
    result.text = std::to_string(from) + ',' + std::to_string(to);
    result.values = {from, to};
  }
  return result;
}

struct random_cron {
  random_field minute = any_field(0, 59);
  random_field hour = any_field(0, 23);
  random_field day = any_field(1, 31);
  random_field month = any_field(1, 12);
  random_field weekday = any_field(0, 6);

  std::string text() const {
    return minute.text + ' ' + hour.text + ' ' + day.text + ' ' + month.text + ' ' + weekday.text;
  }

  bool fixed() const { return hour.text.find_first_of("*-/") == std::string::npos; }

  bool matches(seconds wall) const {
    auto days = date::floor<date::days>(wall);
    auto ymd = date::year_month_day{date::sys_days{days}};
    auto by_day = day.values.count(static_cast<int>(static_cast<unsigned>(ymd.day()))) > 0;
    auto by_weekday = weekday.values.count(static_cast<int>(date::weekday{date::sys_days{days}}.c_encoding())) > 0;
    auto one_of = day.text[0] != '*' && weekday.text[0] != '*';
    auto minute_of_day = static_cast<int>((wall - days) / 1min);
    return minute.values.count(minute_of_day % 60) && hour.values.count(minute_of_day / 60) &&
           month.values.count(static_cast<int>(static_cast<unsigned>(ymd.month()))) &&
           (one_of ? by_day || by_weekday : by_day && by_weekday);
  }
};

/// What comes, found by looking at the wall clock at each minute.
std::vector<timestamp> by_minutes(const random_cron& x, const time_zone& in, timestamp from, timestamp to) {
  std::vector<timestamp> result;
  std::set<seconds> shown;
  auto wall_at = [&](timestamp t) {
    auto whole = date::floor<seconds>(t.time_since_epoch());
    return whole + in.at(whole).offset;
  };
  for (auto t = from - 4h; t < from; t += 1min)
    shown.insert(wall_at(t));
  auto before = wall_at(from - 1min);
  for (auto t = from; t < to; t += 1min) {
    auto wall = wall_at(t);
    auto comes = x.matches(wall) && (!x.fixed() || shown.count(wall) == 0);
    for (auto skipped = before + 1min; x.fixed() && skipped < wall; skipped += 1min)
      comes = comes || x.matches(skipped);
    if (comes)
      result.push_back(t);
    shown.insert(wall);
    before = wall;
  }
  return result;
}

/// Three days somewhere, often around a change of the clocks.
timestamp any_start(const time_zone& in) {
  auto day = timestamp{utc("2025-01-01 00:00:00")} + *rc::gen::inRange(0, 365 * 3) * 24h;
  if (*rc::gen::inRange(0, 2) == 0)
    return day;
  auto end = in.at(day.time_since_epoch() / 1s * 1s).end;
  return end > day.time_since_epoch() + 24h * 1000 ? day : timestamp{end} - *rc::gen::inRange(0, 48) * 1h;
}

} // namespace

TEST(CronTest, ComesExactlyWhenTheClockMatches) {
  EXPECT_TRUE(rc::check("slots are those found minute by minute", [] {
    auto in = zone(zones[*rc::gen::inRange<size_t>(0, std::size(zones))]);
    random_cron x;
    auto parsed = cron_schedule::parse(x.text());
    if (!parsed) // never comes
      RC_DISCARD();
    auto from = any_start(in);
    auto to = from + 72h;
    RC_LOG() << x.text() << " from " << show(from) << '\n';
    RC_ASSERT(slots_between(*parsed, in, from, to) == by_minutes(x, in, from, to));
  }));
}

TEST(CronTest, NextIsLaterAndMonotone) {
  EXPECT_TRUE(rc::check("next is after its argument and never goes back", [] {
    auto in = zone(zones[*rc::gen::inRange<size_t>(0, std::size(zones))]);
    random_cron x;
    auto second = any_field(0, 59);
    auto parsed = cron_schedule::parse(second.text + ' ' + x.text());
    if (!parsed)
      RC_DISCARD();
    auto a = any_start(in) + *rc::gen::inRange(0, 1'000'000'000) * 1us;
    auto b = a + *rc::gen::inRange(0, 1'000'000'000) * 1us;
    auto next_a = parsed->next(a, in);
    auto next_b = parsed->next(b, in);
    RC_ASSERT(next_a && next_b);
    RC_ASSERT(*next_a > a);
    RC_ASSERT(*next_a <= *next_b);
    RC_ASSERT(*next_a == *next_b || *next_a <= b);
    auto second_of = date::floor<seconds>(next_a->time_since_epoch()).count() % 60;
    RC_ASSERT(second.values.count(static_cast<int>(second_of)) > 0 || x.fixed()); // fixed: the end of a jump
  }));
}

} // namespace overwatch
