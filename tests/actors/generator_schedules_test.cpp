#include "tests/actors/played_generator.hpp"

#include <gmock/gmock.h>

#include <set>

using namespace std::chrono_literals;

namespace overwatch::test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Schedules as the generator drives them; what is due and what is missed is tested with `schedule_book`.
class GeneratorSchedulesTest : public played_generator {
protected:
  static schedule_definition every(milliseconds interval) {
    schedule_definition x;
    x.interval = interval;
    x.overlap = overlap_policy::allow;
    x.task = *played_task("task");
    x.task_json = "task";
    return x;
  }

  schedule_record put(const std::string& name, const schedule_definition& x) {
    return ask_generator<schedule_record>(put_schedule_request{name, x});
  }

  schedule_record schedule(const std::string& name) {
    return ask_generator<schedule_record>(schedule_request{name});
  }

  schedule_record control(const std::string& name, schedule_action action) {
    return ask_generator<schedule_record>(control_schedule_request{name, action});
  }

  void pass(std::chrono::seconds duration) {
    for (auto end = time() + duration; time() < end;)
      advance(1s);
  }

  /// Unique keys of all tasks: one per slot.
  std::vector<std::string> keys() {
    list_request request;
    request.limit = 1'000;
    ask<uint64_t>(links.replica, flush_request{});
    std::vector<std::string> result;
    for (const auto& x : ask<task_page>(gateway_handle, request).tasks)
      result.push_back(x.spec.unique_key);
    return result;
  }
};

TEST_F(GeneratorSchedulesTest, SlotsMakeTasks) {
  start_generator();
  auto record = put("a", every(10s));
  EXPECT_EQ(record.name, "a");
  pass(9s);
  EXPECT_EQ(submitted(), 0u);
  pass(1s);
  ASSERT_EQ(submitted(), 1u);
  auto task = get(schedule("a").last_task);
  EXPECT_EQ(task.spec.name, "task");
  EXPECT_EQ(task.spec.origin.kind, origin_kind::schedule);
  EXPECT_EQ(task.spec.origin.id, "a");
  pass(30s);
  EXPECT_EQ(submitted(), 4u);
  EXPECT_THAT(schedule("a").history, SizeIs(4));
}

TEST_F(GeneratorSchedulesTest, ASlotBetweenTwoLooksIsMetToTheMillisecond) {
  start_generator();
  auto x = every(1h);
  x.starts_at = time() + 7'500ms;
  put("a", x);
  advance(5s);
  advance(2'499ms);
  EXPECT_EQ(submitted(), 0u);
  advance(1ms);
  EXPECT_EQ(submitted(), 1u);
}

TEST_F(GeneratorSchedulesTest, NoSlotIsLostOrDoubledOverRestarts) {
  start_generator();
  auto x = every(10s);
  x.missed = missed_policy::all;
  put("a", x);
  for (int i = 0; i < 12; ++i) {
    pass(7s);
    crash(i % 2 == 0 ? memory_store::survival::none : memory_store::survival::some, static_cast<uint64_t>(i));
    coordinator_.clock().current_time += 3s; // no node runs
    start_generator();
  }
  auto made = keys();
  EXPECT_THAT(made, SizeIs(12));
  EXPECT_THAT(std::set<std::string>(made.begin(), made.end()), SizeIs(12));
}

TEST_F(GeneratorSchedulesTest, SlotThatCannotBeStoredIsTriedAgain) {
  start_generator();
  put("a", every(100s));
  pass(95s);
  db->fill_disk(true);
  pass(10s);
  EXPECT_EQ(submitted(), 0u);
  db->fill_disk(false);
  pass(15s);
  EXPECT_EQ(submitted(), 1u);
  EXPECT_THAT(keys(), SizeIs(1));
}

TEST_F(GeneratorSchedulesTest, OverlapWaitsForTheEndOfTheTask) {
  start_generator();
  auto pool = offer("noop", 1);
  auto x = every(10s);
  x.overlap = overlap_policy::queue;
  put("a", x);
  pass(20s);
  EXPECT_EQ(submitted(), 1u) << "the second slot waits";
  auto running = take_assigned(pool);
  ASSERT_THAT(running, SizeIs(1));
  finish(running.front());
  EXPECT_EQ(submitted(), 2u) << "at once";
}

TEST_F(GeneratorSchedulesTest, EndOfTheTaskIsSeenAfterARestart) {
  start_generator();
  auto pool = offer("noop", 1);
  auto x = every(10s);
  x.overlap = overlap_policy::skip;
  put("a", x);
  pass(10s);
  auto running = take_assigned(pool);
  ASSERT_THAT(running, SizeIs(1));
  finish(running.front());
  restart();
  pass(10s);
  EXPECT_EQ(submitted(), 2u);
  restart(); // the second task is unfinished
  pass(10s);
  EXPECT_EQ(submitted(), 2u);
  EXPECT_EQ(schedule("a").history.front().how, slot_outcome::skipped);
}

TEST_F(GeneratorSchedulesTest, PauseResumeAndRunNow) {
  start_generator();
  put("a", every(10s));
  EXPECT_TRUE(control("a", schedule_action::pause).definition.paused);
  pass(60s);
  EXPECT_EQ(submitted(), 0u);
  auto record = control("a", schedule_action::run_now);
  ASSERT_THAT(record.history, SizeIs(1));
  EXPECT_TRUE(record.history.front().by_hand);
  EXPECT_EQ(get(record.history.front().task).spec.origin.id, "a");
  EXPECT_FALSE(control("a", schedule_action::resume).definition.paused);
  pass(10s);
  EXPECT_EQ(submitted(), 2u);
}

TEST_F(GeneratorSchedulesTest, ListAndNextSlots) {
  start_generator();
  put("b", every(10s));
  put("a", every(60s));
  auto all = ask_generator<schedules_reply>(schedules_request{}).schedules;
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].name, "a");
  auto next = ask_generator<next_slots_reply>(next_slots_request{"b", 3}).slots;
  EXPECT_THAT(next, ElementsAre(time() + 10s, time() + 20s, time() + 30s));
  EXPECT_EQ(refusal_of<next_slots_reply>(next_slots_request{"b", 101}).code, ec::invalid);
  EXPECT_EQ(refusal_of<next_slots_reply>(next_slots_request{"nobody", 3}).code, ec::not_found);
}

TEST_F(GeneratorSchedulesTest, RemovedIsGone) {
  start_generator();
  put("a", every(10s));
  EXPECT_EQ(ask_generator<schedule_record>(remove_schedule_request{"a"}).name, "a");
  pass(60s);
  EXPECT_EQ(submitted(), 0u);
  EXPECT_EQ(refusal_of<schedule_record>(schedule_request{"a"}).code, ec::not_found);
  EXPECT_EQ(refusal_of<schedule_record>(remove_schedule_request{"a"}).code, ec::not_found);
  restart();
  EXPECT_THAT(ask_generator<schedules_reply>(schedules_request{}).schedules, IsEmpty());
}

TEST_F(GeneratorSchedulesTest, WhatCannotWorkIsRefused) {
  start_generator();
  auto x = every(10s);
  auto spec = std::make_shared<task_spec>(*x.task.spec);
  spec->task_type = "nobody knows it";
  x.task.spec = spec;
  EXPECT_EQ(refusal_of<schedule_record>(put_schedule_request{"a", x}).field, "/task/task_type");
  x.task.spec = nullptr;
  EXPECT_EQ(refusal_of<schedule_record>(put_schedule_request{"a", x}).field, "/task");
  EXPECT_EQ(refusal_of<schedule_record>(put_schedule_request{"a", every(1ms)}).field, "/interval");
  EXPECT_EQ(refusal_of<schedule_record>(control_schedule_request{"a", schedule_action::pause}).code, ec::not_found);
}

TEST_F(GeneratorSchedulesTest, ATypeThatIsGoneIsNotedOnTheSlot) {
  start_generator();
  put("a", every(10s));
  options.task_types = {"other"};
  restart();
  pass(10s);
  EXPECT_EQ(submitted(), 0u);
  auto record = schedule("a");
  ASSERT_THAT(record.history, SizeIs(1));
  EXPECT_EQ(record.history.front().how, slot_outcome::refused);
  EXPECT_THAT(record.history.front().note, ::testing::HasSubstr("not a known task type"));
}

TEST_F(GeneratorSchedulesTest, ChangesOfOneScheduleFollowEachOther) {
  start_generator();
  put("a", every(10s));
  // All at once: each waits for the one before.
  for (int i = 0; i < 5; ++i)
    caf::anon_send(links.generator, control_schedule_request{"a", schedule_action::run_now});
  settle();
  EXPECT_THAT(schedule("a").history, SizeIs(5));
}

TEST_F(GeneratorSchedulesTest, ManySchedulesAreDueAtOnce) {
  start_generator();
  constexpr size_t count = 3 * max_changes_under_way;
  for (size_t i = 0; i < count; ++i)
    put("s" + std::to_string(i), every(60s));
  pass(60s);
  EXPECT_EQ(submitted(), count);
  pass(60s);
  EXPECT_EQ(submitted(), 2 * count);
}

TEST_F(GeneratorSchedulesTest, ClockThatWasSetForwardIsNoticed) {
  auto ahead = 0s;
  options.clock = [this, &ahead] { return time() + ahead; };
  start_generator();
  put("a", every(1h));
  ahead = 2h;
  advance(slot_check_interval);
  EXPECT_EQ(submitted(), 1u);
}

} // namespace overwatch::test
