#include "runtime/backup/retention.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace overwatch::backup {

namespace {

constexpr int64_t day_s = 86'400;

timestamp at(int64_t seconds) { return timestamp{std::chrono::seconds{seconds}}; }

/// Of the days after 2026-11-22 (a Sunday), at noon.
timestamp day(int64_t number) { return at(1'795'348'800 + number * day_s); }

std::vector<timestamp> times_of(const std::vector<uint32_t>& seconds) {
  std::vector<timestamp> result;
  for (auto x : seconds)
    result.push_back(at(x)); // 136 years
  return result;
}

size_t count(const std::vector<bool>& x) { return static_cast<size_t>(std::count(x.begin(), x.end(), true)); }

keep_rules any_rules() {
  auto number = [] { return *rc::gen::inRange<uint32_t>(0, 8); };
  return {number(), number(), number(), number()};
}

} // namespace

TEST(RetentionTest, WithoutRulesEverythingIsKept) {
  EXPECT_EQ(kept_by({}, {day(1), day(2)}), (std::vector<bool>{true, true}));
}

TEST(RetentionTest, LastAreTheNewest) {
  EXPECT_EQ(kept_by({2, 0, 0, 0}, {day(3), day(1), day(2)}), (std::vector<bool>{true, false, true}));
}

TEST(RetentionTest, DailyIsTheNewestOfEachDayThatHasOne) {
  auto hour = std::chrono::hours{1};
  EXPECT_EQ(kept_by({0, 2, 0, 0}, {day(0), day(0) + hour, day(5), day(9), day(9) - hour}),
            (std::vector<bool>{false, false, true, true, false}));
}

TEST(RetentionTest, AWeekBeginsOnMonday) {
  EXPECT_EQ(kept_by({0, 0, 9, 0}, {day(-1), day(0), day(1), day(2)}), (std::vector<bool>{false, true, false, true}));
}

TEST(RetentionTest, MonthsAreThoseOfTheCalendar) {
  EXPECT_EQ(kept_by({0, 0, 0, 2}, {day(-30), day(8), day(9), day(20)}), (std::vector<bool>{false, true, false, true}));
}

RC_GTEST_PROP(RetentionProperty, KeepsTheNewestAndNoMoreThanTheRulesAllow, (const std::vector<uint32_t>& seconds)) {
  auto times = times_of(seconds);
  auto rules = any_rules();
  auto kept = kept_by(rules, times);
  RC_ASSERT(kept.size() == times.size());
  if (!rules.any()) {
    RC_ASSERT(count(kept) == times.size());
    return;
  }
  RC_ASSERT(count(kept) <= size_t{rules.last} + rules.daily + rules.weekly + rules.monthly);
  RC_ASSERT(times.empty() || count(kept) > 0u);
  if (!times.empty()) {
    auto newest = *std::max_element(times.begin(), times.end());
    auto found = false;
    for (size_t i = 0; i < times.size(); ++i)
      found = found || (kept[i] && times[i] == newest);
    RC_ASSERT(found);
  }
}

RC_GTEST_PROP(RetentionProperty, WhatIsKeptStaysKeptWhenTheOthersAreGone, (const std::vector<uint32_t>& seconds)) {
  auto times = times_of(seconds);
  auto rules = any_rules();
  auto kept = kept_by(rules, times);
  std::vector<timestamp> left;
  for (size_t i = 0; i < times.size(); ++i)
    if (kept[i])
      left.push_back(times[i]);
  RC_ASSERT(count(kept_by(rules, left)) == left.size());
}

RC_GTEST_PROP(RetentionProperty, MoreOfARuleKeepsNothingLess, (const std::vector<uint32_t>& seconds)) {
  auto times = times_of(seconds);
  auto rules = any_rules();
  RC_PRE(rules.any());
  auto kept = kept_by(rules, times);
  auto more = rules;
  ++(*rc::gen::element(&more.last, &more.daily, &more.weekly, &more.monthly))[0];
  auto kept_more = kept_by(more, times);
  for (size_t i = 0; i < times.size(); ++i)
    RC_ASSERT(!kept[i] || kept_more[i]);
}

RC_GTEST_PROP(RetentionProperty, TheOrderOfTheListDoesNotMatter, (const std::vector<uint32_t>& seconds)) {
  std::set<uint32_t> distinct{seconds.begin(), seconds.end()};
  std::vector<uint32_t> forward{distinct.begin(), distinct.end()};
  std::vector<uint32_t> backward{distinct.rbegin(), distinct.rend()};
  auto rules = any_rules();
  auto kept = kept_by(rules, times_of(forward));
  auto mirrored = kept_by(rules, times_of(backward));
  std::reverse(mirrored.begin(), mirrored.end());
  RC_ASSERT(kept == mirrored);
}

} // namespace overwatch::backup
