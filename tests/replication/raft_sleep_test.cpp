#include "tests/replication/played_cluster.hpp"

#include <gtest/gtest.h>

/// Groups in which nothing happens.
namespace overwatch {

namespace {

constexpr log_time an_hour{3'600'000};
constexpr log_time election_timeout{1'000}; // as `raft_log_options` has it

/// Three members that know each other in reach, asleep.
struct SleepTest : testing::Test {
  SleepTest() {
    cluster.elect();
    cluster.connect();
    cluster.pass(log_time{4'000});
  }

  played_replica& leading() { return cluster[cluster.leader()]; }
  member_id follower() { return cluster.leader() % 3 + 1; }
  static bool is_quiet(const log_message& x) {
    raft_envelope envelope;
    return decode_message(x.bytes, envelope) && envelope.content.kind == core_quiet;
  }

  played_cluster cluster{3};
};

} // namespace

TEST_F(SleepTest, ASleepingGroupNeitherTicksNorSends) {
  ASSERT_TRUE(cluster.all_sleep());
  auto term = leading().log->term();
  for (auto& [id, x] : cluster.nodes) {
    EXPECT_EQ(x->log->next_timeout(), log_time::max());
    x->carry_out(x->log->tick(cluster.now + an_hour));
    EXPECT_TRUE(x->sent.empty());
    EXPECT_EQ(x->log->term(), term);
  }
}

TEST(RaftSleepTest, NobodySleepsWhoseReachIsUnknown) {
  played_cluster cluster{3};
  cluster.elect();
  cluster.pass(log_time{10'000});
  for (auto& [id, x] : cluster.nodes)
    EXPECT_FALSE(x->log->sleeps());
}

TEST(RaftSleepTest, OneMemberOutOfReachKeepsAllAwake) {
  played_cluster cluster{3};
  auto& leading = cluster.elect();
  cluster.connect();
  leading.carry_out(leading.log->reach(cluster.now, cluster.leader() % 3 + 1, false));
  cluster.pass(log_time{10'000});
  EXPECT_FALSE(leading.log->sleeps());
}

TEST(RaftSleepTest, AMemberThatKnowsNothingOfSleepKeepsAllAwakeAndIsLed) {
  played_cluster cluster{3};
  auto& leading = cluster.elect();
  auto old = cluster.leader() % 3 + 1;
  auto term = leading.log->term();
  cluster.is_lost = [old](member_id to, const log_message& x) { return to == old && SleepTest::is_quiet(x); };
  cluster.connect();
  for (int i = 0; i < 100; ++i) {
    cluster.pass(log_time{100});
    ASSERT_FALSE(leading.log->sleeps());
  }
  EXPECT_TRUE(leading.log->has_lease(cluster.now));
  EXPECT_EQ(cluster[old].log->term(), term) << "nobody missed a heartbeat";
  EXPECT_EQ(cluster[old].log->leader(), cluster.leader());
}

TEST_F(SleepTest, WhatIsAskedForIsRefusedUntilTheLeaderIsWoken) {
  auto& leader = leading();
  auto learner = log_member{7, "node7", false};
  log_update update;
  EXPECT_FALSE(leader.log->propose("x", update));
  EXPECT_EQ(leader.log->add_member(learner, update), log_answer::not_yet);
  EXPECT_EQ(leader.log->transfer(follower(), update), log_answer::not_yet);
  cluster.wake(leader);
  EXPECT_EQ(leader.log->add_member(learner, update), log_answer::accepted);
  leader.carry_out(std::move(update));
  cluster.deliver();
  EXPECT_TRUE(leader.propose("x"));
  cluster.pass(log_time{300});
  for (auto& [id, x] : cluster.nodes) {
    EXPECT_EQ(x->commands.back(), "x") << id;
    EXPECT_FALSE(x->log->sleeps());
  }
}

TEST_F(SleepTest, TheClockStandsStillForWhatTheLibraryWaitsFor) {
  auto& leader = leading();
  auto term = leader.log->term();
  cluster.now += an_hour;
  cluster.wake(leader);
  for (auto& [id, x] : cluster.nodes)
    EXPECT_FALSE(x->log->sleeps()) << id;
  cluster.pass(log_time{1'500});
  EXPECT_TRUE(leader.log->leads()) << "no quorum was missed, and no election timeout passed";
  EXPECT_EQ(leader.log->term(), term);
}

TEST_F(SleepTest, FallsAsleepAgain) {
  cluster.now += an_hour;
  cluster.wake(leading());
  cluster.pass(log_time{4'000});
  EXPECT_TRUE(cluster.all_sleep());
}

TEST_F(SleepTest, TheLeaseEndsAndOneRoundBringsItBack) {
  auto& leader = leading();
  cluster.now += election_timeout;
  EXPECT_FALSE(leader.log->has_lease(cluster.now));
  leader.carry_out(leader.log->wake(cluster.now));
  EXPECT_FALSE(leader.log->has_lease(cluster.now)) << "nobody has answered";
  cluster.deliver();
  EXPECT_TRUE(leader.log->has_lease(cluster.now));
}

TEST_F(SleepTest, ALeaderThatWasCutOffAsleepHasNoLeaseAndIsSucceeded) {
  auto lost = cluster.leader();
  auto& old = cluster[lost];
  cluster.now += an_hour;
  cluster.down.insert(lost);
  cluster.reach(lost, false);
  auto& next = cluster.elect();
  EXPECT_GT(next.log->term(), old.log->term());
  EXPECT_TRUE(old.log->leads()) << "it has not noticed yet";
  EXPECT_FALSE(old.log->has_lease(cluster.now));
  old.carry_out(old.log->wake(cluster.now));
  EXPECT_FALSE(old.log->has_lease(cluster.now));
  cluster.down.clear();
  cluster.deliver();
  EXPECT_FALSE(old.log->leads());
}

// What was sent before the sleep and is answered behind it is as old as it is.
TEST_F(SleepTest, AnAnswerFromBeforeTheSleepGivesNoLease) {
  auto& leader = leading();
  raft_envelope answer;
  answer.from = follower();
  answer.to = cluster.leader();
  answer.content.kind = core_append_result;
  answer.content.term = leader.log->term();
  answer.content.index = leader.log->last_index();
  answer.sent_at = cluster.now - log_time{2'000};
  cluster.now += an_hour;
  leader.carry_out(leader.log->wake(cluster.now));
  leader.carry_out(leader.log->receive(cluster.now, encode_message(answer)));
  EXPECT_FALSE(leader.log->has_lease(cluster.now));
}

TEST_F(SleepTest, FollowersTakeOverSoonerThanWithoutSleep) {
  auto lost = cluster.leader();
  cluster.now += an_hour;
  cluster.down.insert(lost);
  cluster.reach(lost, false);
  auto since = cluster.now;
  while (cluster.leader() == 0 && cluster.now < since + 2 * election_timeout)
    cluster.pass(log_time{10});
  EXPECT_LE(cluster.now, since + election_timeout + log_time{20}) << "one timeout at most, not two";
}

TEST_F(SleepTest, OnlyTheLeadersConnectionWakesAFollower) {
  auto& one = cluster[follower()];
  auto other = 6 - cluster.leader() - follower();
  one.carry_out(one.log->reach(cluster.now, other, false));
  EXPECT_TRUE(one.log->sleeps());
  one.carry_out(one.log->reach(cluster.now, cluster.leader(), false));
  EXPECT_FALSE(one.log->sleeps());
}

TEST_F(SleepTest, AnyConnectionWakesTheLeader) {
  auto& leader = leading();
  cluster.now += an_hour;
  leader.carry_out(leader.log->reach(cluster.now, follower(), false));
  EXPECT_FALSE(leader.log->sleeps());
  EXPECT_EQ(leader.sent.size(), 2u) << "heartbeats";
  cluster.deliver();
  cluster.pass(log_time{5'000});
  EXPECT_FALSE(leader.log->sleeps()) << "as long as one is out of reach";
  leader.carry_out(leader.log->reach(cluster.now, follower(), true));
  cluster.pass(log_time{5'000});
  EXPECT_TRUE(cluster.all_sleep());
}

TEST_F(SleepTest, LeadershipMovesAtOnceHoweverLongAllSlept) {
  auto& leader = leading();
  auto target = follower();
  cluster.now += an_hour;
  cluster.wake(leader);
  EXPECT_EQ(cluster.ask(leader, &replicated_log::transfer, target), log_answer::accepted);
  EXPECT_EQ(cluster.leader(), target);
}

TEST_F(SleepTest, WhatWakesAGroupIsCommittedAtOnce) {
  for (auto turn = 0; turn < 6; ++turn) {
    cluster.now += an_hour;
    auto& leader = leading();
    leader.carry_out(leader.log->wake(cluster.now));
    auto index = leader.propose("first");
    ASSERT_TRUE(index);
    cluster.deliver();
    EXPECT_GE(leader.applied, *index) << "turn " << turn << ": it waits for a heartbeat";
    cluster.pass(log_time{5'000});
    if (turn % 2 == 1) {
      cluster.wake(leader);
      ASSERT_EQ(cluster.ask(leader, &replicated_log::transfer, follower()), log_answer::accepted);
      cluster.elect();
      cluster.pass(log_time{5'000});
    }
    ASSERT_TRUE(cluster.all_sleep());
  }
}

TEST_F(SleepTest, WhatWasOnItsWayBeforeWakesNobody) {
  raft_envelope heartbeat;
  heartbeat.from = cluster.leader();
  heartbeat.to = follower();
  heartbeat.content.kind = core_append;
  heartbeat.content.term = leading().log->term();
  heartbeat.content.index = heartbeat.content.commit = leading().log->last_index();
  heartbeat.content.index_term = heartbeat.content.term;
  heartbeat.sent_at = cluster.now - log_time{4'000};
  auto& late = cluster[follower()];
  late.carry_out(late.log->receive(cluster.now, encode_message(heartbeat)));
  EXPECT_TRUE(late.log->sleeps());
  heartbeat.sent_at = cluster.now;
  late.carry_out(late.log->receive(cluster.now, encode_message(heartbeat)));
  EXPECT_FALSE(late.log->sleeps());
}

TEST_F(SleepTest, AFollowerThatHasMoreDoesNotAgree) {
  auto& one = cluster[follower()];
  raft_envelope question;
  question.from = cluster.leader();
  question.to = follower();
  question.content.kind = core_quiet;
  question.content.term = leading().log->term();
  question.content.index = leading().log->last_index() - 1;
  question.content.index_term = question.content.term;
  cluster.wake(leading());
  ASSERT_FALSE(one.log->sleeps());
  one.carry_out(one.log->receive(cluster.now, encode_message(question)));
  EXPECT_FALSE(one.log->sleeps());
  EXPECT_TRUE(one.sent.empty());
}

} // namespace overwatch
