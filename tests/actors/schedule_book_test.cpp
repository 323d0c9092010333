#include "tests/actors/played_schedules.hpp"

using namespace std::chrono_literals;

namespace overwatch {

using namespace schedule_test;

class ScheduleBookTest : public played_schedules {};

// -- what people ask for -------------------------------------------------------

TEST_F(ScheduleBookTest, FaultsNameTheField) {
  auto fault = [&](auto change) {
    auto definition = each(1s);
    change(definition);
    return fault_of(book.put("a", definition, now));
  };
  EXPECT_EQ(fault([](auto& x) { x.interval = 999ms; }).field, "/interval");
  EXPECT_EQ(fault([](auto& x) { x.interval = milliseconds{24h * 4000}; }).field, "/interval");
  EXPECT_EQ(fault([](auto& x) { x.interval = -1s; }).field, "/interval");
  EXPECT_EQ(fault([](auto& x) { x.interval = 0s; }).message, "a schedule needs `cron` or `interval`");
  EXPECT_EQ(fault([](auto& x) { x.cron = "* * * * *"; }).message, "give either `cron` or `interval`, not both");
  EXPECT_EQ(fault([](auto& x) { x.time_zone = "Europe/Berln"; }).field, "/time_zone");
  EXPECT_EQ(fault([](auto& x) { x.starts_at = start, x.ends_at = start; }).field, "/ends_at");
  EXPECT_EQ(fault([](auto& x) { x.task = {}; }).field, "/task");
  EXPECT_EQ(fault([](auto& x) { x.interval = 0s, x.cron = "61 * * * *"; }).field, "/cron");
  EXPECT_EQ(fault_of(book.put("a/b", each(1s), now)).field, "/name");
  EXPECT_EQ(fault_of(book.put("", each(1s), now)).field, "/name");
  EXPECT_EQ(fault_of(book.put(std::string(201, 'x'), each(1s), now)).field, "/name");
  EXPECT_TRUE(book.put(std::string(200, 'x'), each(1s), now));
  EXPECT_TRUE(book.list().empty()) << "nothing of it is durable";
}

TEST_F(ScheduleBookTest, UnknownSchedulesAreNotFound) {
  EXPECT_EQ(fault_of(book.remove("a")).code, ec::not_found);
  EXPECT_EQ(fault_of(book.pause("a")).code, ec::not_found);
  EXPECT_EQ(fault_of(book.resume("a", now)).code, ec::not_found);
  EXPECT_EQ(fault_of(book.run_now("a", now)).code, ec::not_found);
  EXPECT_EQ(fault_of(book.next_slots("a", 1, now)).code, ec::not_found);
}

TEST_F(ScheduleBookTest, OneChangeAtATime) {
  auto first = book.put("a", each(1s), now);
  ASSERT_TRUE(first);
  EXPECT_TRUE(book.busy("a"));
  EXPECT_EQ(book.find("a"), nullptr);
  EXPECT_EQ(fault_of(book.put("a", each(1s), now)).code, ec::conflict);
  commit(*first);
  EXPECT_FALSE(book.busy("a"));
  ASSERT_TRUE(book.pause("a"));
  EXPECT_EQ(fault_of(book.run_now("a", now)).code, ec::conflict);
  EXPECT_FALSE(book.next_due());
}

TEST_F(ScheduleBookTest, TaskOfASlotIsComplete) {
  auto definition = each(10s);
  auto spec = std::make_shared<task_spec>(*definition.task.spec);
  spec->tags = {"t"};
  spec->deadline = start + 5s;
  spec->unique_key = "mine";
  definition.task.spec = spec;
  put("a", definition);
  ASSERT_EQ(arrive(start + 12s), slots{10});
  const auto& task = *tasks.at(0).spec;
  EXPECT_FALSE(task.id.is_nil());
  EXPECT_EQ(task.name, "tick");
  EXPECT_EQ(task.tags, std::vector<std::string>{"t"});
  EXPECT_EQ(task.scheduled_at, start + 10s);
  EXPECT_EQ(task.created_at, start + 12s);
  EXPECT_EQ(task.deadline, start + 12s + 5s);
  EXPECT_EQ(task.unique_key, "schedule:a:1800000010000000");
  EXPECT_EQ(task.origin.kind, origin_kind::schedule);
  EXPECT_EQ(task.origin.id, "a");
  EXPECT_EQ(*tasks[0].payload, "{\"n\":1}");
}

TEST_F(ScheduleBookTest, DeadlineThatHasPassedIsRefused) {
  auto definition = each(10s);
  auto spec = std::make_shared<task_spec>(*definition.task.spec);
  spec->deadline = start;
  definition.task.spec = spec;
  EXPECT_EQ(fault_of(book.put("a", definition, now)).field, "/task/deadline");
}

TEST_F(ScheduleBookTest, ReplacingKeepsHistoryAndDoesNotMakeUpForWhatPassed) {
  auto definition = each(10s);
  definition.overlap = overlap_policy::allow;
  put("a", definition);
  arrive(start + 10s);
  now = start + 35s;
  definition.interval = 20s;
  put("a", definition);
  EXPECT_EQ(record().history.size(), 1u);
  EXPECT_EQ(record().created_at, start);
  EXPECT_EQ(run(start + 60s), (slots{40, 60}));
}

TEST_F(ScheduleBookTest, RemovedIsGone) {
  put("a", each(10s));
  auto change = book.remove("a");
  ASSERT_TRUE(change);
  EXPECT_FALSE(change->record);
  EXPECT_NE(book.find("a"), nullptr) << "not durable yet";
  commit(*change);
  EXPECT_EQ(book.find("a"), nullptr);
  EXPECT_FALSE(book.next_due());
}

TEST_F(ScheduleBookTest, SlotsOfAPauseAreLeftOut) {
  auto definition = each(10s);
  definition.missed = missed_policy::all;
  definition.overlap = overlap_policy::allow;
  put("a", definition);
  EXPECT_EQ(run(start + 10s), slots{10});
  commit(*book.pause("a"));
  EXPECT_FALSE(record().next);
  EXPECT_EQ(run(start + 45s), slots{});
  commit(*book.resume("a", now));
  EXPECT_EQ(record().next, start + 50s);
  EXPECT_EQ(run(start + 60s), (slots{50, 60}));
}

TEST_F(ScheduleBookTest, ResumeOfWhatIsNotPausedLeavesNothingOut) {
  put("a", each(10s));
  now = start + 15s;
  commit(*book.resume("a", now));
  EXPECT_EQ(arrive(now), slots{10});
}

TEST_F(ScheduleBookTest, RunNowLeavesTheSlotsAlone) {
  put("a", each(10s));
  EXPECT_EQ(run(start + 10s), slots{10});
  now = start + 14s;
  auto change = book.run_now("a", now);
  ASSERT_TRUE(change);
  ASSERT_EQ(change->tasks.size(), 1u) << "though the task before is unfinished";
  EXPECT_EQ(change->tasks[0].spec->unique_key, "schedule:a:hand-1800000014000000");
  commit(*change);
  EXPECT_TRUE(record().history.front().by_hand);
  EXPECT_EQ(record().history.front().task, change->tasks[0].spec->id);
  EXPECT_EQ(record().next, start + 20s);
  EXPECT_EQ(record().last_task, tasks[0].spec->id);
}

// -- slots ---------------------------------------------------------------------

TEST_F(ScheduleBookTest, IntervalsAreMultiplesAfterTheirStart) {
  auto definition = each(10s);
  definition.overlap = overlap_policy::allow;
  put("created", definition);
  definition.starts_at = start - 3s;
  definition.ends_at = start + 27s;
  put("past", definition);
  definition.starts_at = start + 15s;
  definition.ends_at = start + 36s;
  put("future", definition);
  EXPECT_EQ(run(start + 40s), (slots{7, 10, 15, 17, 20, 25, 30, 35, 40}));
  EXPECT_FALSE(record("past").next);
  EXPECT_FALSE(record("future").next);
  EXPECT_EQ(record("created").next, start + 50s);
}

TEST_F(ScheduleBookTest, CronObeysStartEndAndZone) {
  auto definition = at("0 12 * * *");
  definition.time_zone = "Europe/Berlin";
  definition.starts_at = start + 24h;
  definition.ends_at = start + 24h * 4;
  definition.overlap = overlap_policy::allow;
  put("a", definition);
  EXPECT_EQ(*book.next_slots("a", 10, now),
            (std::vector<timestamp>{start + 27h, start + 24h * 2 + 3h, start + 24h * 3 + 3h}));
  EXPECT_EQ(run(start + 24h * 10).size(), 3u);
}

TEST_F(ScheduleBookTest, NextSlotsOfAPausedOneAreThoseAsIfItWentOn) {
  put("a", each(10s));
  commit(*book.pause("a"));
  EXPECT_EQ(*book.next_slots("a", 2, start + 25s), (std::vector<timestamp>{start + 30s, start + 40s}));
}

TEST_F(ScheduleBookTest, EarliestOfManyIsDue) {
  for (int i = 500; i > 0; --i)
    put("s" + std::to_string(i), each(1s * i));
  EXPECT_EQ(book.next_due(), start + 1s);
  EXPECT_EQ(book.take_due(start + 3s, 2).size(), 2u);
  EXPECT_EQ(book.take_due(start + 3s, 2).size(), 1u);
  EXPECT_EQ(book.next_due(), start + 4s);
}

// -- missed --------------------------------------------------------------------

TEST_F(ScheduleBookTest, MissedOnceMakesTheNewest) {
  put("a", each(10s));
  EXPECT_EQ(arrive(start + 1005s), slots{1000});
  ASSERT_EQ(record().history.size(), 2u);
  EXPECT_EQ(record().history[1].how, slot_outcome::missed);
  EXPECT_EQ(record().history[1].count, 99u);
  EXPECT_EQ(record().history[1].time, start + 990s);
  EXPECT_EQ(record().next, start + 1010s);
}

TEST_F(ScheduleBookTest, MissedSkipMakesOnlyWhatIsNotLate) {
  auto definition = each(100s);
  definition.missed = missed_policy::skip;
  definition.overlap = overlap_policy::allow;
  put("a", definition);
  EXPECT_EQ(arrive(start + 361s), slots{}) << "a minute and a second late";
  EXPECT_EQ(record().history.at(0).count, 3u);
  EXPECT_EQ(arrive(start + 460s), slots{400});
  EXPECT_EQ(arrive(start + 650s), slots{600});
}

TEST_F(ScheduleBookTest, MissedAllMakesAllUpToALimit) {
  auto definition = each(10s);
  definition.missed = missed_policy::all;
  definition.overlap = overlap_policy::allow;
  put("a", definition);
  EXPECT_EQ(arrive(start + 45s), (slots{10, 20, 30, 40}));
  now = start + 10s * 3000;
  auto first = book.take_due(now, 10);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].tasks.size(), max_tasks_per_change);
  EXPECT_EQ(first[0].tasks[0].spec->scheduled_at, start + 10s * 2001);
  commit(first[0]);
  auto rest = arrive(now);
  EXPECT_EQ(rest.size(), max_missed_slots - max_tasks_per_change);
  EXPECT_EQ(rest.back(), 30'000);
}

TEST_F(ScheduleBookTest, AYearOfMissedSecondsIsNotWalkedThrough) {
  put("a", at("* * 7 * * *"));
  EXPECT_EQ(arrive(start + 24h * 365), slots{(24h * 365 - 1s) / 1s}); // 08:00:00: the last one was at 07:59:59
  auto definition = at("* * * * * *");
  definition.missed = missed_policy::all;
  definition.overlap = overlap_policy::allow;
  put("b", definition);
  auto made = arrive(now + 24h * 365);
  ASSERT_EQ(made.size(), max_missed_slots);
  EXPECT_EQ(made.back(), (24h * 730) / 1s);
  EXPECT_EQ(record("b").history.back().how, slot_outcome::submitted);
}

// -- overlap -------------------------------------------------------------------

TEST_F(ScheduleBookTest, SkipLeavesOutWhileTheTaskIsUnfinished) {
  put("a", each(10s));
  EXPECT_EQ(run(start + 40s), slots{10});
  EXPECT_EQ(record().history.at(0).how, slot_outcome::skipped);
  EXPECT_EQ(record().history.at(0).count, 3u) << "gathered";
  EXPECT_FALSE(book.task_ended(tasks.at(0).spec->id)) << "nothing waits";
  EXPECT_EQ(run(start + 60s), slots{50});
}

TEST_F(ScheduleBookTest, QueueSubmitsOneAfterTheOther) {
  auto definition = each(10s);
  definition.overlap = overlap_policy::queue;
  put("a", definition);
  EXPECT_EQ(run(start + 35s), slots{10});
  EXPECT_EQ(record().queued.size(), 2u);
  EXPECT_EQ(record().history.at(0).how, slot_outcome::waiting);
  EXPECT_TRUE(book.task_ended(tasks.at(0).spec->id));
  EXPECT_EQ(arrive(now), slots{20});
  EXPECT_EQ(record().history.at(1).how, slot_outcome::submitted);
  EXPECT_EQ(arrive(now), slots{}) << "the next one has to wait";
  EXPECT_TRUE(book.task_ended(tasks.at(1).spec->id));
  EXPECT_EQ(arrive(now), slots{30});
  EXPECT_FALSE(book.task_ended(tasks.at(2).spec->id));
  EXPECT_EQ(run(start + 45s), slots{40});
}

TEST_F(ScheduleBookTest, QueueIsBounded) {
  auto definition = each(1s);
  definition.overlap = overlap_policy::queue;
  put("a", definition);
  run(start + 110s);
  EXPECT_EQ(record().queued.size(), max_queued_slots);
  EXPECT_EQ(record().history.at(0).how, slot_outcome::skipped);
  EXPECT_EQ(record().history.at(0).count, 9u);
  EXPECT_EQ(record().history.at(0).note, "100 slots wait already");
}

TEST_F(ScheduleBookTest, PauseHoldsWhatWaits) {
  auto definition = each(10s);
  definition.overlap = overlap_policy::queue;
  put("a", definition);
  run(start + 20s);
  commit(*book.pause("a"));
  EXPECT_FALSE(book.task_ended(tasks.at(0).spec->id));
  EXPECT_EQ(arrive(start + 35s), slots{});
  commit(*book.resume("a", now));
  EXPECT_EQ(arrive(now), slots{20});
}

TEST_F(ScheduleBookTest, AnotherPolicyEndsTheWaiting) {
  auto definition = each(10s);
  definition.overlap = overlap_policy::queue;
  put("a", definition);
  run(start + 20s);
  definition.overlap = overlap_policy::allow;
  put("a", definition);
  EXPECT_TRUE(record().queued.empty());
  EXPECT_EQ(record().history.at(0).how, slot_outcome::skipped);
  EXPECT_EQ(run(start + 40s), (slots{30, 40}));
}

TEST_F(ScheduleBookTest, TaskMayEndBeforeItsChangeIsKnownToBeApplied) {
  put("a", each(10s));
  now = start + 10s;
  auto change = book.take_due(now, 1).at(0);
  book.task_ended(change.tasks.at(0).spec->id);
  commit(change);
  EXPECT_EQ(run(start + 20s), slots{20});
}

TEST_F(ScheduleBookTest, TaskWithACachedResultHasEndedAlready) {
  put("a", each(10s));
  now = start + 10s;
  auto change = book.take_due(now, 1).at(0);
  auto results = accepted(change);
  results[0].status = task_status::completed;
  book.committed(change, results);
  EXPECT_EQ(run(start + 20s), slots{20});
}

} // namespace overwatch
