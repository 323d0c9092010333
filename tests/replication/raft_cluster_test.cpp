#include "tests/replication/played_cluster.hpp"

#include <gtest/gtest.h>

/// Elections, members and states. Sleep is in raft_sleep_test.cpp.
namespace overwatch {

TEST(RaftClusterTest, ElectsOneLeaderAndReplicates) {
  played_cluster cluster{3};
  auto& leading = cluster.elect();
  leading.propose("a");
  cluster.pass(log_time{300});
  for (auto& [id, x] : cluster.nodes) {
    EXPECT_EQ(x->commands, (std::vector<std::string>{"opening", "a"})) << id;
    EXPECT_EQ(x->log->leader(), cluster.leader());
    EXPECT_EQ(x->log->term(), leading.log->term());
  }
}

TEST(RaftClusterTest, AMajorityGoesOnAndTheThirdCatchesUp) {
  played_cluster cluster{3};
  cluster.elect();
  auto lost = cluster.leader();
  cluster.down.insert(lost);
  auto& leading = cluster.elect();
  for (int i = 0; i < 20; ++i)
    leading.propose(std::to_string(i));
  cluster.pass(log_time{300});
  auto expected = leading.commands;
  EXPECT_EQ(expected.size(), 22u);
  cluster.down.clear();
  cluster.pass(log_time{2000});
  EXPECT_EQ(cluster[lost].commands, expected);
  EXPECT_FALSE(cluster[lost].log->leads());
}

TEST(RaftClusterTest, WithoutAMajorityNothingIsCommittedAndTheLeaderStepsDown) {
  played_cluster cluster{3};
  auto& leading = cluster.elect();
  for (auto& [id, x] : cluster.nodes)
    if (id != cluster.leader())
      cluster.down.insert(id);
  auto committed = leading.log->commit_index();
  leading.propose("lost");
  cluster.pass(log_time{2500});
  EXPECT_FALSE(leading.log->leads());
  EXPECT_EQ(leading.log->commit_index(), committed);
  EXPECT_FALSE(leading.propose("refused"));
}

// The one thing that a vote is stored for.
TEST(RaftClusterTest, AVoteHoldsOverARestart) {
  auto vote_request = [](member_id from) {
    raft_envelope x;
    x.from = from;
    x.to = 1;
    x.content.kind = core_vote;
    x.content.term = 7;
    x.content.index = 1;
    x.content.index_term = 1;
    return encode_message(x);
  };
  auto granted = [](played_replica& x) {
    raft_envelope answer;
    return !x.sent.empty() && decode_message(x.sent.back().bytes, answer) && answer.content.granted;
  };
  for (auto forget : {false, true}) {
    played_cluster cluster{3};
    auto& voter = cluster[1];
    cluster.now = log_time{1010}; // behind the election timeout in which a node that began gives no vote
    voter.carry_out(voter.log->receive(cluster.now, vote_request(2)));
    EXPECT_TRUE(granted(voter));
    EXPECT_EQ(voter.hard_state.vote, 2u);
    if (forget)
      voter.hard_state.vote = 0;
    voter.sent.clear();
    voter.start(cluster.now);
    voter.carry_out(voter.log->receive(cluster.now + log_time{1010}, vote_request(3)));
    EXPECT_EQ(granted(voter), forget);
  }
}

TEST(RaftClusterTest, ANodeThatBeganGivesNoVoteForAnElectionTimeout) {
  played_cluster cluster{3};
  raft_envelope x;
  x.from = 2;
  x.to = 1;
  x.content.kind = core_vote;
  x.content.term = 7;
  x.content.index = 1;
  x.content.index_term = 1;
  auto& voter = cluster[1];
  voter.carry_out(voter.log->receive(log_time{990}, encode_message(x)));
  EXPECT_TRUE(voter.sent.empty());
  EXPECT_EQ(voter.hard_state.vote, 0u);
}

TEST(RaftClusterTest, ALeaseLastsAsLongAsAMajorityAnswers) {
  played_cluster cluster{3};
  auto& leading = cluster.elect();
  cluster.pass(log_time{300});
  EXPECT_TRUE(leading.log->has_lease(cluster.now));
  EXPECT_TRUE(leading.log->has_lease(cluster.now + log_time{500}));
  EXPECT_FALSE(leading.log->has_lease(cluster.now + log_time{1000})) << "by then another may lead";
  for (auto& [id, x] : cluster.nodes)
    if (x.get() != &leading) {
      EXPECT_FALSE(x->log->has_lease(cluster.now));
      cluster.down.insert(id);
    }
  cluster.pass(log_time{800});
  EXPECT_FALSE(leading.log->has_lease(cluster.now));
}

TEST(RaftClusterTest, LeadershipMovesToWhomItIsGiven) {
  played_cluster cluster{3};
  auto& before = cluster.elect();
  cluster.pass(log_time{300});
  auto target = cluster.leader() % 3 + 1;
  EXPECT_EQ(cluster.ask(before, &replicated_log::transfer, cluster.leader()), log_answer::bad_member);
  EXPECT_EQ(cluster.ask(before, &replicated_log::transfer, target), log_answer::accepted);
  EXPECT_EQ(cluster.leader(), target);
  EXPECT_FALSE(before.log->leads());
  cluster.elect();
  cluster.pass(log_time{300});
  EXPECT_TRUE(cluster[target].log->has_lease(cluster.now));
}

TEST(RaftClusterTest, TransferToOneThatIsAwayIsRefused) {
  played_cluster cluster{3};
  auto& leading = cluster.elect();
  auto target = cluster.leader() % 3 + 1;
  cluster.down.insert(target);
  cluster.pass(log_time{1500});
  EXPECT_EQ(cluster.ask(leading, &replicated_log::transfer, target), log_answer::lags_behind);
  EXPECT_TRUE(leading.propose("goes on"));
}

TEST(RaftClusterTest, TransferThatIsLostTakesNoLeaseForEver) {
  played_cluster cluster{3};
  auto& leading = cluster.elect();
  cluster.pass(log_time{300});
  auto target = cluster.leader() % 3 + 1;
  std::string offer;
  cluster.is_lost = [&](member_id, const log_message& message) {
    raft_envelope x;
    auto is_offer = decode_message(message.bytes, x) && x.content.kind == core_elect_now;
    if (is_offer)
      offer = message.bytes;
    return is_offer;
  };
  EXPECT_EQ(cluster.ask(leading, &replicated_log::transfer, target), log_answer::accepted);
  ASSERT_FALSE(offer.empty());
  EXPECT_FALSE(leading.log->has_lease(cluster.now)) << "it may be taken at any moment";
  cluster.down.insert(target);
  cluster.pass(log_time{300});
  EXPECT_FALSE(leading.log->has_lease(cluster.now)) << "the others do not know";
  cluster.down.clear();
  auto term = leading.log->term();
  cluster.pass(log_time{300});
  EXPECT_TRUE(leading.log->has_lease(cluster.now));
  auto& late = cluster[target];
  late.carry_out(late.log->receive(cluster.now, offer));
  cluster.deliver();
  EXPECT_EQ(leading.log->term(), term) << "it does not count any more";
  EXPECT_TRUE(leading.log->leads());
}

TEST(RaftClusterTest, TransferToOneThatIsRemovedTakesNoLeaseForEver) {
  played_cluster cluster{3};
  auto& leading = cluster.elect();
  cluster.pass(log_time{300});
  auto target = cluster.leader() % 3 + 1;
  cluster.is_lost = [&](member_id to, const log_message&) { return to == target; };
  EXPECT_EQ(cluster.ask(leading, &replicated_log::transfer, target), log_answer::accepted);
  cluster.down.insert(target);
  cluster.pass(log_time{1500}); // the library gives the transfer up
  EXPECT_FALSE(leading.log->has_lease(cluster.now));
  EXPECT_EQ(cluster.ask(leading, &replicated_log::remove_member, target), log_answer::accepted);
  cluster.pass(log_time{300});
  EXPECT_TRUE(leading.log->has_lease(cluster.now));
}

TEST(RaftClusterTest, OneNodeGrowsToThree) {
  played_cluster cluster{1};
  auto& first = cluster.elect();
  for (member_id id : {2, 3}) {
    cluster.add(id, {});
    EXPECT_EQ(cluster.add_learner(first, id), log_answer::accepted);
    cluster.pass(log_time{300});
    EXPECT_EQ(cluster.ask(first, &replicated_log::promote_member, id), log_answer::accepted);
    cluster.pass(log_time{300});
  }
  EXPECT_EQ(cluster[3].commands, first.commands);
  cluster.down.insert(1);
  auto& next = cluster.elect();
  EXPECT_NE(&next, &first);
  next.propose("without the first");
  cluster.pass(log_time{300});
  EXPECT_EQ(cluster[2].commands.back(), "without the first");
  EXPECT_EQ(cluster[3].commands, cluster[2].commands);
  EXPECT_EQ(cluster.ask(next, &replicated_log::remove_member, cluster.leader()), log_answer::is_leader);
  EXPECT_EQ(cluster.ask(next, &replicated_log::remove_member, 1), log_answer::accepted);
  cluster.pass(log_time{300});
  EXPECT_EQ(cluster[2].log->configuration().members.size(), 2u);
}

// The library would leave the two without a leader for ever.
TEST(RaftClusterTest, ALearnerVotesForTheOneThatMadeItAVoter) {
  played_cluster cluster{1};
  auto& first = cluster.elect();
  cluster.add(2, {});
  cluster.add_learner(first, 2);
  cluster.pass(log_time{300});
  cluster.down.insert(2);
  EXPECT_EQ(cluster.ask(first, &replicated_log::promote_member, 2), log_answer::accepted);
  first.sent.clear();
  first.start(cluster.now); // before the other one has heard of it
  cluster.down.clear();
  EXPECT_FALSE(cluster[2].log->configuration().members.at(1).voter);
  cluster.elect();
  cluster.pass(log_time{300});
  EXPECT_EQ(cluster.leader(), 1u);
  EXPECT_TRUE(cluster[2].log->configuration().members.at(1).voter);
}

TEST(RaftClusterTest, AMemberThatIsTooFarBehindGetsTheState) {
  played_cluster cluster{3};
  cluster.elect();
  auto lost = cluster.leader() % 3 + 1;
  auto& leading = cluster[cluster.leader()];
  cluster.down.insert(lost);
  for (int i = 0; i < 50; ++i)
    leading.propose(std::to_string(i));
  cluster.pass(log_time{100});
  leading.carry_out(leading.log->snapshot_taken(leading.applied, leading.applied + 1));
  EXPECT_TRUE(leading.entries.empty());
  leading.propose("later");
  cluster.down.clear();
  auto asked = false;
  for (int i = 0; i < 50 && !asked; ++i) {
    for (auto& [id, x] : cluster.nodes) {
      x->carry_out(x->log->tick(cluster.now));
      asked |= x->last.send_snapshot == std::vector<member_id>{lost};
    }
    for (auto& [id, x] : cluster.nodes)
      for (auto& message : std::exchange(x->sent, {})) {
        auto& to = cluster[message.to];
        to.carry_out(to.log->receive(cluster.now, message.bytes));
        asked |= to.last.send_snapshot == std::vector<member_id>{lost};
      }
    cluster.now += log_time{10};
  }
  ASSERT_TRUE(asked);
  auto offer = leading.log->snapshot_offer(lost, leading.applied);
  ASSERT_TRUE(offer);
  auto& behind = cluster[lost];
  auto update = behind.log->receive_snapshot(cluster.now, *offer);
  ASSERT_TRUE(update.install);
  EXPECT_EQ(update.install->index, leading.applied);
  behind.carry_out(std::move(update));
  behind.entries.clear();
  behind.snapshot = behind.last.install;
  behind.applied = leading.applied;
  behind.commands = leading.commands;
  behind.carry_out(behind.log->snapshot_installed());
  leading.propose("last");
  cluster.pass(log_time{500});
  EXPECT_EQ(behind.commands.back(), "last");
  EXPECT_EQ(behind.commands, leading.commands);
  auto again = behind.log->receive_snapshot(cluster.now, *offer);
  EXPECT_FALSE(again.install) << "nobody needs it twice";
}

TEST(RaftClusterTest, LargeEntriesTravelInSeveralMessages) {
  played_cluster cluster{3};
  auto& leading = cluster.elect();
  cluster.pass(log_time{300});
  auto follower = cluster.leader() % 3 + 1;
  cluster.down.insert(follower);
  for (int i = 0; i < 30; ++i)
    leading.propose(std::string(300'000, static_cast<char>('a' + i % 26)));
  for (const auto& x : leading.sent)
    EXPECT_LT(x.bytes.size(), 1'500'000u);
  cluster.pass(log_time{300});
  cluster.down.clear();
  cluster.pass(log_time{3000});
  EXPECT_EQ(cluster[follower].commands, leading.commands);
}

} // namespace overwatch
