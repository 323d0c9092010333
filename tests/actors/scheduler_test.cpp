#include "tests/support/deterministic_node.hpp"

using namespace std::chrono_literals;

namespace overwatch::test {

class SchedulerTest : public deterministic_node {};

TEST_F(SchedulerTest, AcknowledgedTaskIsDurable) {
  start();
  auto receipt = submit("one");
  EXPECT_FALSE(receipt.error);
  crash(memory_store::survival::none);
  start();
  EXPECT_EQ(status_of(receipt.id), task_status::queued);
}

TEST_F(SchedulerTest, SubmitToFreeSlotStartsInTheSameLogEntry) {
  start();
  auto pool = offer("noop", 1);
  auto before = ask<stats_reply>(links.replica, stats_request{}).applied;
  auto receipt = submit("one");
  EXPECT_EQ(ask<stats_reply>(links.replica, stats_request{}).applied, before + 1);
  auto assigned = take_assigned(pool);
  ASSERT_EQ(assigned.size(), 1u);
  EXPECT_EQ(assigned[0].task.spec->id, receipt.id);
  EXPECT_EQ(*assigned[0].task.payload, "{}");
  EXPECT_EQ(assigned[0].fence.attempt, 1u);
}

TEST_F(SchedulerTest, NeverStartsMoreThanThePoolOffers) {
  start();
  auto pool = offer("noop", 2);
  for (int i = 0; i < 5; ++i)
    submit("task");
  auto assigned = take_assigned(pool);
  EXPECT_EQ(assigned.size(), 2u);
  finish(assigned[0]);
  EXPECT_EQ(take_assigned(pool).size(), 1u);
}

TEST_F(SchedulerTest, NodeLimitSpansPools) {
  start();
  caf::anon_send(links.scheduler, node_capacity{"here", 3});
  auto one = offer("noop", 2);
  auto two = offer("other", 2);
  for (int i = 0; i < 3; ++i) {
    submit("task");
    submit("task", [](task_spec& x) { x.task_type = "other"; });
  }
  EXPECT_EQ(take_assigned(one).size() + take_assigned(two).size(), 3u);
}

TEST_F(SchedulerTest, HigherPriorityRunsFirst) {
  start();
  auto low = submit("low", [](task_spec& x) { x.importance = priority::low; });
  auto high = submit("high", [](task_spec& x) { x.importance = priority::high; });
  auto critical = submit("critical", [](task_spec& x) { x.importance = priority::critical; });
  auto pool = offer("noop", 1);
  std::vector<task_id> order;
  for (int i = 0; i < 3; ++i) {
    auto assigned = take_assigned(pool);
    ASSERT_EQ(assigned.size(), 1u);
    order.push_back(assigned[0].task.spec->id);
    finish(assigned[0]);
  }
  EXPECT_EQ(order, (std::vector{critical.id, high.id, low.id}));
}

TEST_F(SchedulerTest, WaitingRaisesPriorityBelowCritical) {
  scheduling.ready.ageing_step = 60s;
  start();
  auto old = submit("old", [](task_spec& x) { x.importance = priority::background; });
  advance(4min);
  auto fresh = submit("fresh", [](task_spec& x) { x.importance = priority::high; });
  auto critical = submit("critical", [](task_spec& x) { x.importance = priority::critical; });
  auto pool = offer("noop", 1);
  std::vector<task_id> order;
  for (int i = 0; i < 3; ++i) {
    auto assigned = take_assigned(pool);
    ASSERT_EQ(assigned.size(), 1u);
    order.push_back(assigned[0].task.spec->id);
    finish(assigned[0]);
  }
  EXPECT_EQ(order, (std::vector{critical.id, old.id, fresh.id}));
}

TEST_F(SchedulerTest, ScheduledTaskWaitsForItsTime) {
  start();
  auto pool = offer("noop", 1);
  auto receipt = submit("later", [&](task_spec& x) { x.scheduled_at = time() + 10s; });
  EXPECT_EQ(receipt.status, task_status::pending);
  auto why = ask<why_reply>(gateway_handle, why_request{receipt.id});
  EXPECT_EQ(why.kind, wait_kind::time);
  advance(9s);
  EXPECT_TRUE(take_assigned(pool).empty());
  advance(1s);
  EXPECT_EQ(take_assigned(pool).size(), 1u);
}

TEST_F(SchedulerTest, TaskWhoseTimeHadComeRunsAfterTheClockWasSetBack) {
  auto shift = 0s;
  std::optional<timestamp> due;
  scheduling.clock = [&] {
    auto shown = time() + shift;
    if (due && shown >= *due)
      shift = -3s; // it has come, and has not yet where the entry gets its time
    return shown;
  };
  start();
  auto pool = offer("noop", 1);
  submit("later", [&](task_spec& x) { x.scheduled_at = time() + 10s; });
  due = time() + 10s;
  advance(10s);
  ASSERT_EQ(shift, -3s);
  EXPECT_TRUE(take_assigned(pool).empty());
  advance(10s);
  EXPECT_EQ(take_assigned(pool).size(), 1u);
}

TEST_F(SchedulerTest, DeadlineCountsAfterTheClockHadBeenAheadOfItDuringAnAttempt) {
  auto shift = 0s;
  scheduling.clock = [&] { return time() + shift; };
  start();
  auto pool = offer("noop", 1);
  auto receipt = submit("in time", [&](task_spec& x) {
    x.deadline = time() + 60s;
    x.retry.max_attempts = 2;
  });
  auto assigned = take_assigned(pool);
  ASSERT_EQ(assigned.size(), 1u);
  shift = 100s;
  advance(6s);
  shift = 0s;
  submit("ahead", [](task_spec& x) { x.importance = priority::critical; });
  finish(assigned[0], violation::exception);
  EXPECT_EQ(take_assigned(pool).size(), 1u);
  EXPECT_EQ(status_of(receipt.id), task_status::retrying);
  advance(70s);
  EXPECT_EQ(status_of(receipt.id), task_status::failed);
}

TEST_F(SchedulerTest, ScheduledTaskBehindAFullTimerWindowStillRuns) {
  scheduling.timer_window = 4;
  start();
  auto pool = offer("noop", 100);
  for (int i = 20; i > 0; --i)
    submit("later", [&](task_spec& x) { x.scheduled_at = time() + std::chrono::seconds{i}; });
  size_t started = 0;
  for (int i = 0; i < 30; ++i) {
    advance(1s);
    started += take_assigned(pool).size();
  }
  EXPECT_EQ(started, 20u);
}

TEST_F(SchedulerTest, QueueLongerThanTheWindowDrainsInOrder) {
  scheduling.ready.window = 8;
  start();
  std::vector<task_id> submitted;
  for (int i = 0; i < 100; ++i)
    submitted.push_back(submit("task").id);
  auto pool = offer("noop", 3);
  std::vector<task_id> order;
  while (order.size() < submitted.size()) {
    auto assigned = take_assigned(pool);
    ASSERT_FALSE(assigned.empty());
    for (const auto& x : assigned) {
      order.push_back(x.task.spec->id);
      finish(x);
    }
  }
  EXPECT_EQ(order, submitted);
}

TEST_F(SchedulerTest, FailedAttemptIsRetriedAfterItsBackoff) {
  start();
  auto pool = offer("noop", 1);
  auto receipt = submit("flaky", [](task_spec& x) {
    x.retry.max_attempts = 3;
    x.retry.base = 2s;
    x.retry.jitter = 0;
    x.retry.backoff = backoff_kind::exponential;
  });
  finish(take_assigned(pool).at(0), violation::exception, "no luck");
  EXPECT_EQ(status_of(receipt.id), task_status::retrying);
  EXPECT_EQ(ask<why_reply>(gateway_handle, why_request{receipt.id}).kind, wait_kind::backoff);
  advance(1999ms);
  EXPECT_TRUE(take_assigned(pool).empty());
  advance(1ms);
  auto second = take_assigned(pool);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].fence.attempt, 2u);
  finish(second[0], violation::exception, "no luck");
  advance(4s);
  finish(take_assigned(pool).at(0), violation::exception, "none at all");
  auto record = get(receipt.id);
  EXPECT_EQ(record.state.status, task_status::failed);
  EXPECT_EQ(record.state.error.message, "none at all");
}

TEST_F(SchedulerTest, StaleAttemptCannotComplete) {
  start();
  auto pool = offer("noop", 1);
  auto receipt = submit("one", [](task_spec& x) { x.retry.max_attempts = 2; x.retry.base = 0ms; });
  auto first = take_assigned(pool).at(0);
  finish(first, violation::exception, "first");
  advance(1s);
  auto second = take_assigned(pool).at(0);
  finish(first); // the first one wakes up late and says that it completed
  EXPECT_EQ(status_of(receipt.id), task_status::running);
  finish(second, violation::exception, "second");
  EXPECT_EQ(status_of(receipt.id), task_status::failed);
}

TEST_F(SchedulerTest, LostAttemptsAreRetriedAtOnceUntilPoison) {
  scheduling.max_lost = 3;
  start();
  auto pool = offer("noop", 1);
  auto receipt = submit("deadly");
  for (int i = 0; i < 4; ++i) {
    auto assigned = take_assigned(pool);
    ASSERT_EQ(assigned.size(), 1u) << i;
    finish(assigned[0], violation::lost, "gone");
  }
  auto record = get(receipt.id);
  EXPECT_EQ(record.state.status, task_status::failed);
  EXPECT_EQ(record.state.error.kind, violation::poison);
  EXPECT_EQ(record.state.fence.attempt, 4u);
}

TEST_F(SchedulerTest, RunningTasksOfACrashedNodeAreLostAndRunAgain) {
  start();
  auto pool = offer("noop", 1);
  auto receipt = submit("one");
  EXPECT_EQ(take_assigned(pool).size(), 1u);
  crash(memory_store::survival::some, 7);
  start();
  pool = offer("noop", 1);
  auto again = take_assigned(pool);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].task.spec->id, receipt.id);
  EXPECT_EQ(again[0].fence.attempt, 2u);
  EXPECT_EQ(get(receipt.id).state.error.kind, violation::lost);
}

TEST_F(SchedulerTest, FinishedTaskNeverRunsAgainAfterACrash) {
  start();
  auto pool = offer("noop", 1);
  auto receipt = submit("one");
  finish(take_assigned(pool).at(0));
  EXPECT_EQ(status_of(receipt.id), task_status::completed);
  crash(memory_store::survival::none);
  start();
  pool = offer("noop", 1);
  advance(1min);
  EXPECT_TRUE(take_assigned(pool).empty());
  EXPECT_EQ(status_of(receipt.id), task_status::completed);
}

TEST_F(SchedulerTest, PoolThatDiesLosesItsAttempts) {
  start();
  auto pool = offer("noop", 1);
  submit("one");
  EXPECT_EQ(take_assigned(pool).size(), 1u);
  caf::anon_send_exit(pool, caf::exit_reason::kill);
  settle();
  auto other = offer("noop", 1);
  EXPECT_EQ(take_assigned(other).size(), 1u);
}

TEST_F(SchedulerTest, CancelOfARunningTaskStopsItsHandler) {
  start();
  auto pool = offer("noop", 1);
  auto receipt = submit("one", [](task_spec& x) { x.retry.max_attempts = 5; });
  auto assigned = take_assigned(pool).at(0);
  auto record = ask<task_record>(gateway_handle, cancel_request{receipt.id, "enough"});
  EXPECT_EQ(record.state.status, task_status::running);
  EXPECT_TRUE(record.state.cancel_requested);
  auto stops = take_stops(pool);
  ASSERT_EQ(stops.size(), 1u);
  EXPECT_EQ(stops[0].fence, assigned.fence);
  finish(assigned, violation::exception, "stopped");
  record = get(receipt.id);
  EXPECT_EQ(record.state.status, task_status::cancelled);
  EXPECT_EQ(record.state.cancel_reason, "enough");
}

TEST_F(SchedulerTest, CancelledTaskInTheQueueNeverStarts) {
  start();
  auto receipt = submit("one");
  ask<task_record>(gateway_handle, cancel_request{receipt.id, ""});
  auto pool = offer("noop", 1);
  EXPECT_TRUE(take_assigned(pool).empty());
  EXPECT_EQ(status_of(receipt.id), task_status::cancelled);
}

TEST_F(SchedulerTest, FinishedTaskCannotBeCancelled) {
  start();
  auto pool = offer("noop", 1);
  auto receipt = submit("one");
  finish(take_assigned(pool).at(0));
  failure fault;
  ask<task_record>(gateway_handle, cancel_request{receipt.id, ""}, &fault);
  EXPECT_EQ(fault.code, ec::conflict);
}

TEST_F(SchedulerTest, DeadlineInTheQueueFailsTheTask) {
  start();
  auto pool = offer("noop", 1);
  submit("takes the slot");
  auto receipt = submit("late", [&](task_spec& x) { x.deadline = time() + 5s; });
  advance(5s);
  auto record = get(receipt.id);
  EXPECT_EQ(record.state.status, task_status::failed);
  EXPECT_EQ(record.state.error.kind, violation::timeout);
}

TEST_F(SchedulerTest, DeadlineOfATypeThatNobodyServesIsRejected) {
  start();
  auto receipt = submit("late", [&](task_spec& x) {
    x.task_type = "nobody";
    x.deadline = time() + 5s;
  });
  EXPECT_EQ(ask<why_reply>(gateway_handle, why_request{receipt.id}).kind, wait_kind::handler_missing);
  advance(5s);
  EXPECT_EQ(get(receipt.id).state.error.kind, violation::rejected);
}

TEST_F(SchedulerTest, StoppedDispatchStartsNothingAndSurvivesARestart) {
  start();
  EXPECT_TRUE(ask<dispatch_reply>(gateway_handle, dispatch_request{false, false}).changed);
  EXPECT_FALSE(ask<dispatch_reply>(gateway_handle, dispatch_request{false, false}).changed);
  crash(memory_store::survival::none);
  start();
  auto pool = offer("noop", 1);
  auto receipt = submit("one");
  EXPECT_TRUE(take_assigned(pool).empty());
  EXPECT_EQ(ask<why_reply>(gateway_handle, why_request{receipt.id}).kind, wait_kind::pause);
  ask<dispatch_reply>(gateway_handle, dispatch_request{true, false});
  EXPECT_EQ(take_assigned(pool).size(), 1u);
}

TEST_F(SchedulerTest, StopWithNowCancelsWhatRuns) {
  start();
  auto pool = offer("noop", 2);
  auto one = submit("one");
  submit("two");
  ask<dispatch_reply>(gateway_handle, dispatch_request{false, true});
  EXPECT_EQ(take_stops(pool).size(), 2u);
  EXPECT_TRUE(get(one.id).state.cancel_requested);
}

TEST_F(SchedulerTest, WhySaysThatEverySlotIsTaken) {
  start();
  auto pool = offer("noop", 1);
  submit("one");
  submit("two");
  auto third = submit("three");
  auto why = ask<why_reply>(gateway_handle, why_request{third.id});
  EXPECT_EQ(why.kind, wait_kind::slot);
  EXPECT_EQ(why.data["slots"], "1");
  EXPECT_EQ(why.data["busy"], "1");
  EXPECT_EQ(why.data["ahead"], "1");
}

TEST_F(SchedulerTest, FinishedTasksAreRemovedAfterTheirRetention) {
  scheduling.retention = 60s;
  start();
  auto pool = offer("noop", 1);
  auto receipt = submit("one");
  finish(take_assigned(pool).at(0));
  advance(50s);
  EXPECT_EQ(status_of(receipt.id), task_status::completed);
  advance(11s);
  advance(10s);
  failure fault;
  ask<task_record>(gateway_handle, get_request{receipt.id}, &fault);
  EXPECT_EQ(fault.code, ec::not_found);
  EXPECT_EQ(ask<stats_reply>(gateway_handle, stats_request{}).completed, 1u) << "totals stay";
}

TEST_F(SchedulerTest, SlotSettingReachesThePoolAlsoAfterARestart) {
  start();
  auto pool = offer("noop", 1);
  ask<settings_reply>(gateway_handle, settings_request{{{"slots.noop", "7"}}});
  EXPECT_EQ(resized(pool), std::vector<uint32_t>{7});
  crash(memory_store::survival::none);
  start();
  EXPECT_EQ(resized(offer("noop", 1)), std::vector<uint32_t>{7});
}

TEST_F(SchedulerTest, RequeuedAttemptCountsNothing) {
  start();
  auto pool = offer("noop", 1);
  auto receipt = submit("one");
  auto assigned = take_assigned(pool).at(0);
  attempt_outcome back;
  back.id = receipt.id;
  back.fence = assigned.fence;
  back.kind = violation::lost;
  back.requeue = true;
  finish(back);
  EXPECT_EQ(take_assigned(pool).size(), 1u);
  EXPECT_EQ(get(receipt.id).state.lost_in_a_row, 0u);
  EXPECT_EQ(get(receipt.id).state.failures, 0u);
}

TEST_F(SchedulerTest, ClockThatGoesBackKeepsTheOrder) {
  auto shift = 0s;
  scheduling.clock = [&] { return time() + shift; };
  start();
  auto first = submit("one");
  shift = -3600s;
  auto second = submit("two");
  auto pool = offer("noop", 1);
  auto assigned = take_assigned(pool);
  ASSERT_EQ(assigned.size(), 1u);
  EXPECT_EQ(assigned[0].task.spec->id, first.id);
  finish(assigned[0]);
  EXPECT_EQ(take_assigned(pool).at(0).task.spec->id, second.id);
}

} // namespace overwatch::test
