#include "tests/http/server_fixture.hpp"

using namespace overwatch;
using testing::HasSubstr;

namespace {

class RulesTest : public server_fixture {
protected:
  void SetUp() override { start(); }

  rule_definition stored(const std::string& name) {
    std::lock_guard lock{node->mutex};
    return node->rules.at(name).definition;
  }

  test_rule_request tested() {
    std::lock_guard lock{node->mutex};
    return node->tested_rules.back();
  }
};

} // namespace

TEST_F(RulesTest, RuleWithAllItsFields) {
  auto reply = call("PUT", "/rules/busy", R"({"description":"d","enabled":false,"condition":"metrics.cpu_percent > 90",
    "make":"return {name = 'cool down'}","for":"1m","cooldown":600,"on":["task_failed","GATE_CLOSED"]})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  auto definition = stored("busy");
  EXPECT_FALSE(definition.enabled);
  EXPECT_EQ(definition.condition, "metrics.cpu_percent > 90");
  EXPECT_EQ(definition.make, "return {name = 'cool down'}");
  EXPECT_EQ(definition.holds_for, std::chrono::minutes{1});
  EXPECT_EQ(definition.cooldown, std::chrono::minutes{10});
  EXPECT_THAT(definition.on, testing::ElementsAre(event_kind::task_failed, event_kind::gate_closed));
  auto shown = json_of(reply);
  EXPECT_EQ(shown.at("for"), boost::json::value(60));
  EXPECT_EQ(shown.at("on").at(1).as_string(), "gate_closed");
  EXPECT_TRUE(shown.at("task").is_null());
  EXPECT_TRUE(shown.at("error").is_null());
  EXPECT_TRUE(shown.at("tasks").as_array().empty());
}

TEST_F(RulesTest, FixedTaskIsKeptAsText) {
  auto shown = json_of(call("PUT", "/rules/r", R"({"task": {"name": "n", "deadline": "+1h"}})"));
  EXPECT_EQ(stored("r").task_json, R"({"name":"n","deadline":"+1h"})");
  EXPECT_EQ(shown.at("task").at("name").as_string(), "n");
  EXPECT_TRUE(shown.at("make").is_null());
  EXPECT_TRUE(shown.at("condition").is_null());
}

TEST_F(RulesTest, PutWithoutTaskChangesWhatItNames) {
  call("PUT", "/rules/r", R"({"description":"d","condition":"true","task":{"name":"n"},"for":5,"on":["task_failed"]})");
  EXPECT_EQ(call("PUT", "/rules/r", R"({"enabled":false,"cooldown":"1h"})").status, 200);
  auto definition = stored("r");
  EXPECT_FALSE(definition.enabled);
  EXPECT_EQ(definition.cooldown, std::chrono::hours{1});
  EXPECT_EQ(definition.condition, "true");
  EXPECT_EQ(definition.task_json, R"({"name":"n"})");
  EXPECT_EQ(definition.holds_for, std::chrono::seconds{5});
  EXPECT_EQ(definition.on.size(), 1u);
  EXPECT_EQ(call("PUT", "/rules/r", R"({"make":"return {}"})").status, 200); // a whole new definition
  EXPECT_EQ(stored("r").task_json, "");
  EXPECT_EQ(stored("r").condition, "");
  EXPECT_TRUE(stored("r").enabled);
  EXPECT_EQ(error_field(call("PUT", "/rules/new", R"({"enabled":false})")), "/make");
}

TEST_F(RulesTest, WhatIsWrongIsNamed) {
  const std::vector<std::array<const char*, 2>> wrong{
    {R"({"make":"return {}","task":{"name":"n"}})", "/task"},
    {R"({"make":5})", "/make"},
    {R"({"make":""})", "/make"},
    {R"({"make":"return {}","condition":5})", "/condition"},
    {R"({"task":{"name":""}})", "/task/name"},
    {R"({"task":{"name":"n","on_closed_gate":"open"}})", "/task/on_closed_gate"},
    {R"({"task":"n"})", "/task"},
    {R"({"make":"return {}","enabled":"yes"})", "/enabled"},
    {R"({"make":"return {}","for":"x"})", "/for"},
    {R"({"make":"return {}","cooldown":"31d"})", "/cooldown"},
    {R"({"make":"return {}","on":"task_failed"})", "/on"},
    {R"({"make":"return {}","on":["task_failed","task_lost"]})", "/on/1"},
    {R"({"make":"return {}","when":"true"})", "/when"},
  };
  for (const auto& [body, field] : wrong) {
    for (const auto& [method, target] :
         {std::pair{"PUT", "/rules/r"}, std::pair{"POST", "/rules/test"}, std::pair{"POST", "/rules/r/test"}}) {
      auto reply = call(method, target, body);
      EXPECT_EQ(reply.status, 422) << target << body << reply.body;
      EXPECT_EQ(error_field(reply), field) << target << body;
    }
  }
  EXPECT_THAT(call("PUT", "/rules/r", R"({"make":"return {}","on":["x"]})").body, HasSubstr("\"workflow_finished\""));
  auto chunk = std::string(max_chunk_bytes + 1, ' ');
  EXPECT_EQ(error_field(call("PUT", "/rules/r", R"({"make":")" + chunk + "\"}")), "/make");
  EXPECT_EQ(call("PUT", "/rules/r", "{").status, 400);
  EXPECT_EQ(call("POST", "/rules/test").status, 400);
}

TEST_F(RulesTest, TrialShowsWhatWouldBeMade) {
  call("PUT", "/rules/r", R"({"condition":"true","task":{"name":"n"}})");
  auto trial = json_of(call("POST", "/rules/r/test"));
  EXPECT_EQ(tested().name, "r");
  EXPECT_FALSE(tested().definition);
  EXPECT_EQ(trial.at("holds"), boost::json::value(true));
  EXPECT_EQ(trial.at("would_fire"), boost::json::value(false));
  EXPECT_EQ(trial.at("why").as_string(), "it is switched off");
  EXPECT_EQ(trial.at("tasks").at(0).at("name").as_string(), "made");
  EXPECT_EQ(trial.at("tasks").at(1).as_string(), "no JSON");
  EXPECT_TRUE(trial.at("error").is_null());
  EXPECT_EQ(trial.at("printed").at(0).as_string(), "a line");
}

TEST_F(RulesTest, TrialTakesADefinition) {
  call("PUT", "/rules/r", R"({"condition":"true","task":{"name":"n"}})");
  EXPECT_EQ(call("POST", "/rules/r/test", R"({"condition":"false"})").status, 200);
  EXPECT_EQ(tested().definition->condition, "false");
  EXPECT_EQ(tested().definition->task_json, R"({"name":"n"})");
  EXPECT_EQ(stored("r").condition, "true");
  EXPECT_EQ(call("POST", "/rules/test", R"({"make":"return {}"})").status, 200);
  EXPECT_EQ(tested().name, "");
  EXPECT_EQ(tested().definition->make, "return {}");
  EXPECT_EQ(call("POST", "/rules/none/test").status, 404);
  EXPECT_EQ(call("POST", "/rules/none/test", R"({"condition":"false"})").status, 404);
}

TEST_F(RulesTest, ListGetAndDelete) {
  call("PUT", "/rules/a", R"({"make":"return {}"})");
  call("PUT", "/rules/b", R"({"make":"return {}"})");
  call("PUT", "/rules/test", R"({"make":"return {}"})");
  {
    std::lock_guard lock{node->mutex};
    auto& rule = node->rules["b"];
    rule.built_in = true;
    rule.fired = 3;
    rule.created = 4;
    rule.error = "line 1: oops";
    rule.failed_at = now();
    rule.tasks = {node->ids.next(now(), 0)};
  }
  EXPECT_EQ(json_of(call("GET", "/rules")).at("rules").as_array().size(), 3u);
  auto rule = json_of(call("GET", "/rules/b"));
  EXPECT_EQ(rule.at("built_in"), boost::json::value(true));
  EXPECT_EQ(rule.at("error").as_string(), "line 1: oops");
  EXPECT_EQ(rule.at("fired"), boost::json::value(3));
  EXPECT_EQ(rule.at("created"), boost::json::value(4));
  EXPECT_EQ(rule.at("tasks").as_array().size(), 1u);
  EXPECT_EQ(json_of(call("GET", "/rules/test")).at("name").as_string(), "test");
  EXPECT_EQ(json_of(call("DELETE", "/rules/a")).at("name").as_string(), "a");
  EXPECT_EQ(error_code(call("DELETE", "/rules/b")), "conflict");
  EXPECT_EQ(error_code(call("GET", "/rules/a")), "not_found");
}
