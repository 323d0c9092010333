#include "tests/support/memory_store.hpp"

#include <gtest/gtest.h>

#include <set>

namespace overwatch::test {

namespace {

using survival = memory_store::survival;

/// Writes what a node writes: an entry with its number, and the state that follows from it.
void write_entry(memory_store& x, int number, bool sync) {
  write_batch batch;
  batch.put(key_space::log, "entry " + std::to_string(number), "content");
  batch.put(key_space::state, "applied", std::to_string(number));
  ASSERT_EQ(x.write(batch, sync), store::write_result::done);
}

int applied(const store& x) {
  auto value = x.get(key_space::state, "applied");
  return value ? std::stoi(*value) : 0;
}

} // namespace

TEST(MemoryStoreTest, ACrashLosesTheLogAfterTheLastSync) {
  memory_store x;
  write_entry(x, 1, false);
  write_entry(x, 2, true);
  write_entry(x, 3, false);
  auto left = x.lose_unsynced(survival::all);
  EXPECT_TRUE(left->get(key_space::log, "entry 1"));
  EXPECT_TRUE(left->get(key_space::log, "entry 2"));
  EXPECT_FALSE(left->get(key_space::log, "entry 3"));
  EXPECT_TRUE(x.get(key_space::log, "entry 3")) << "the original goes on";
}

TEST(MemoryStoreTest, ACrashLosesTheSeriesAfterTheLastSync) {
  memory_store x;
  write_batch batch;
  batch.put(key_space::series, "sample", "1");
  x.write(batch, false);
  EXPECT_FALSE(x.lose_unsynced(survival::all)->get(key_space::series, "sample"));
  write_entry(x, 1, true);
  EXPECT_TRUE(x.lose_unsynced(survival::all)->get(key_space::series, "sample"));
}

TEST(MemoryStoreTest, StateSurvivesToThePointThatWasAskedFor) {
  memory_store x;
  for (int i = 1; i <= 3; ++i)
    write_entry(x, i, true);
  ASSERT_EQ(x.checkpoint(), store::write_result::done);
  for (int i = 4; i <= 8; ++i)
    write_entry(x, i, true);
  EXPECT_EQ(applied(*x.lose_unsynced(survival::none)), 3);
  EXPECT_EQ(applied(*x.lose_unsynced(survival::all)), 8);
  std::set<int> drawn;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    auto left = applied(*x.lose_unsynced(survival::some, seed));
    EXPECT_EQ(left, applied(*x.lose_unsynced(survival::some, seed))) << "seed " << seed;
    drawn.insert(left);
  }
  EXPECT_EQ(drawn, (std::set<int>{3, 4, 5, 6, 7, 8}));
}

TEST(MemoryStoreTest, StateIsNeverAheadOfTheLogAfterACrash) {
  memory_store x;
  write_entry(x, 1, true);
  write_entry(x, 2, false);
  write_entry(x, 3, false);
  EXPECT_EQ(applied(*x.lose_unsynced(survival::all)), 1);
  write_entry(x, 4, true);
  EXPECT_EQ(applied(*x.lose_unsynced(survival::all)), 4);
}

TEST(MemoryStoreTest, ACheckpointMakesTheLogDurableToo) {
  memory_store x;
  write_entry(x, 1, false);
  ASSERT_EQ(x.checkpoint(), store::write_result::done);
  auto left = x.lose_unsynced(survival::none);
  EXPECT_EQ(applied(*left), 1);
  EXPECT_TRUE(left->get(key_space::log, "entry 1"));
}

TEST(MemoryStoreTest, ACrashedStoreCrashesAgainFromWhereItBegan) {
  memory_store x;
  write_entry(x, 1, true);
  auto once = x.lose_unsynced(survival::all);
  write_entry(*once, 2, false);
  auto twice = once->lose_unsynced(survival::none);
  EXPECT_EQ(applied(*twice), 1);
  EXPECT_FALSE(twice->get(key_space::log, "entry 2"));
}

TEST(MemoryStoreTest, AFullDiskRefusesAndRecovers) {
  memory_store x;
  write_entry(x, 1, true);
  x.fill_disk(true);
  write_batch batch;
  batch.put(key_space::state, "applied", "2");
  EXPECT_EQ(x.write(batch, true), store::write_result::no_space);
  EXPECT_EQ(x.checkpoint(), store::write_result::no_space);
  EXPECT_EQ(x.free_bytes(), 0u);
  EXPECT_EQ(applied(x), 1);
  x.fill_disk(false);
  EXPECT_EQ(x.write(batch, true), store::write_result::done);
  EXPECT_EQ(applied(x), 2);
  EXPECT_EQ(x.calls().refused, 2u);
}

TEST(MemoryStoreTest, CountsItsCalls) {
  memory_store x;
  write_entry(x, 1, true);
  write_entry(x, 2, false);
  x.checkpoint();
  x.get(key_space::state, "applied");
  x.get_many(key_space::state, {"a", "b"});
  x.scan(key_space::log, "", "z");
  auto calls = x.calls();
  EXPECT_EQ(calls.writes, 2u);
  EXPECT_EQ(calls.syncs, 1u);
  EXPECT_EQ(calls.changes, 4u);
  EXPECT_EQ(calls.checkpoints, 1u);
  EXPECT_EQ(calls.gets, 3u);
  EXPECT_EQ(calls.scans, 1u);
}

} // namespace overwatch::test
