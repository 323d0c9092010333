#include "tests/actors/played_generator.hpp"

#include <gmock/gmock.h>

using namespace std::chrono_literals;

namespace overwatch::test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// The interval, what ships, and the start.
class GeneratorTest : public played_generator {
protected:
  GeneratorTest() {
    for (const auto* name : {"Health", "Check"}) {
      rule_record x;
      x.name = name;
      x.definition.task_json = std::string{name} + "|periodic:" + name;
      options.default_rules.push_back(x);
    }
  }

  void set_interval(const std::string& text) {
    ask<settings_reply>(gateway_handle, settings_request{{{"generation_interval", text}}});
  }

  void switch_off(const std::string& name) {
    rule_definition off;
    off.enabled = false;
    ask_generator<rule_record>(put_rule_request{name, off});
  }
};

TEST_F(GeneratorTest, CreatesTasksOnRequest) {
  start_generator();
  auto receipts = generate();
  ASSERT_THAT(receipts, SizeIs(2));
  auto health = get(receipts[0].id);
  EXPECT_EQ(health.spec.name, "Health") << "in the order in which they ship";
  EXPECT_EQ(health.spec.origin.kind, origin_kind::rule);
  EXPECT_EQ(health.spec.origin.id, "Health");
  EXPECT_EQ(health.spec.created_at, time());
  EXPECT_EQ(get(receipts[1].id).spec.name, "Check");
}

TEST_F(GeneratorTest, TaskThatIsStillUnfinishedIsNotMadeAgain) {
  start_generator();
  auto first = generate();
  auto second = generate();
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(second.at(i).existing);
    EXPECT_EQ(second[i].id, first.at(i).id);
  }
  EXPECT_EQ(submitted(), 2u);
  auto rule = ask_generator<rule_record>(rule_request{"Health"});
  EXPECT_EQ(rule.fired, 2u);
  EXPECT_EQ(rule.created, 1u);
  EXPECT_THAT(rule.tasks, ElementsAre(first[0].id));
}

TEST_F(GeneratorTest, IntervalMakesThemByItself) {
  options.interval = 60s;
  start_generator();
  advance(59s);
  EXPECT_EQ(submitted(), 0u);
  advance(1s);
  EXPECT_EQ(submitted(), 2u);
}

TEST_F(GeneratorTest, NoIntervalMakesNone) {
  start_generator();
  advance(1h);
  EXPECT_EQ(submitted(), 0u);
}

TEST_F(GeneratorTest, NewIntervalCountsAtOnce) {
  start_generator();
  set_interval("10");
  advance(10s);
  EXPECT_EQ(submitted(), 2u);
}

TEST_F(GeneratorTest, IntervalOfZeroStopsIt) {
  options.interval = 60s;
  start_generator();
  set_interval("0");
  for (int i = 0; i < 10; ++i)
    advance(60s);
  EXPECT_EQ(submitted(), 0u);
}

TEST_F(GeneratorTest, IntervalHoldsOverARestart) {
  start_generator();
  set_interval("10");
  restart();
  advance(10s);
  EXPECT_EQ(submitted(), 2u);
}

TEST_F(GeneratorTest, ClearedIntervalIsTheConfiguredOne) {
  options.interval = 60s;
  gateway_settings.settings["generation_interval"] = "60";
  start_generator();
  set_interval("0");
  set_interval("");
  advance(60s);
  EXPECT_EQ(submitted(), 2u);
}

TEST_F(GeneratorTest, RefusedTasksAreTriedAgainLater) {
  options.interval = 60s;
  start_generator();
  db->fill_disk(true);
  advance(60s);
  EXPECT_EQ(submitted(), 0u);
  db->fill_disk(false);
  advance(60s);
  EXPECT_EQ(submitted(), 2u);
}

TEST_F(GeneratorTest, BuiltInRuleStaysSwitchedOff) {
  start_generator();
  switch_off("Health");
  EXPECT_THAT(generate(), SizeIs(1));
  restart();
  EXPECT_FALSE(ask_generator<rule_record>(rule_request{"Health"}).definition.enabled);
  EXPECT_THAT(generate(), SizeIs(1));
  EXPECT_EQ(refusal_of<rule_record>(remove_rule_request{"Health"}).code, ec::conflict);
}

TEST_F(GeneratorTest, NothingToJudgeIsAnAnswer) {
  start_generator();
  switch_off("Health");
  switch_off("Check");
  EXPECT_THAT(generate(), IsEmpty());
}

TEST_F(GeneratorTest, RuleInCppIsBuiltIn) {
  native_rule busy{"busy", "when it is busy", [](const rule_inputs& x) {
                     return x.stats.at("submitted") > 1 ? std::vector<submission>{*played_task("help")}
                                                        : std::vector<submission>{};
                   }};
  options.native_rules.push_back(busy);
  start_generator();
  EXPECT_THAT(generate(), SizeIs(2)) << "nothing was submitted before";
  advance(2s);
  auto receipts = generate();
  ASSERT_THAT(receipts, SizeIs(3));
  EXPECT_EQ(get(receipts[2].id).spec.origin.id, "busy");
  auto rule = ask_generator<rule_record>(rule_request{"busy"});
  EXPECT_TRUE(rule.built_in);
  EXPECT_EQ(rule.created, 1u);
  switch_off("busy");
  EXPECT_THAT(generate(), SizeIs(2));
}

TEST_F(GeneratorTest, RuleInCppThatThrowsHarmsNoOther) {
  options.native_rules.push_back({"thrower", "", [](const rule_inputs&) -> std::vector<submission> {
                                    throw std::runtime_error{"no luck"};
                                  }});
  start_generator();
  EXPECT_THAT(generate(), SizeIs(2));
  EXPECT_EQ(ask_generator<rule_record>(rule_request{"thrower"}).error, "no luck");
}

TEST_F(GeneratorTest, WaitsForTheLog) {
  start();
  kill_all();
  options.interval = 60s;
  // A scheduler that leads nothing yet.
  auto idle = system_.spawn(scheduler, scheduling, event_hub_actor{});
  auto alone = system_.spawn(generator, options, idle, std::vector<replica_actor>{});
  settle();
  failure fault;
  ask<rules_reply>(alone, rules_request{}, &fault);
  EXPECT_EQ(fault.code, ec::unavailable);
  caf::anon_send_exit(alone, caf::exit_reason::kill);
  caf::anon_send_exit(idle, caf::exit_reason::kill);
  settle();
}

} // namespace overwatch::test
