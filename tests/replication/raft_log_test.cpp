#include "runtime/replication/raft_log.hpp"

#include "runtime/replication/single_log.hpp"
#include "tests/replication/played_replica.hpp"

#include <gtest/gtest.h>

/// `raft_log` on a node of its own: beginnings, limits, and what it does with nonsense.
namespace overwatch {

namespace {

std::unique_ptr<replicated_log> make(raft_log_options options) {
  return std::make_unique<raft_log>(std::move(options));
}

raft_log_options alone() {
  raft_log_options options;
  options.id = 1;
  options.initial_members = {{1, "alone", true}};
  return options;
}

} // namespace

TEST(RaftLogTest, BeginsWithItsMembers) {
  played_replica replica{[] { return make(alone()); }};
  replica.start();
  ASSERT_EQ(replica.entries.size(), 1u);
  EXPECT_EQ(replica.entries.at(1).kind, entry_kind::configuration);
  auto members = replica.log->configuration().members;
  ASSERT_EQ(members.size(), 1u);
  EXPECT_EQ(members[0].address, "alone");
  EXPECT_TRUE(replica.commands.empty());
}

TEST(RaftLogTest, ContinuesTheLogOfASingleLog) {
  for (uint64_t entries : {1, 2, 7})
    for (bool cut : {false, true}) {
      played_replica replica{[] { return std::make_unique<single_log>(); }};
      replica.start();
      for (uint64_t i = 0; i < entries; ++i)
        replica.propose("old");
      if (cut)
        replica.entries.clear();
      auto term = replica.hard_state.term;
      replica.make_log = [] { return make(alone()); };
      replica.start();
      EXPECT_TRUE(replica.log->leads());
      EXPECT_GT(replica.log->term(), term);
      ASSERT_TRUE(replica.snapshot);
      EXPECT_GE(replica.log->last_index(), entries);
      replica.propose("new");
      EXPECT_EQ(replica.commands.size(), entries + 1);
      replica.start();
      replica.propose("newer");
      EXPECT_EQ(replica.commands.size(), entries + 2);
      EXPECT_EQ(replica.commands.back(), "newer");
    }
}

TEST(RaftLogTest, LoneVoterTellsUnderWhichAddressItIsNow) {
  auto options = alone();
  played_replica replica{[&] { return make(options); }};
  replica.start();
  replica.propose("x");
  options.initial_members = {{1, "moved", true}};
  replica.start();
  EXPECT_TRUE(replica.log->leads());
  EXPECT_EQ(replica.log->configuration().members.at(0).address, "moved");
  replica.propose("y");
  EXPECT_EQ(replica.commands, (std::vector<std::string>{"x", "y"}));
  auto entries = replica.entries.size();
  replica.start();
  EXPECT_EQ(replica.entries.size(), entries) << "once";
}

TEST(RaftLogTest, MemberOfAGroupKeepsTheAddressThatTheGroupKnows) {
  auto options = alone();
  played_replica replica{[&] { return make(options); }};
  replica.start();
  replica.propose("x");
  log_update update;
  ASSERT_EQ(replica.log->add_member({2, "two", false}, update), log_answer::accepted);
  replica.carry_out(std::move(update));
  options.initial_members = {{1, "moved", true}};
  replica.start();
  EXPECT_EQ(replica.log->configuration().members.at(0).address, "alone");
}

TEST(RaftLogTest, ANodeWithoutMembersWaits) {
  raft_log_options options;
  options.id = 4;
  played_replica replica{[=] { return make(options); }};
  replica.start();
  EXPECT_FALSE(replica.log->leads());
  EXPECT_EQ(replica.log->leader(), 0u);
  for (auto now = log_time{0}; now < log_time{20'000}; now += log_time{50})
    replica.carry_out(replica.log->tick(now));
  EXPECT_TRUE(replica.sent.empty());
  EXPECT_FALSE(replica.propose("x"));
  EXPECT_TRUE(replica.entries.empty());
}

TEST(RaftLogTest, RefusesMoreThanMayBeUncommitted) {
  auto options = alone();
  options.max_uncommitted = 3;
  options.max_uncommitted_bytes = 100;
  played_replica replica{[=] { return make(options); }};
  replica.start();
  replica.disk_waits = true;
  EXPECT_FALSE(replica.propose(std::string(101, 'x'))) << "bytes";
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(replica.propose("x"));
  EXPECT_FALSE(replica.propose("x")) << "entries";
  replica.report_durable();
  EXPECT_TRUE(replica.propose("x"));
}

TEST(RaftLogTest, NonsenseChangesNothing) {
  played_replica replica{[] { return make(alone()); }};
  replica.start();
  replica.propose("x");
  auto term = replica.log->term();
  for (const std::string bytes : {"", "\x01", "hello, this is no message", "\x02\x01\x01\x01\x01"}) {
    replica.carry_out(replica.log->receive(log_time{10}, bytes));
    replica.carry_out(replica.log->receive_snapshot(log_time{10}, bytes));
  }
  EXPECT_EQ(replica.log->term(), term);
  EXPECT_TRUE(replica.log->leads());
  EXPECT_TRUE(replica.sent.empty());
}

TEST(RaftLogTest, ChangesOfMembersNeedAnEntryOfTheTerm) {
  played_replica replica{[] { return make(alone()); }};
  replica.start();
  log_update update;
  EXPECT_EQ(replica.log->add_member({2, "two", false}, update), log_answer::not_yet);
  replica.propose("opening");
  replica.disk_waits = true;
  EXPECT_EQ(replica.log->add_member({1, "again", false}, update), log_answer::bad_member);
  EXPECT_EQ(replica.log->remove_member(1, update), log_answer::bad_member) << "the last voter";
  EXPECT_TRUE(update.append.empty());
  EXPECT_EQ(replica.log->add_member({2, "two", true}, update), log_answer::accepted);
  EXPECT_FALSE(replica.log->configuration().members.at(1).voter) << "a learner first";
  replica.carry_out(std::move(update));
  log_update next;
  EXPECT_EQ(replica.log->add_member({3, "three", false}, next), log_answer::not_yet) << "one change at a time";
  EXPECT_EQ(replica.log->promote_member(2, next), log_answer::lags_behind);
  EXPECT_EQ(replica.log->transfer(2, next), log_answer::bad_member) << "no voter";
  replica.report_durable();
  EXPECT_EQ(replica.log->add_member({3, "three", false}, next), log_answer::accepted);
}

TEST(RaftLogDeathTest, ContradictionsEndTheProcess) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  auto start = [](const log_start& x) { make(alone())->start(log_time{0}, x); };
  log_start gap;
  gap.hard_state = {3, 1};
  gap.snapshot = log_snapshot{5, 2, {5, {{1, "alone", true}}}};
  gap.entries = {{6, 2, "a"}, {8, 2, "b"}};
  EXPECT_DEATH(start(gap), "no gap");
  auto behind = gap;
  behind.entries = {{8, 2, "b"}};
  EXPECT_DEATH(start(behind), "begin behind the snapshot");
  auto ahead = gap;
  ahead.entries.clear();
  ahead.applied = 9;
  EXPECT_DEATH(start(ahead), "as far as its snapshot");
  EXPECT_DEATH(
    {
      played_replica replica{[] { return make(alone()); }};
      replica.start();
      replica.log->persisted(77);
    },
    "durable once, in order");
}

} // namespace overwatch
