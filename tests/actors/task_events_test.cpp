#include "actors/task_events.hpp"

#include <gtest/gtest.h>

namespace overwatch::test {

namespace {

task_change change(change_kind kind, task_status status = task_status::queued) {
  task_change x;
  x.kind = kind;
  x.spec = std::make_shared<task_spec>();
  x.state.status = status;
  return x;
}

std::vector<event_kind> kinds(const std::vector<event>& events) {
  std::vector<event_kind> result;
  for (const auto& x : events)
    result.push_back(x.kind);
  return result;
}

} // namespace

TEST(TaskEventsTest, EveryChangeHasItsEvent) {
  auto told = [](change_kind x, task_status status) { return kinds(events_of(change(x, status), {})); };
  using list = std::vector<event_kind>;
  EXPECT_EQ(told(change_kind::created, task_status::pending), list{event_kind::task_created});
  EXPECT_EQ(told(change_kind::queued, task_status::queued), list{event_kind::task_queued});
  EXPECT_EQ(told(change_kind::started, task_status::running), list{event_kind::task_started});
  EXPECT_EQ(told(change_kind::cancelling, task_status::running), list{event_kind::task_cancelling});
  EXPECT_EQ(told(change_kind::retrying, task_status::retrying), list{event_kind::task_retrying});
  EXPECT_EQ(told(change_kind::ended, task_status::completed), list{event_kind::task_completed});
  EXPECT_EQ(told(change_kind::ended, task_status::failed), list{event_kind::task_failed});
  EXPECT_EQ(told(change_kind::ended, task_status::cancelled), list{event_kind::task_cancelled});
  EXPECT_EQ(told(change_kind::removed, task_status::failed), list{event_kind::task_deleted});
  EXPECT_EQ(told(change_kind::patched, task_status::queued), list{event_kind::task_changed});
  EXPECT_EQ(told(change_kind::approved, task_status::pending), list{event_kind::task_approved});
  EXPECT_EQ(told(change_kind::parked, task_status::pending), list{});
  auto cancelled = change(change_kind::ended, task_status::cancelled);
  cancelled.state.cancel_reason = "enough";
  EXPECT_EQ(events_of(cancelled, {}).at(0).message, "enough");
  auto approved = change(change_kind::approved);
  approved.state.approvals = {{"deploy", "ann", "fine", {}}, {"budget", "bob", "fine", {}}};
  EXPECT_EQ(events_of(approved, {}).at(0).message, "budget by bob");
}

TEST(TaskEventsTest, ViolationAndRollbackComeBeforeWhatBecameOfTheTask) {
  auto failed = change(change_kind::ended, task_status::failed);
  failed.before = task_status::running;
  failed.state.error = {violation::exception, "broke"};
  failed.state.rollback = rollback_status::done;
  failed.state.rollback_message = "2 files put back";
  auto events = events_of(failed, {});
  EXPECT_EQ(kinds(events),
            (std::vector{event_kind::task_violation, event_kind::task_rollback, event_kind::task_failed}));
  EXPECT_EQ(events[0].error.kind, violation::exception);
  EXPECT_EQ(events[1].message, "2 files put back");
  EXPECT_EQ(events[1].rollback, rollback_status::done);
  auto retried = failed;
  retried.kind = change_kind::retrying;
  retried.state.status = task_status::retrying;
  EXPECT_EQ(kinds(events_of(retried, {})),
            (std::vector{event_kind::task_violation, event_kind::task_rollback, event_kind::task_retrying}));
  auto waited = failed; // failed without an attempt: nothing to put back
  waited.before = task_status::queued;
  waited.state.rollback = rollback_status::none;
  EXPECT_EQ(kinds(events_of(waited, {})), (std::vector{event_kind::task_violation, event_kind::task_failed}));
}

TEST(TaskEventsTest, RollbackOnRequestIsToldAtItsStartAndItsEnd) {
  auto x = change(change_kind::rollback, task_status::completed);
  x.before = task_status::completed;
  x.state.rollback = rollback_status::running;
  EXPECT_EQ(kinds(events_of(x, {})), std::vector{event_kind::task_rollback});
  x.state.rollback = rollback_status::failed;
  x.state.rollback_message = "the disk is full";
  auto events = events_of(x, {});
  ASSERT_EQ(kinds(events), std::vector{event_kind::task_rollback});
  EXPECT_EQ(events[0].rollback, rollback_status::failed);
  EXPECT_EQ(events[0].message, "the disk is full");
}

} // namespace overwatch::test
