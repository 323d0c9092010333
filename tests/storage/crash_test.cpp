// What is left after kill -9.

#include "tests/storage/killed_writer.hpp"
#include "tests/storage/temporary_directory.hpp"
#include "tests/storage/written_entries.hpp"

#include <gtest/gtest.h>

namespace overwatch::test {

namespace {

int applied_in(const store& x) {
  auto applied = x.get(key_space::state, "applied");
  return applied ? std::stoi(*applied) : -1;
}

} // namespace

TEST(CrashTest, KillLosesNothingSyncedAndLeavesAConsistentState) {
  temporary_directory directory;
  int next = 0;
  for (int enough : {1, 37, 150, 400}) { // the last ones reach several flushes
    auto acknowledged = run_and_kill_writer({directory.path(), "endless_entries", std::to_string(next)}, enough);
    ASSERT_GE(acknowledged, next);
    auto x = open_small(directory.path());
    for (int i = 0; i <= acknowledged; ++i)
      ASSERT_TRUE(x->get(key_space::log, entry_key(i))) << "acknowledged entry " << i;
    auto position = applied_in(*x);
    EXPECT_LE(position, acknowledged + 1) << "one write may have been under way";
    EXPECT_GE(position, acknowledged / entries_per_checkpoint * entries_per_checkpoint - 1) << "the last checkpoint";
    if (position >= 0) {
      EXPECT_TRUE(x->get(key_space::log, entry_key(position))) << "the state is not ahead of the log";
    }
    for (int key = 0; key < keys_per_entry; ++key) {
      auto value = x->get(key_space::state, state_key(key));
      EXPECT_EQ(value ? std::stoi(*value) : -1, position) << "key " << key;
    }
    for (next = acknowledged + 1; x->get(key_space::log, entry_key(next));)
      ++next;
    for (int i = position + 1; i < next; ++i) // what a node does: applies the log again
      ASSERT_EQ(x->write(entry(i), false), store::write_result::done);
  }
}

TEST(CrashTest, ACheckpointedStateIsThereAfterAKill) {
  temporary_directory directory;
  run_and_kill_writer({directory.path(), "checkpoint"});
  EXPECT_EQ(open_small(directory.path())->get(key_space::state, "s"), "kept");
}

TEST(CrashTest, ADeadNodeDoesNotHoldItsDirectory) {
  temporary_directory directory;
  run_and_kill_writer({directory.path(), "checkpoint"});
  EXPECT_EQ(refusal_of(directory.path()).code, ec::none);
}

} // namespace overwatch::test
