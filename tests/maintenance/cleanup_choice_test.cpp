#include "runtime/maintenance/cleanup_choice.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

namespace overwatch::maintenance {

namespace {

const timestamp noon{std::chrono::hours{500'000}};

cleanup_rule rule_of(std::chrono::seconds older, uint32_t larger_mb, uint32_t newest) {
  cleanup_rule rule;
  rule.older_than = older;
  rule.larger_than_mb = larger_mb;
  rule.keep_newest = newest;
  return rule;
}

rc::Gen<std::vector<seen_file>> files() {
  return rc::gen::exec([] {
    auto count = *rc::gen::inRange(0, 30);
    std::vector<seen_file> result;
    for (int i = 0; i < count; ++i)
      result.push_back({"f" + std::to_string(i), *rc::gen::inRange<uint64_t>(0, 4) << 20,
                        noon - std::chrono::seconds{*rc::gen::inRange(-5, 20)}});
    return result;
  });
}

} // namespace

TEST(CleanupChoiceTest, AFileGoesWhenItMeetsEveryCondition) {
  auto rule = rule_of(std::chrono::hours{1}, 1, 0);
  newest_files none{0};
  EXPECT_EQ(choose(rule, {"old and large", 2 << 20, noon - std::chrono::hours{2}}, none, noon), choice::remove);
  EXPECT_EQ(choose(rule, {"old", 10, noon - std::chrono::hours{2}}, none, noon), choice::too_small);
  EXPECT_EQ(choose(rule, {"large", 2 << 20, noon - std::chrono::minutes{59}}, none, noon), choice::too_young);
  EXPECT_EQ(choose(rule, {"from the future", 2 << 20, noon + std::chrono::hours{9}}, none, noon), choice::too_young);
  EXPECT_EQ(choose(rule, {"at the edges", 1 << 20, noon - std::chrono::hours{1}}, none, noon), choice::too_small);
}

TEST(CleanupChoiceTest, AGlobWithoutASlashIsOfTheName) {
  cleanup_rule rule;
  rule.glob = "*.tmp";
  EXPECT_TRUE(matches(rule, "a.tmp"));
  EXPECT_TRUE(matches(rule, "deep/er/a.tmp"));
  EXPECT_FALSE(matches(rule, "a.tmp/keep"));
  rule.glob = "cache/*.tmp";
  EXPECT_TRUE(matches(rule, "cache/a.tmp"));
  EXPECT_FALSE(matches(rule, "cache/deeper/a.tmp"));
  EXPECT_FALSE(matches(rule, "a.tmp"));
}

// Compared with the plain reading of the rule: sort all, keep the first ones, judge the others one by one.
TEST(CleanupChoiceTest, WhatGoesIsWhatARuleSays) {
  EXPECT_TRUE(rc::check([] {
    auto all = *files();
    auto rule = rule_of(std::chrono::seconds{*rc::gen::inRange(0, 20)}, *rc::gen::inRange<uint32_t>(0, 4),
                        *rc::gen::inRange<uint32_t>(0, 35));
    newest_files newest{rule.keep_newest};
    for (const auto& x : all)
      newest.add(x);
    auto sorted = all;
    std::sort(sorted.begin(), sorted.end(), [](const auto& x, const auto& y) {
      return x.changed != y.changed ? x.changed > y.changed : x.path < y.path;
    });
    for (size_t i = 0; i < sorted.size(); ++i) {
      const auto& x = sorted[i];
      bool goes = i >= rule.keep_newest && (rule.older_than.count() == 0 || x.changed <= noon - rule.older_than) &&
                  (rule.larger_than_mb == 0 || x.size > uint64_t{rule.larger_than_mb} << 20);
      RC_ASSERT((choose(rule, x, newest, noon) == choice::remove) == goes);
    }
  }));
}

// A backup directory with `keep_newest` never runs empty, also when files appear between the two walks.
TEST(CleanupChoiceTest, AFileThatAppearsLaterTakesNobodysPlace) {
  EXPECT_TRUE(rc::check([] {
    auto all = *files();
    auto kept = *rc::gen::inRange<size_t>(1, 10);
    auto rule = rule_of({}, 0, static_cast<uint32_t>(kept));
    newest_files newest{kept};
    for (const auto& x : all)
      newest.add(x);
    all.push_back({"late", 1, noon + std::chrono::hours{1}});
    auto stay = std::count_if(all.begin(), all.end(),
                              [&](const auto& x) { return choose(rule, x, newest, noon) != choice::remove; });
    RC_ASSERT(static_cast<size_t>(stay) >= std::min(kept, all.size()));
    RC_ASSERT(choose(rule, all.back(), newest, noon) == choice::among_newest);
  }));
}

} // namespace overwatch::maintenance
