#include "runtime/replication/recent_entries.hpp"

#include <gtest/gtest.h>

namespace overwatch {

namespace {

recent_entries entries(uint64_t first, uint64_t last, size_t max_bytes) {
  recent_entries result{max_bytes};
  for (auto i = first; i <= last; ++i)
    result.add({i, 1, std::string(10, 'x')});
  return result;
}

} // namespace

TEST(RecentEntriesTest, KeepsWhatIsNotDurableHoweverMuch) {
  auto x = entries(5, 9, 20);
  EXPECT_EQ(x.bytes(), 50u);
  EXPECT_NE(x.find(5), nullptr);
  x.durable(6);
  EXPECT_EQ(x.find(6), nullptr);
  EXPECT_NE(x.find(7), nullptr);
}

TEST(RecentEntriesTest, KeepsOfTheDurableOnesWhatFits) {
  auto x = entries(5, 9, 20);
  x.durable(9);
  EXPECT_EQ(x.bytes(), 20u);
  EXPECT_EQ(x.find(7), nullptr);
  ASSERT_NE(x.find(8), nullptr);
  EXPECT_EQ(x.find(8)->index, 8u);
  EXPECT_EQ(x.find(10), nullptr);
}

TEST(RecentEntriesTest, CutsAtBothEnds) {
  auto x = entries(5, 9, 1000);
  x.cut_from(8);
  x.cut_below(6);
  EXPECT_EQ(x.find(5), nullptr);
  EXPECT_NE(x.find(6), nullptr);
  EXPECT_EQ(x.find(8), nullptr);
  EXPECT_EQ(x.bytes(), 20u);
  x.clear();
  x.add({100, 2, "y"});
  EXPECT_NE(x.find(100), nullptr);
}

} // namespace overwatch
