#include "runtime/replication/raft_log.hpp"
#include "runtime/replication/single_log.hpp"
#include "tests/replication/played_replica.hpp"

#include <gtest/gtest.h>

/// What a log of one replica does, whichever implementation it is.
namespace overwatch {

namespace {

std::unique_ptr<replicated_log> make_single_log() {
  return std::make_unique<single_log>();
}

std::unique_ptr<replicated_log> make_raft_log() {
  raft_log_options options;
  options.id = 1;
  options.initial_members = {{1, "alone", true}};
  return std::make_unique<raft_log>(std::move(options));
}

struct implementation {
  const char* name;
  std::unique_ptr<replicated_log> (*make)();
};

void PrintTo(const implementation& x, std::ostream* out) {
  *out << x.name;
}

} // namespace

class ReplicatedLogTest : public testing::TestWithParam<implementation> {
protected:
  played_replica replica{GetParam().make};
};

INSTANTIATE_TEST_SUITE_P(All, ReplicatedLogTest,
                         testing::Values(implementation{"single_log", make_single_log},
                                         implementation{"raft_log", make_raft_log}),
                         [](const auto& x) { return std::string{x.param.name}; });

TEST_P(ReplicatedLogTest, LeadsWhenStartReturns) {
  log_start nothing;
  auto log = GetParam().make();
  EXPECT_FALSE(log->leads());
  auto update = log->start(log_time{0}, nothing);
  EXPECT_TRUE(update.became_leader);
  EXPECT_TRUE(log->leads());
  EXPECT_EQ(log->leader(), 1u);
  ASSERT_TRUE(update.hard_state);
  EXPECT_EQ(update.hard_state->term, log->term());
  EXPECT_TRUE(update.messages.empty());
}

TEST_P(ReplicatedLogTest, EveryStartIsANewTerm) {
  uint64_t term = 0;
  for (int i = 0; i < 5; ++i) {
    replica.start();
    EXPECT_GT(replica.log->term(), term);
    term = replica.log->term();
    EXPECT_EQ(replica.hard_state.term, term);
    replica.propose("x");
  }
  EXPECT_EQ(replica.commands.size(), 5u);
}

TEST_P(ReplicatedLogTest, WhatIsDurableIsCommittedAndNothingElse) {
  replica.start();
  replica.disk_waits = true;
  auto a = replica.propose("a");
  auto b = replica.propose("b");
  ASSERT_TRUE(a && b);
  EXPECT_EQ(*b, *a + 1);
  EXPECT_TRUE(replica.commands.empty());
  EXPECT_LT(replica.log->commit_index(), *a);
  replica.report_durable();
  EXPECT_EQ(replica.commands, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(replica.log->commit_index(), *b);
  EXPECT_EQ(replica.log->last_index(), *b);
  EXPECT_EQ(replica.log->term_at(*b), replica.log->term());
}

TEST_P(ReplicatedLogTest, AnAppendCarriesIndexTermAndBytes) {
  replica.start();
  log_update update;
  auto index = replica.log->propose("bytes", update);
  ASSERT_EQ(update.append.size(), 1u);
  EXPECT_EQ(update.append[0].index, *index);
  EXPECT_EQ(update.append[0].term, replica.log->term());
  EXPECT_EQ(update.append[0].bytes, "bytes");
  EXPECT_EQ(update.append[0].kind, entry_kind::command);
  EXPECT_EQ(update.commit_index, 0u);
}

TEST_P(ReplicatedLogTest, ContinuesWhereTheStoreEnds) {
  replica.start();
  for (int i = 0; i < 10; ++i)
    replica.propose(std::to_string(i));
  auto last = replica.log->last_index();
  replica.start();
  EXPECT_EQ(replica.log->last_index(), last);
  EXPECT_EQ(replica.log->commit_index(), last);
  EXPECT_EQ(replica.propose("next"), last + 1);
  EXPECT_EQ(replica.commands.size(), 11u);
}

TEST_P(ReplicatedLogTest, WhatWasStoredButNotAppliedIsCommittedByTheNextStart) {
  replica.start();
  replica.propose("a");
  replica.disk_waits = true;
  replica.propose("b"); // stored, and the process ends before it hears so
  replica.waiting.clear();
  replica.disk_waits = false;
  replica.start();
  EXPECT_EQ(replica.commands, (std::vector<std::string>{"a", "b"}));
}

TEST_P(ReplicatedLogTest, ALogThatWasCutContinues) {
  replica.start();
  for (int i = 0; i < 10; ++i)
    replica.propose(std::to_string(i));
  auto update = replica.log->snapshot_taken(replica.applied, replica.applied - 2);
  EXPECT_EQ(update.first_kept, replica.applied - 2);
  replica.entries.erase(replica.entries.begin(), replica.entries.lower_bound(update.first_kept));
  replica.carry_out(std::move(update));
  auto last = replica.log->last_index();
  replica.start();
  EXPECT_EQ(replica.log->last_index(), last);
  EXPECT_EQ(replica.propose("next"), last + 1);
  EXPECT_EQ(replica.commands.back(), "next");
}

TEST_P(ReplicatedLogTest, HasALeaseOnceAnEntryOfItsTermIsCommitted) {
  replica.start();
  replica.propose("opening");
  EXPECT_TRUE(replica.log->has_lease(log_time{1'000'000}));
}

} // namespace overwatch
