#include "tests/actors/played_partition.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace std::chrono_literals;
using ::testing::Contains;

namespace overwatch::test {

namespace {

spec_change scope(std::vector<std::string> keys, milliseconds keep = 0ms) {
  return [=](task_spec& x) {
    x.snapshot.keys = keys;
    x.keep_snapshot = keep;
  };
}

} // namespace

class RollbackStateTest : public ::testing::Test, public played_partition {
public:
  RollbackStateTest() { apply({key("app/a", "1"), key("app/b", "2"), key("other", "3")}); }

  // What an attempt does to the keys.
  void damage() { apply({key("app/a", "x"), key("app/b", std::nullopt), key("app/new", "y"), key("other", "z")}); }

  void expect_as_before() {
    EXPECT_EQ(value("app/a"), "1");
    EXPECT_EQ(value("app/b"), "2");
    EXPECT_EQ(value("app/new"), std::nullopt);
    EXPECT_EQ(value("other"), "z") << "not in the scope";
  }

  ec roll_back(uint64_t n, rollback_status status) { return code(rollback_command{id_of(n), status, "asked for"}); }
};

TEST_F(RollbackStateTest, FailedAttemptPutsItsKeysBack) {
  apply({submit(1, scope({"app/"}))});
  starts(1);
  damage();
  auto entry = finish(1, violation::exception);
  expect_as_before();
  EXPECT_EQ(task(1).rollback, rollback_status::done);
  EXPECT_EQ(entry.documents.size(), 3u) << "who watches keys is told";
  EXPECT_FALSE(state->find_saved(id_of(1)));
}

TEST_F(RollbackStateTest, KeysAreBackBeforeTheNextAttempt) {
  apply({submit(1, scope({"app/"}))});
  starts(1);
  damage();
  finish(1, violation::exception, time);
  expect_as_before();
  EXPECT_TRUE(starts(1));
  EXPECT_EQ(task(1).rollback, rollback_status::none);
  apply({key("app/a", "second")});
  finish(1);
  EXPECT_EQ(value("app/a"), "second") << "a success changes what it changed";
}

TEST_F(RollbackStateTest, LostCancelledAndRequeuedAttemptsPutTheirKeysBackToo) {
  for (uint64_t n = 1; n <= 3; ++n) {
    apply({submit(n, scope({"app/"}))});
    starts(n);
    damage();
    auto x = outcome(n, violation::lost);
    if (n == 2)
      apply({cancel_command{id_of(n), "no"}});
    x.requeue = n == 3;
    apply({x});
    expect_as_before();
  }
  EXPECT_EQ(status(1), task_status::failed);
  EXPECT_EQ(status(2), task_status::cancelled);
  EXPECT_EQ(status(3), task_status::queued);
}

TEST_F(RollbackStateTest, WhatWasCapturedSurvivesACrash) {
  apply({submit(1, scope({"app/"}))});
  starts(1);
  flush();
  damage();
  crash();
  EXPECT_EQ(state->find_saved(id_of(1))->keys.size(), 2u);
  finish(1, violation::exception);
  expect_as_before();
  flush();
  EXPECT_FALSE(state->find_saved(id_of(1)));
}

TEST_F(RollbackStateTest, KeysThatDidNotChangeKeepTheirVersions) {
  apply({submit(1, scope({"app/"}))});
  auto before = state->documents().find(document_kind::key, "app/b")->version;
  starts(1);
  apply({key("app/a", "x")});
  finish(1, violation::exception);
  EXPECT_EQ(state->documents().find(document_kind::key, "app/b")->version, before);
  EXPECT_GT(state->documents().find(document_kind::key, "app/a")->version, before) << "a version never repeats";
}

TEST_F(RollbackStateTest, PrefixesThatLieInEachOtherCaptureOnce) {
  apply({submit(1, scope({"app/a", "app/", "app/"}))});
  starts(1);
  EXPECT_EQ(state->find_saved(id_of(1))->keys.size(), 2u);
  damage();
  EXPECT_EQ(finish(1, violation::exception).documents.size(), 3u);
  expect_as_before();
}

TEST_F(RollbackStateTest, ScopeWithTooManyKeysIsRefusedBeforeItStarts) {
  std::vector<command> many;
  for (size_t i = 0; i <= key_limits::captured_keys; ++i)
    many.push_back(key("many/" + std::to_string(i), ""));
  apply(std::move(many));
  apply({submit(1, scope({"many/"}))});
  EXPECT_EQ(start(1).results.at(0).error.code, ec::too_large);
  EXPECT_EQ(status(1), task_status::failed);
  EXPECT_NE(task(1).error.message.find("10000"), std::string::npos) << task(1).error.message;
}

// -- on request ----------------------------------------------------------------

TEST_F(RollbackStateTest, CompletedTaskIsUndoneWhileItsSnapshotIsKept) {
  apply({submit(1, scope({"app/"}, 1h))});
  starts(1);
  damage();
  finish(1);
  EXPECT_EQ(task(1).snapshot_until, beginning + 1h);
  flush();
  crash();
  EXPECT_EQ(roll_back(1, rollback_status::running), ec::none);
  EXPECT_EQ(task(1).rollback, rollback_status::running);
  EXPECT_EQ(roll_back(1, rollback_status::done), ec::none);
  expect_as_before();
  EXPECT_EQ(status(1), task_status::completed);
  EXPECT_FALSE(task(1).snapshot_until);
  EXPECT_EQ(roll_back(1, rollback_status::running), ec::conflict) << "there is nothing left to undo";
}

TEST_F(RollbackStateTest, UndoThatFailedCanBeAskedForAgain) {
  apply({submit(1, scope({"app/"}, 1h))});
  starts(1);
  damage();
  finish(1);
  roll_back(1, rollback_status::running);
  roll_back(1, rollback_status::failed);
  EXPECT_EQ(value("app/a"), "x");
  EXPECT_EQ(roll_back(1, rollback_status::running), ec::none);
  roll_back(1, rollback_status::done);
  expect_as_before();
}

TEST_F(RollbackStateTest, UndoIsRefusedWhenThereIsNothingToUndo) {
  apply({submit(1, scope({"app/"})), submit(2, scope({"app/"}, 1min)), submit(3)});
  starts(1);
  EXPECT_EQ(roll_back(1, rollback_status::done), ec::conflict) << "it runs, and its rollback did not begin";
  finish(1);
  EXPECT_EQ(roll_back(1, rollback_status::running), ec::conflict) << "not kept";
  EXPECT_EQ(roll_back(3, rollback_status::running), ec::conflict) << "not completed";
  EXPECT_EQ(roll_back(99, rollback_status::running), ec::not_found);
  starts(2);
  finish(2);
  EXPECT_EQ(roll_back(2, rollback_status::done), ec::conflict) << "it did not begin";
  time += 1min;
  EXPECT_EQ(roll_back(2, rollback_status::running), ec::conflict) << "not kept any more";
}

TEST_F(RollbackStateTest, UndoHoldsItsScope) {
  apply({submit(1, scope({"app/"}, 1h)), submit(2, scope({"app/a"}))});
  starts(1);
  finish(1);
  starts(2);
  EXPECT_EQ(roll_back(1, rollback_status::running), ec::conflict) << "a running task has a part of it";
  finish(2);
  EXPECT_EQ(roll_back(1, rollback_status::running), ec::none);
  EXPECT_EQ(code(remove_command{id_of(1)}), ec::conflict);
  flush();
  crash();
  apply({submit(3, scope({"app/a"}))});
  EXPECT_EQ(waits_for(3), "snapshot:kapp/") << "also after a crash";
  EXPECT_THAT(apply({rollback_command{id_of(1), rollback_status::done, {}}}).freed, Contains("snapshot:kapp/"));
  apply({promote_command{id_of(3)}});
  EXPECT_TRUE(starts(3));
}

TEST_F(RollbackStateTest, RunningRollbackOfAFailedAttemptEndsWithIt) {
  apply({submit(1, [](task_spec& x) { x.snapshot.files = {"/data"}; })});
  starts(1);
  EXPECT_EQ(roll_back(1, rollback_status::running), ec::none);
  EXPECT_EQ(status(1), task_status::running);
  auto x = outcome(1, violation::exception);
  x.rollback = rollback_status::failed;
  x.rollback_message = "the disk is gone";
  apply({x});
  EXPECT_EQ(task(1).rollback, rollback_status::failed);
  EXPECT_EQ(task(1).rollback_message, "the disk is gone");
}

} // namespace overwatch::test
