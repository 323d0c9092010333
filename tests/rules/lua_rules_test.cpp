#include "runtime/rules/default_rules.hpp"
#include "runtime/rules/lua_rules.hpp"

#include <gmock/gmock.h>

namespace overwatch::test {

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

rule_inputs some_inputs() {
  rule_inputs x;
  x.now = timestamp{std::chrono::seconds{1'795'000'000}};
  x.node = "here";
  x.uptime = std::chrono::hours{25};
  x.metrics = {{"cpu_percent", 91.5}, {"memory_percent", 50}};
  x.stats = {{"queue_depth", 7}};
  x.gates = {{"deploy", false}};
  return x;
}

rule_record rule_with(std::string condition, std::string make = "return nil") {
  rule_record x;
  x.name = "mine";
  x.definition.condition = std::move(condition);
  x.definition.make = std::move(make);
  return x;
}

rule_answer condition(const std::string& text, const rule_inputs& inputs = some_inputs()) {
  return make_lua_judge()->condition(rule_with(text), inputs);
}

rule_answer make(const std::string& text, const rule_inputs& inputs = some_inputs()) {
  return make_lua_judge()->make(rule_with("", text), inputs);
}

} // namespace

TEST(LuaRulesTest, ConditionSeesItsInputs) {
  for (const auto* text :
       {"metrics.cpu_percent > 90 and metrics.memory_percent == 50", "stats.queue_depth == 7", "gates.deploy == false",
        "gates.other == nil", "#alerts == 0", "event == nil", "node == 'here'", "uptime > 24 * 3600",
        "now == 1795000000", "rule.name == 'mine' and rule.fired_at == nil",
        "math.type(stats.queue_depth) == 'integer'",
        "local d = date(now) return d.year == 2026", ""})
    EXPECT_TRUE(condition(text).holds) << text << ": " << condition(text).error;
}

TEST(LuaRulesTest, ConditionSeesTheEvent) {
  auto inputs = some_inputs();
  inputs.event = rule_event{
    event_kind::task_failed, "", "id", "Backup", "data_backup", "failed", "disk gone", "api:", 3};
  EXPECT_TRUE(condition("event.kind == 'task_failed' and event.task_name == 'Backup' and event.task_type == "
                        "'data_backup' and event.task_status == 'failed' and event.error:find('disk') "
                        "and event.count == 3",
                        inputs).holds);
}

TEST(LuaRulesTest, ConditionMustSayYesOrNo) {
  EXPECT_FALSE(condition("if false then return true end").holds) << "nothing is no";
  EXPECT_THAT(condition("if false then return true end").error, IsEmpty());
  EXPECT_EQ(condition("5").error, "condition: must return true or false");
  EXPECT_FALSE(condition("5").holds);
  EXPECT_EQ(condition("metrics.nothing > 5").error, "condition:1: attempt to compare number with nil");
}

TEST(LuaRulesTest, MakeReturnsOneTaskOrSeveral) {
  EXPECT_THAT(make("return {name = 'a', tags = {}, payload = {n = 1}}").tasks,
              ElementsAre(R"({"name":"a","payload":{"n":1},"tags":[]})"));
  EXPECT_THAT(make("local t = {} for i = 1, 3 do t[i] = {name = 'n' .. i} end return t").tasks,
              ElementsAre(R"({"name":"n1"})", R"({"name":"n2"})", R"({"name":"n3"})"));
  for (const auto* none : {"return nil", "", "return {}", "return array{}"}) {
    EXPECT_THAT(make(none).tasks, IsEmpty()) << none;
    EXPECT_THAT(make(none).error, IsEmpty()) << none;
  }
}

TEST(LuaRulesTest, WhatIsNoTaskIsRefused) {
  EXPECT_EQ(make("return 5").error, "make: must return a task as a table, or a list of them");
  EXPECT_EQ(make("return {{name = 'a'}, 5}").error, "make: task 2: must be a table with the fields of a task");
  EXPECT_THAT(make("return {{name = 'a'}, 5}").tasks, IsEmpty()) << "all or none";
  EXPECT_EQ(make("return {name = '\\255'}").error, "make: task 1: /name: the text is not UTF-8");
  EXPECT_EQ(make("local t = {} for i = 1, 101 do t[i] = {name = 'x'} end return t").error,
            "make: returned 101 tasks; at most 100 are allowed");
  EXPECT_THAT(make("print('hello') error('no')").printed, ElementsAre("hello"));
}

TEST(LuaRulesTest, CheckNamesFieldAndLine) {
  auto judge = make_lua_judge();
  EXPECT_FALSE(judge->check(rule_with("metrics.cpu_percent > 5", "return {name = 'a'}").definition));
  EXPECT_FALSE(judge->check(rule_with("", "").definition));
  auto fault = judge->check(rule_with("metrics.cpu_percent >", "").definition);
  EXPECT_EQ(fault.field, "/condition");
  EXPECT_THAT(fault.message, HasSubstr("condition:1:"));
  fault = judge->check(rule_with("", "\n\nreturn {").definition);
  EXPECT_EQ(fault.field, "/make");
  EXPECT_THAT(fault.message, HasSubstr("make:3:"));
}

TEST(LuaRulesTest, ABadRuleHarmsNoOther) {
  auto judge = make_lua_judge();
  auto bad = rule_with("string.format = nil metrics = nil while true do end");
  auto good = rule_with("metrics.cpu_percent > 90");
  EXPECT_THAT(judge->condition(bad, some_inputs()).error, HasSubstr("instructions"));
  EXPECT_TRUE(judge->condition(good, some_inputs()).holds);
}

TEST(LuaRulesTest, DefaultRulesAreSound) {
  auto judge = make_lua_judge();
  auto rules = default_rules();
  ASSERT_THAT(rules, SizeIs(3));
  auto inputs = some_inputs();
  for (const auto& rule : rules) {
    EXPECT_TRUE(rule.built_in);
    EXPECT_FALSE(judge->check(rule.definition)) << rule.name;
    EXPECT_TRUE(judge->condition(rule, inputs).holds) << rule.name;
    EXPECT_THAT(judge->make(rule, inputs).tasks, ElementsAre(HasSubstr(rule.name)));
  }
  inputs.uptime = std::chrono::hours{24};
  EXPECT_FALSE(judge->condition(rules[2], inputs).holds) << "maintenance comes after a day";
}

} // namespace overwatch::test
