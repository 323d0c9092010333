#include "actors/leader_balance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace overwatch::test {

namespace {

using leader_map = std::map<partition_id, std::string>;

size_t led_by(const leader_map& leaders, const std::string& node) {
  return static_cast<size_t>(
    std::count_if(leaders.begin(), leaders.end(), [&](const auto& x) { return x.second == node; }));
}

} // namespace

TEST(LeaderBalanceTest, OnePartitionStaysWhereItIs) {
  EXPECT_FALSE(next_leader_move({{0, "a"}}, {"a", "b", "c"}, "a"));
}

TEST(LeaderBalanceTest, NodeWithTheMostGivesToTheNodeWithTheLeast) {
  leader_map leaders{{0, "a"}, {1, "a"}, {2, "a"}, {3, "b"}};
  auto move = next_leader_move(leaders, {"a", "b", "c"}, "a");
  ASSERT_TRUE(move);
  EXPECT_EQ(move->partition, 2) << "not the control partition";
  EXPECT_EQ(move->to, "c");
  EXPECT_FALSE(next_leader_move(leaders, {"a", "b", "c"}, "b"));
}

TEST(LeaderBalanceTest, NodesThatAreDownGetNothing) {
  EXPECT_FALSE(next_leader_move({{0, "a"}, {1, "a"}, {2, "b"}}, {"a", "b"}, "a"));
  EXPECT_FALSE(next_leader_move({{0, "a"}, {1, "a"}, {2, "a"}}, {"a"}, "a"));
}

TEST(LeaderBalanceTest, NodeThatMayNotLeadGivesAllAway) {
  auto move = next_leader_move({{0, "a"}, {1, "b"}}, {"b", "c"}, "a");
  ASSERT_TRUE(move);
  EXPECT_EQ(move->partition, 0);
  EXPECT_EQ(move->to, "c");
  EXPECT_FALSE(next_leader_move({{0, "a"}}, {}, "a")) << "nobody else may";
  EXPECT_FALSE(next_leader_move({{0, "b"}}, {"b"}, "a")) << "it leads nothing";
}

TEST(LeaderBalanceTest, AnyStartEndsBalanced) {
  std::mt19937 random{1};
  const std::set<std::string> nodes{"a", "b", "c", "d", "e"};
  for (int round = 0; round < 200; ++round) {
    leader_map leaders;
    auto count = 1 + random() % 64;
    for (partition_id i = 0; i < count; ++i)
      leaders[i] = *std::next(nodes.begin(), static_cast<int>(random() % nodes.size()));
    for (size_t moves = 0, quiet = 0; quiet < nodes.size(); ++moves) {
      ASSERT_LT(moves, 2'000U);
      auto own = *std::next(nodes.begin(), static_cast<int>(moves % nodes.size()));
      auto move = next_leader_move(leaders, nodes, own);
      quiet = move ? 0 : quiet + 1;
      if (!move)
        continue;
      ASSERT_EQ(leaders[move->partition], own);
      leaders[move->partition] = move->to;
    }
    for (const auto& node : nodes) {
      EXPECT_GE(led_by(leaders, node), count / nodes.size());
      EXPECT_LE(led_by(leaders, node), count / nodes.size() + 1);
    }
  }
}

} // namespace overwatch::test
