#include "actors/group_plan.hpp"

#include <gtest/gtest.h>

namespace overwatch::test {

namespace {

using kind = group_change::kind;

/// A group that node "a" (member 1) leads.
class played_group {
public:
  played_group() {
    view_.self = 1;
    view_.now = log_time{100'000};
    view_.commit_index = 5'000;
    member(1, "a", true, 5'000);
  }

  played_group& member(member_id id, const std::string& node, bool voter, uint64_t match) {
    log_member x{id, member_address(node, node + ":1"), voter};
    view_.configuration.members.push_back(x);
    view_.members.push_back({x, match, view_.now});
    return *this;
  }

  played_group& silent() {
    view_.members.back().last_contact = view_.now - heard_lately - log_time{1};
    return *this;
  }

  played_group& node(const std::string& name, member_id id, bool up = true) {
    view_.nodes.push_back({name, name + ":1", id, up});
    return *this;
  }

  played_group& removed(const std::string& name) {
    view_.removed.insert(name);
    return *this;
  }

  std::optional<group_change> next() const { return next_group_change(view_); }

private:
  group_view view_;
};

void expect_change(const std::optional<group_change>& x, kind what, member_id id) {
  ASSERT_TRUE(x);
  EXPECT_EQ(x->what, what);
  EXPECT_EQ(x->member.id, id);
}

} // namespace

TEST(GroupPlanTest, AddressCarriesTheName) {
  log_member x{7, member_address("a", "10.0.0.1:4242"), true};
  EXPECT_EQ(node_of(x), "a");
  EXPECT_EQ(address_of(x), "10.0.0.1:4242");
  EXPECT_EQ(address_of({7, "a", true}), "");
}

TEST(GroupPlanTest, NodesThatAreUpJoinAsLearners) {
  EXPECT_FALSE(played_group{}.next());
  EXPECT_FALSE(played_group{}.node("b", 2, false).next());
  auto change = played_group{}.node("b", 2).next();
  expect_change(change, kind::add, 2);
  EXPECT_FALSE(change->member.voter);
  EXPECT_EQ(node_of(change->member), "b");
}

TEST(GroupPlanTest, LearnersVoteOnceTheyHaveCaughtUp) {
  expect_change(played_group{}.node("b", 2).member(2, "b", false, 5'000 - promotion_lag).next(), kind::promote, 2);
  EXPECT_FALSE(played_group{}.node("b", 2).member(2, "b", false, 5'000 - promotion_lag - 1).next());
  EXPECT_FALSE(played_group{}.node("b", 2).member(2, "b", false, 5'000).silent().next());
}

TEST(GroupPlanTest, LostDiskIsReplacedStepByStep) {
  auto group = played_group{}.member(2, "b", true, 4'000).silent().member(3, "c", true, 5'000).node("c", 3);
  EXPECT_FALSE(group.next()) << "it may come back";
  expect_change(group.node("b", 9).next(), kind::add, 9);
  EXPECT_FALSE(group.member(9, "b", false, 0).next()) << "the new disk is empty";
  auto full = played_group{}.member(2, "b", true, 4'000).silent().member(9, "b", false, 5'000).node("b", 9);
  expect_change(full.next(), kind::remove, 2);
  expect_change(played_group{}.member(9, "b", false, 5'000).node("b", 9).next(), kind::promote, 9);
}

TEST(GroupPlanTest, RemovedNodesGoAndDoNotComeBack) {
  auto group = played_group{}.member(2, "b", true, 5'000).node("b", 2).removed("b");
  expect_change(group.next(), kind::remove, 2);
  EXPECT_FALSE(played_group{}.node("b", 2).removed("b").next());
}

TEST(GroupPlanTest, LeaderThatWasRemovedHandsOverFirst) {
  auto group = played_group{}.removed("a").member(2, "b", true, 4'500).member(3, "c", true, 5'000);
  expect_change(group.next(), kind::transfer, 3);
  EXPECT_FALSE(played_group{}.removed("a").member(2, "b", true, 5'000).silent().next()) << "nobody can take it";
}

} // namespace overwatch::test
