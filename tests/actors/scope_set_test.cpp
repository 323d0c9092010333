#include "actors/scope_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace overwatch {

namespace {

bool begins_with(const std::string& text, const std::string& prefix) { return text.rfind(prefix, 0) == 0; }

bool overlaps(const std::string& x, const std::string& y) { return begins_with(x, y) || begins_with(y, x); }

} // namespace

TEST(ScopeSetTest, PathsOverlapByWholeNames) {
  scope_set held;
  held.hold(scopes_of({{}, {"/data/a"}}));
  auto overlap = [&](const std::string& path) { return held.overlap(scopes_of({{}, {path}}).front()) != nullptr; };
  EXPECT_TRUE(overlap("/data/a"));
  EXPECT_TRUE(overlap("/data/a/"));
  EXPECT_TRUE(overlap("/data/a/deep/down"));
  EXPECT_TRUE(overlap("/data"));
  EXPECT_TRUE(overlap("/"));
  EXPECT_FALSE(overlap("/data/ab"));
  EXPECT_FALSE(overlap("/data/b"));
}

TEST(ScopeSetTest, KeysOverlapByLetters) {
  scope_set held;
  held.hold(scopes_of({{"app"}, {}}));
  EXPECT_NE(held.overlap("kapple"), nullptr);
  EXPECT_NE(held.overlap("ka"), nullptr);
  EXPECT_EQ(held.overlap("kaq"), nullptr);
  EXPECT_EQ(held.overlap("fapp/"), nullptr) << "files are something else";
}

TEST(ScopeSetTest, EmptyPrefixIsAllKeysAndNoFiles) {
  scope_set held;
  held.hold(scopes_of({{""}, {}}));
  EXPECT_NE(held.overlap("kanything"), nullptr);
  EXPECT_EQ(held.overlap("f/"), nullptr);
}

TEST(ScopeSetTest, ScopesWithinAnotherOneOfATaskAreLeftOut) {
  auto scopes = scopes_of({{"ab", "a", "b", "abc", "a"}, {"/x/y", "/x", "/xy"}});
  EXPECT_EQ(scopes, (std::vector<std::string>{"f/x/", "f/xy/", "ka", "kb"}));
}

TEST(ScopeSetTest, OverlapIsWhatComparingWithEachHeldScopeFinds) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random{seed};
    auto text = [&] {
      std::string result;
      for (auto n = random() % 5; n > 0; --n)
        result += static_cast<char>('a' + random() % 2);
      return result;
    };
    scope_set held;
    std::vector<std::vector<std::string>> tasks;
    for (int step = 0; step < 60; ++step) {
      snapshot_scope scope;
      for (auto n = 1 + random() % 3; n > 0; --n)
        (random() % 2 ? scope.keys : scope.files).push_back(text());
      auto scopes = scopes_of(scope);
      auto blocked = false;
      for (const auto& one : scopes) {
        auto expected = false;
        for (const auto& other : tasks)
          expected |= std::any_of(other.begin(), other.end(), [&](const auto& x) { return overlaps(x, one); });
        const auto* found = held.overlap(one);
        ASSERT_EQ(found != nullptr, expected) << "seed " << seed << " step " << step << " scope " << one;
        if (found) {
          ASSERT_TRUE(overlaps(*found, one)) << "seed " << seed;
        }
        blocked |= expected;
      }
      if (!blocked) {
        held.hold(scopes);
        tasks.push_back(scopes);
      }
      if (!tasks.empty() && random() % 3 == 0) {
        auto gone = tasks.begin() + static_cast<std::ptrdiff_t>(random() % tasks.size());
        held.release(*gone);
        tasks.erase(gone);
      }
      ASSERT_EQ(held.empty(), tasks.empty());
    }
  }
}

} // namespace overwatch
