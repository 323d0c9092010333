#include "messages/codec.hpp"
#include "tests/actors/played_events.hpp"
#include "tests/actors/played_generator.hpp"

#include <caf/event_based_actor.hpp>
#include <gmock/gmock.h>

using namespace std::chrono_literals;

namespace overwatch::test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// What the generator knows of partitions beside the control partition, and of types that it was not started with.
class GeneratorPartitionsTest : public played_generator {
protected:
  GeneratorPartitionsTest() {
    options.parse_task = [](const std::string& text) {
      auto task = played_task(text);
      auto spec = std::make_shared<task_spec>(*task->spec);
      spec->task_type = spec->name == "resize" ? "resize" : "noop";
      task->spec = std::move(spec);
      return task;
    };
  }

  std::vector<replica_actor> replicas() override {
    auto play = [this](caf::event_based_actor*) -> caf::behavior {
      return {[this](caf::subscribe_atom, const caf::strong_actor_ptr&) { ++subscribed; },
              [this](const stats_request&) { return there; }};
    };
    auto other = system_.spawn(play);
    spawned_.push_back(other);
    return {links.replica, caf::actor_cast<replica_actor>(other)};
  }

  void apply(const std::shared_ptr<applied_entry>& entry) {
    entry->time = time();
    caf::anon_send(links.generator, applied_ptr{entry});
    settle();
  }

  /// In partition 1.
  void fail_there(uint64_t index, uint64_t count = 1) {
    std::vector<task_change> changes;
    for (uint64_t i = 0; i < count; ++i)
      changes.push_back(change_of(100 * index + i, change_kind::ended, task_status::failed));
    apply(entry_of(1, index, std::move(changes)));
  }

  rule_record put(const std::string& name, const std::string& make, std::vector<event_kind> on = {}) {
    rule_definition x;
    x.make = make;
    x.on = std::move(on);
    return ask_generator<rule_record>(put_rule_request{name, x});
  }

  rule_record rule(const std::string& name) { return ask_generator<rule_record>(rule_request{name}); }

  void set(const std::string& key, const std::string& value) {
    ask<settings_reply>(gateway_handle, settings_request{{{key, value}}});
  }

  stats_reply there; ///< of partition 1
  int subscribed = 0;
};

TEST_F(GeneratorPartitionsTest, HearsEveryPartition) {
  start_generator();
  EXPECT_EQ(subscribed, 1);
  put("a", "help", {event_kind::task_failed});
  fail_there(7);
  ASSERT_THAT(judge->seen, SizeIs(1));
  EXPECT_EQ(judge->seen[0].event->kind, event_kind::task_failed);
  EXPECT_EQ(rule("a").created, 1u);
  EXPECT_EQ(to_string(rule("a").heard), "1.7.1");
}

TEST_F(GeneratorPartitionsTest, EventThatMadeARuleFireDoesNotDoSoAgainElsewhere) {
  start_generator();
  put("a", "help", {event_kind::task_failed});
  fail_there(7);
  fail_there(8);
  EXPECT_EQ(rule("a").fired, 2u);
  restart(); // where the replica of that partition is behind
  EXPECT_EQ(rule("a").fired, 2u);
  fail_there(7);
  fail_there(8);
  EXPECT_EQ(rule("a").fired, 2u);
  fail_there(9);
  EXPECT_EQ(rule("a").fired, 3u);
}

TEST_F(GeneratorPartitionsTest, OneOfSeveralEventsOfAnEntryIsToldFromTheOthers) {
  start_generator();
  put("a", "help", {event_kind::task_failed});
  fail_there(7, 3);
  EXPECT_EQ(rule("a").fired, 3u);
  restart();
  fail_there(7, 4);
  EXPECT_EQ(rule("a").fired, 4u) << "the last one is new";
}

TEST_F(GeneratorPartitionsTest, PartitionsDoNotHideEachOther) {
  start_generator();
  put("a", "help", {event_kind::task_failed});
  fail_there(1'000'000);
  auto pool = offer("noop", 2); // one for what the rule made
  submit("fragile");
  for (const auto& x : take_assigned(pool))
    finish(x, violation::exception, "broken");
  EXPECT_EQ(rule("a").fired, 2u);
}

TEST_F(GeneratorPartitionsTest, CopiesOfGatesAndSettingsAreNoEvents) {
  start_generator();
  put("a", "help", {event_kind::gate_closed, event_kind::dispatch_stopped});
  auto copy = entry_of(1, 7, {});
  copy->settings = {{"dispatch", "stopped"}, {"task_types.resize", "1"}};
  gate_record gate;
  gate.open = false;
  copy->documents = {{document_kind::gate, "deploy", 7, std::make_shared<const std::string>(encode(gate))}};
  apply(copy);
  EXPECT_THAT(judge->seen, IsEmpty());
  put("b", "one");
  ask_generator<submit_reply>(generate_request{});
  EXPECT_THAT(judge->seen.back().gates, IsEmpty());
}

TEST_F(GeneratorPartitionsTest, StatsAreThoseOfAllPartitions) {
  there.submitted = 40;
  there.counts = {{"noop", task_status::queued, priority::normal, 30},
                  {"noop", task_status::running, priority::low, 2}};
  start_generator();
  submit("waits");
  put("a", "one");
  generate();
  ASSERT_THAT(judge->seen, SizeIs(1));
  EXPECT_EQ(judge->seen[0].stats.at("submitted"), 41);
  EXPECT_EQ(judge->seen[0].stats.at("queue_depth"), 31);
  EXPECT_EQ(judge->seen[0].stats.at("running"), 2);
}

TEST_F(GeneratorPartitionsTest, FailuresOfTheLastMinuteMayComeInAnyOrder) {
  start_generator();
  put("a", "one");
  advance(100s);
  auto fail_at = [this](uint64_t index, milliseconds ago) {
    auto entry = entry_of(1, index, {change_of(index, change_kind::ended, task_status::failed)});
    entry->time = time() - ago;
    caf::anon_send(links.generator, applied_ptr{entry});
    settle();
  };
  fail_at(1, 10s);
  fail_at(2, 30s);
  fail_at(3, 90s); // of a replica that was far behind
  fail_at(4, 20s);
  generate();
  EXPECT_EQ(judge->seen.back().stats.at("failed_last_minute"), 3);
  advance(35s);
  generate();
  EXPECT_EQ(judge->seen.back().stats.at("failed_last_minute"), 2);
}

// -- types that only attached workers brought --------------------------------------

TEST_F(GeneratorPartitionsTest, RulesKnowTypesThatSettingsDeclare) {
  start_generator();
  put("a", "resize");
  generate();
  EXPECT_THAT(rule("a").error, HasSubstr("not a known task type"));
  set("task_types.resize", "1");
  auto receipts = generate();
  ASSERT_THAT(receipts, SizeIs(1));
  EXPECT_EQ(get(receipts[0].id).spec.task_type, "resize");
  restart();
  EXPECT_THAT(generate(), SizeIs(1)) << "also when the setting is older than the generator";
  set("task_types.resize", "");
  EXPECT_THAT(generate(), IsEmpty());
  EXPECT_THAT(rule("a").error, HasSubstr("not a known task type"));
}

TEST_F(GeneratorPartitionsTest, SchedulesKnowThemToo) {
  start_generator();
  schedule_definition x;
  x.interval = 10s;
  x.task = *options.parse_task("resize");
  EXPECT_EQ(refusal_of<schedule_record>(put_schedule_request{"a", x}).field, "/task/task_type");
  set("task_types.resize", "1");
  ask_generator<schedule_record>(put_schedule_request{"a", x});
  restart();
  advance(10s);
  EXPECT_EQ(submitted(), 1u);
}

} // namespace overwatch::test
