#include "tests/actors/played_generator.hpp"

#include <gmock/gmock.h>

using namespace std::chrono_literals;

namespace overwatch::test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Rules: when they fire, and what clients do with them.
class GeneratorRulesTest : public played_generator {
protected:
  static rule_definition makes(std::string text) {
    rule_definition x;
    x.make = std::move(text);
    return x;
  }

  rule_record put(const std::string& name, rule_definition x) {
    return ask_generator<rule_record>(put_rule_request{name, std::move(x)});
  }

  rule_record rule(const std::string& name) { return ask_generator<rule_record>(rule_request{name}); }

  test_rule_reply test(const std::string& name, std::optional<rule_definition> x = {}) {
    return ask_generator<test_rule_reply>(test_rule_request{name, std::move(x)});
  }

  /// Runs a task of type noop until it has failed.
  void fail_a_task(const std::string& name) {
    auto pool = offer("noop", 1);
    submit(name);
    settle();
    for (const auto& x : take_assigned(pool))
      finish(x, violation::exception, "broken");
  }
};

// -- when it fires -------------------------------------------------------------

TEST_F(GeneratorRulesTest, ForAndCooldownAreKept) {
  options.interval = 10s;
  start_generator();
  auto x = makes("task");
  x.holds_for = 20s;
  x.cooldown = 60s;
  put("a", x);
  std::vector<uint64_t> created;
  for (int i = 0; i < 12; ++i) {
    advance(10s);
    created.push_back(submitted());
  }
  EXPECT_THAT(created, ElementsAre(0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2));
}

TEST_F(GeneratorRulesTest, CooldownHoldsOverARestart) {
  start_generator();
  auto x = makes("task");
  x.cooldown = 100s;
  put("a", x);
  EXPECT_THAT(generate(), SizeIs(1));
  auto before = rule("a");
  restart();
  EXPECT_EQ(rule("a").fired_at, before.fired_at);
  EXPECT_EQ(rule("a").tasks, before.tasks);
  advance(99s);
  EXPECT_THAT(generate(), IsEmpty());
  advance(1s);
  EXPECT_THAT(generate(), SizeIs(1));
  EXPECT_EQ(rule("a").fired, 2u);
}

TEST_F(GeneratorRulesTest, TasksOfOneFiringAreAllOrNone) {
  start_generator();
  judge->templates["several"] = {true, {"one", "bad", "three"}, {}, {}};
  put("a", makes("several"));
  EXPECT_THAT(generate(), IsEmpty());
  EXPECT_EQ(rule("a").error, "task 2: /timeout: expected a number");
  EXPECT_EQ(rule("a").fired, 0u);
  judge->templates["several"].tasks = {"one", "two", "three"};
  EXPECT_THAT(generate(), SizeIs(3));
  EXPECT_THAT(rule("a").error, IsEmpty());
  EXPECT_EQ(rule("a").created, 3u);
}

TEST_F(GeneratorRulesTest, NoTaskIsNoFiring) {
  start_generator();
  judge->templates["none"] = {true, {}, {}, {}};
  put("a", makes("none"));
  EXPECT_THAT(generate(), IsEmpty());
  EXPECT_EQ(rule("a").fired, 0u);
}

TEST_F(GeneratorRulesTest, AnErrorIsShownAndStopsNoOther) {
  start_generator();
  judge->conditions["breaks"] = {false, {}, "condition:1: no", {}};
  auto x = makes("one");
  x.condition = "breaks";
  put("a", x);
  put("b", makes("two"));
  EXPECT_THAT(generate(), SizeIs(1));
  EXPECT_EQ(rule("a").error, "condition:1: no");
  EXPECT_EQ(rule("a").failed_at, time());
  restart();
  EXPECT_EQ(rule("a").error, "condition:1: no");
  judge->conditions.clear();
  EXPECT_THAT(generate(), SizeIs(2));
  EXPECT_THAT(rule("a").error, IsEmpty());
}

TEST_F(GeneratorRulesTest, LookingWritesNothing) {
  start_generator();
  judge->conditions["never"] = {false, {}, {}, {}};
  auto x = makes("one");
  x.condition = "never";
  put("a", x);
  auto before = ask<stats_reply>(gateway_handle, stats_request{}).applied;
  for (int i = 0; i < 5; ++i)
    generate();
  EXPECT_EQ(ask<stats_reply>(gateway_handle, stats_request{}).applied, before);
  EXPECT_TRUE(rule("a").judged_at);
}

TEST_F(GeneratorRulesTest, ChunksSeeTheNode) {
  options.sample = [] { return std::map<std::string, double>{{"cpu_percent", 42}}; };
  start_generator();
  auto pool = offer("noop", 1);
  submit("runs");
  submit("waits");
  fail_a_task("fails");
  gate_record closed;
  closed.name = "deploy";
  closed.open = false;
  propose_request declare;
  declare.commands.emplace_back(put_command{document_kind::gate, "deploy", encode(closed), {}});
  ask<propose_reply>(links.scheduler, declare);
  put("a", makes("one"));
  advance(90s);
  generate();
  ASSERT_THAT(judge->seen, SizeIs(1));
  const auto& x = judge->seen.front();
  EXPECT_EQ(x.now, time());
  EXPECT_EQ(x.node, "here");
  EXPECT_EQ(x.uptime, 90s);
  EXPECT_EQ(x.metrics.at("cpu_percent"), 42);
  EXPECT_EQ(x.stats.at("submitted"), 3);
  EXPECT_EQ(x.stats.at("running"), 2) << "the second pool took one";
  EXPECT_EQ(x.stats.at("queue_depth"), 0);
  EXPECT_EQ(x.stats.at("failed"), 1);
  EXPECT_EQ(x.stats.at("failed_last_minute"), 0) << "that was 90 s ago";
  EXPECT_FALSE(x.gates.at("deploy"));
  EXPECT_FALSE(x.event);
  restart();
  generate();
  EXPECT_FALSE(judge->seen.back().gates.at("deploy"));
}

// -- events --------------------------------------------------------------------

TEST_F(GeneratorRulesTest, EventMakesItFire) {
  start_generator();
  auto x = makes("help");
  x.on = {event_kind::task_failed};
  put("a", x);
  fail_a_task("fragile");
  ASSERT_THAT(judge->seen, SizeIs(1));
  const auto& event = judge->seen.front().event;
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, event_kind::task_failed);
  EXPECT_EQ(event->task_name, "fragile");
  EXPECT_EQ(event->task_type, "noop");
  EXPECT_EQ(event->task_status, "failed");
  EXPECT_EQ(event->error, "broken");
  EXPECT_EQ(event->origin, "api:");
  EXPECT_EQ(judge->seen.front().stats.at("failed_last_minute"), 1);
  EXPECT_EQ(rule("a").created, 1u);
}

TEST_F(GeneratorRulesTest, ARuleDoesNotMakeItselfFire) {
  start_generator();
  auto x = makes("again");
  x.on = {event_kind::task_created};
  put("a", x);
  submit("first");
  EXPECT_EQ(submitted(), 2u);
  EXPECT_THAT(judge->judged, ElementsAre("a"));
}

TEST_F(GeneratorRulesTest, RulesThatMakeEachOtherFireAreStopped) {
  start_generator();
  auto x = makes("again");
  x.on = {event_kind::task_created};
  put("a", x);
  put("b", x);
  submit("first");
  EXPECT_LE(submitted(), 1 + 2 * max_event_firings);
  EXPECT_THAT(rule("a").error + rule("b").error, HasSubstr("events make it fire more than 60 times a minute"));
}

TEST_F(GeneratorRulesTest, EventsThatCannotWaitAreCounted) {
  start_generator();
  judge->conditions["never"] = {false, {}, {}, {}};
  auto x = makes("help");
  x.condition = "never";
  x.on = {event_kind::task_created};
  put("a", x);
  submit_request many;
  for (int i = 0; i < 100; ++i)
    many.tasks.push_back(*played_task("t" + std::to_string(i)));
  ask<submit_reply>(gateway_handle, many);
  ASSERT_THAT(judge->seen, SizeIs(max_waiting_events));
  uint64_t count = 0;
  for (const auto& seen : judge->seen)
    count += seen.event->count;
  EXPECT_EQ(count, 100u);
  EXPECT_EQ(judge->seen.back().event->task_name, "t99") << "the newest one stands for those";
}

TEST_F(GeneratorRulesTest, GateIsAnEvent) {
  start_generator();
  auto x = makes("help");
  x.on = {event_kind::gate_closed};
  put("a", x);
  gate_record gate;
  gate.name = "deploy";
  for (bool open : {true, false, false, true}) {
    gate.open = open;
    gate.history = {{time(), open, "me", "storm"}};
    propose_request change;
    change.commands.emplace_back(put_command{document_kind::gate, "deploy", encode(gate), {}});
    ask<propose_reply>(links.scheduler, change);
  }
  ASSERT_THAT(judge->seen, SizeIs(1)) << "it was closed once";
  EXPECT_EQ(judge->seen.front().event->message, "deploy: storm");
}

// -- what clients ask for --------------------------------------------------------

TEST_F(GeneratorRulesTest, PutIsDurable) {
  start_generator();
  auto x = makes("one");
  x.description = "mine";
  x.cooldown = 5s;
  x.on = {event_kind::task_failed};
  EXPECT_EQ(put("a", x).name, "a");
  restart();
  auto stored = rule("a");
  EXPECT_EQ(stored.definition.description, "mine");
  EXPECT_EQ(stored.definition.cooldown, 5s);
  EXPECT_THAT(stored.definition.on, ElementsAre(event_kind::task_failed));
  EXPECT_EQ(ask_generator<rule_record>(remove_rule_request{"a"}).name, "a");
  restart();
  EXPECT_THAT(ask_generator<rules_reply>(rules_request{}).rules, IsEmpty());
  EXPECT_EQ(refusal_of<rule_record>(rule_request{"a"}).code, ec::not_found);
  EXPECT_EQ(refusal_of<rule_record>(remove_rule_request{"a"}).code, ec::not_found);
}

TEST_F(GeneratorRulesTest, WhatCannotWorkIsRefused) {
  start_generator();
  auto fault = refusal_of<rule_record>(put_rule_request{"a", makes("no lua")});
  EXPECT_EQ(fault.field, "/make");
  EXPECT_EQ(fault.message, "make:1: syntax error");
  rule_definition fixed;
  fixed.task_json = "bad";
  EXPECT_EQ(refusal_of<rule_record>(put_rule_request{"a", fixed}).field, "/task/timeout");
  EXPECT_EQ(refusal_of<rule_record>(put_rule_request{"a", {}}).field, "/task");
  EXPECT_EQ(refusal_of<rule_record>(put_rule_request{"a/b", makes("x")}).field, "/name");
  EXPECT_THAT(ask_generator<rules_reply>(rules_request{}).rules, IsEmpty());
}

TEST_F(GeneratorRulesTest, PutThatIsStoredLateIsSeenThen) {
  start_generator();
  put("a", makes("one"));
  db->fill_disk(true);
  auto answer = self_->request(links.generator, caf::infinite, put_rule_request{"a", makes("two")});
  settle();
  advance(31s);
  auto refused = false;
  answer.receive([](const rule_record&) {},
                 [&](const caf::error& error) { refused = describe(error).code == ec::timed_out; });
  EXPECT_TRUE(refused) << "nobody knows whether it will be stored";
  EXPECT_EQ(rule("a").definition.make, "one");
  db->fill_disk(false);
  advance(5s);
  EXPECT_EQ(rule("a").definition.make, "two");
  EXPECT_EQ(put("a", makes("three")).definition.make, "three");
}

TEST_F(GeneratorRulesTest, DryRunCreatesNothing) {
  start_generator();
  auto x = makes("one");
  x.holds_for = 60s;
  put("a", x);
  judge->templates["one"] = {true, {"one"}, {}, {"hello"}};
  auto reply = test("a");
  EXPECT_TRUE(reply.holds);
  EXPECT_FALSE(reply.would_fire);
  EXPECT_EQ(reply.why, "its condition has held for 0 s; it fires after 60 s");
  EXPECT_THAT(reply.tasks, ElementsAre("one"));
  EXPECT_THAT(reply.printed, ElementsAre("hello"));
  EXPECT_EQ(submitted(), 0u);
  EXPECT_FALSE(rule("a").judged_at) << "it leaves no trace on the rule";
  EXPECT_TRUE(test("", makes("other")).would_fire);
  EXPECT_TRUE(test("a", makes("other")).would_fire);
  EXPECT_EQ(rule("a").definition.make, "one");
  judge->conditions["never"] = {false, {}, {}, {}};
  x.condition = "never";
  EXPECT_THAT(test("", x).tasks, IsEmpty());
  EXPECT_EQ(test("", x).why, "its condition does not hold");
  judge->templates["breaks"] = {true, {}, "make:3: no", {}};
  EXPECT_EQ(test("", makes("breaks")).error, "make:3: no");
  EXPECT_EQ(refusal_of<test_rule_reply>(test_rule_request{"nobody", {}}).code, ec::not_found);
  EXPECT_EQ(refusal_of<test_rule_reply>(test_rule_request{"", rule_definition{}}).field, "/task");
}

} // namespace overwatch::test
