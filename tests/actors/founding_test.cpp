#include "actors/founding.hpp"

#include <gmock/gmock.h>

namespace overwatch::test {

namespace {

using kind = founding_decision::kind;

founding_view view_of(std::string node, std::vector<founding_view::peer> up) {
  return {std::move(node), {"a", "b", "c"}, std::move(up)};
}

} // namespace

TEST(FoundingTest, NodeWithoutAListFounds) { EXPECT_EQ(decide_founding({"a", {}, {}}).what, kind::found); }

TEST(FoundingTest, OnlyNodeOfTheListFounds) { EXPECT_EQ(decide_founding({"a", {"a"}, {}}).what, kind::found); }

TEST(FoundingTest, FirstFoundsWhenAllOthersAreUpAndEmpty) {
  EXPECT_EQ(decide_founding(view_of("a", {{"b"}, {"c"}})).what, kind::found);
}

TEST(FoundingTest, FirstWaitsForThoseWhoAreAway) {
  auto x = decide_founding(view_of("a", {{"c"}}));
  EXPECT_EQ(x.what, kind::wait);
  EXPECT_THAT(x.waiting_for, ::testing::StartsWith("b: "));
}

// Somebody that was added by a command is no substitute for one of the list.
TEST(FoundingTest, StrangersDoNotCount) {
  EXPECT_EQ(decide_founding(view_of("a", {{"c"}, {"d"}})).what, kind::wait);
}

TEST(FoundingTest, OthersNeverFound) {
  auto x = decide_founding(view_of("b", {{"a"}, {"c"}}));
  EXPECT_EQ(x.what, kind::wait);
  EXPECT_THAT(x.waiting_for, ::testing::StartsWith("a, the first"));
}

TEST(FoundingTest, EveryoneJoinsAClusterThatExists) {
  for (const auto* node : {"a", "b", "d"}) {
    auto x = decide_founding(view_of(node, {{"c", 77, 8}}));
    EXPECT_EQ(x.what, kind::join) << node;
    EXPECT_EQ(x.cluster, 77U);
    EXPECT_EQ(x.partitions, 8U);
  }
}

TEST(FoundingTest, FirstJoinsRatherThanFounds) {
  EXPECT_EQ(decide_founding(view_of("a", {{"b"}, {"c", 77, 8}})).what, kind::join);
}

TEST(FoundingTest, NobodyChoosesBetweenTwoClusters) {
  auto x = decide_founding(view_of("a", {{"b", 76, 8}, {"c", 77, 8}}));
  EXPECT_EQ(x.what, kind::wait);
  EXPECT_THAT(x.waiting_for, ::testing::HasSubstr("b and c"));
}

} // namespace overwatch::test
