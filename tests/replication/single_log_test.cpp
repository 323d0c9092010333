#include "runtime/replication/single_log.hpp"

#include <gtest/gtest.h>

namespace overwatch {

/// A log of which the newest entry, 20, is of term 6.
log_start stored(const log_hard_state& hard_state) {
  log_start x;
  x.hard_state = hard_state;
  x.applied = 20;
  x.entries.push_back({20, 6, {}});
  return x;
}

TEST(SingleLogTest, FirstStartLeadsInTermOne) {
  single_log log;
  EXPECT_FALSE(log.leads());
  auto update = log.start({}, {});
  EXPECT_TRUE(update.became_leader);
  EXPECT_TRUE(log.leads());
  EXPECT_EQ(log.term(), 1u);
  ASSERT_TRUE(update.hard_state);
  EXPECT_EQ(update.hard_state->term, 1u);
  EXPECT_TRUE(update.append.empty());
}

TEST(SingleLogTest, EveryStartIsANewTerm) {
  single_log log;
  log.start({}, stored({7, 3}));
  EXPECT_EQ(log.term(), 8u);
  single_log other; // the stored term is older than the newest entry
  auto update = other.start({}, stored({2, 3}));
  EXPECT_EQ(other.term(), 7u);
  EXPECT_EQ(update.hard_state->vote, 3u);
}

TEST(SingleLogTest, WhatIsStoredIsCommitted) {
  single_log log;
  EXPECT_EQ(log.start({}, stored({7, 0})).commit_index, 20u);
}

TEST(SingleLogTest, EntriesContinueTheLogAndAreCommittedOnceTheyAreDurable) {
  single_log log;
  log.start({}, stored({7, 0}));
  log_update update;
  EXPECT_EQ(*log.propose("a", update), 21u);
  EXPECT_EQ(*log.propose("b", update), 22u);
  ASSERT_EQ(update.append.size(), 2u);
  EXPECT_EQ(update.append[1].index, 22u);
  EXPECT_EQ(update.append[1].term, 8u);
  EXPECT_EQ(update.append[1].bytes, "b");
  EXPECT_LT(update.commit_index, 21u) << "not durable yet";
  EXPECT_EQ(log.persisted(21).commit_index, 21u);
  EXPECT_EQ(log.persisted(22).commit_index, 22u);
}

} // namespace overwatch
