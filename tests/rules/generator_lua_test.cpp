#include "actors/generator.hpp"
#include "http/task_document.hpp"
#include "runtime/rules/default_rules.hpp"
#include "runtime/rules/lua_rules.hpp"
#include "tests/support/deterministic_node.hpp"

#include <gmock/gmock.h>

using namespace std::chrono_literals;

namespace overwatch::test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// The generator with Lua and the task reader of HTTP, as a node has it.
class GeneratorLuaTest : public deterministic_node {
protected:
  void SetUp() override {
    start();
    generator_options options;
    options.interval = 60s;
    options.node = "here";
    options.judge = make_lua_judge();
    options.parse_task = task_of_json;
    options.default_rules = default_rules();
    options.task_types = {"noop", "system_health", "performance_check", "maintenance"};
    options.own_thread = false;
    options.clock = [this] { return time(); };
    links.generator = system_.spawn(generator, options, links.scheduler, std::vector{links.replica});
    spawned_.push_back(caf::actor_cast<caf::actor>(links.generator));
    settle();
  }

  rule_record put(const std::string& name, const std::string& condition, const std::string& make,
                  std::vector<event_kind> on = {}) {
    rule_definition x;
    x.condition = condition;
    x.make = make;
    x.on = std::move(on);
    return ask<rule_record>(links.generator, put_rule_request{name, x});
  }

  rule_record rule(const std::string& name) { return ask<rule_record>(links.generator, rule_request{name}); }

  std::vector<submit_receipt> generate() { return ask<submit_reply>(links.generator, generate_request{}).receipts; }
};

TEST_F(GeneratorLuaTest, PeriodicTasksAreThoseOfTheNode) {
  auto receipts = generate();
  ASSERT_THAT(receipts, SizeIs(2));
  auto health = get(receipts[0].id);
  EXPECT_EQ(health.spec.name, "System Health Check");
  EXPECT_EQ(health.spec.task_type, "system_health");
  EXPECT_EQ(health.spec.importance, priority::normal);
  EXPECT_EQ(health.spec.unique_key, "periodic:system_health");
  EXPECT_EQ(health.spec.origin.id, "System Health Check");
  EXPECT_TRUE(health.spec.scheduled_at);
  EXPECT_EQ(get(receipts[1].id).spec.task_type, "performance_check");
  EXPECT_EQ(get(receipts[1].id).spec.importance, priority::low);
}

TEST_F(GeneratorLuaTest, MaintenanceComesAfterADay) {
  advance(24h);
  EXPECT_THAT(generate(), SizeIs(2));
  advance(1s);
  auto receipts = generate();
  ASSERT_THAT(receipts, SizeIs(3));
  EXPECT_EQ(get(receipts[2].id).spec.task_type, "maintenance");
  EXPECT_EQ(get(receipts[2].id).spec.importance, priority::high);
}

TEST_F(GeneratorLuaTest, ChunksMakeTasks) {
  put("backlog", "stats.queue_depth >= 2",
      "local t = {}\n"
      "for i = 1, stats.queue_depth do\n"
      "  t[i] = {name = 'help ' .. i, task_type = 'noop', priority = 'low', tags = {'auto'}, payload = {n = i}}\n"
      "end\n"
      "return t");
  EXPECT_THAT(generate(), SizeIs(2));
  submit("one");
  submit("two");
  advance(2s);
  auto receipts = generate();
  ASSERT_THAT(receipts, SizeIs(4));
  auto made = get(receipts[3].id);
  EXPECT_EQ(made.spec.name, "help 2");
  EXPECT_THAT(made.spec.tags, ElementsAre("auto"));
  EXPECT_EQ(made.payload, R"({"n":2})");
}

TEST_F(GeneratorLuaTest, FieldErrorsAreOnTheRule) {
  put("wrong", "", "return {name = 'x', timeout = 'soon'}");
  generate();
  EXPECT_THAT(rule("wrong").error, HasSubstr("/timeout"));
}

TEST_F(GeneratorLuaTest, EndlessChunkHarmsNothingButItself) {
  put("endless", "\nwhile true do end", "return {name = 'x'}");
  put("eater", "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end", "return {name = 'x'}");
  put("good", "", "return {name = 'fine', task_type = 'noop'}");
  EXPECT_THAT(generate(), SizeIs(3));
  EXPECT_EQ(rule("endless").error, "condition:2: used more than 1000000 instructions");
  EXPECT_THAT(rule("eater").error, HasSubstr("memory"));
  EXPECT_THAT(rule("good").error, IsEmpty());
}

TEST_F(GeneratorLuaTest, EventsAreSeenByChunks) {
  put("again", "event and event.task_name:match('^nightly') ~= nil",
      "return {name = 'look at ' .. event.task_name, task_type = 'noop', context = {error = event.error}}",
      {event_kind::task_failed});
  auto pool = offer("noop", 2);
  submit("nightly backup");
  submit("daily backup");
  settle();
  for (const auto& x : take_assigned(pool))
    finish(x, violation::exception, "disk gone");
  ASSERT_THAT(rule("again").tasks, SizeIs(1));
  auto made = get(rule("again").tasks.front());
  EXPECT_EQ(made.spec.name, "look at nightly backup");
  EXPECT_EQ(made.spec.context.at("error"), "disk gone");
}

TEST_F(GeneratorLuaTest, DryRunShowsWhatItWouldMake) {
  rule_definition x;
  x.condition = "print('looked') return uptime >= 0";
  x.make = "return {name = 'a', task_type = 'noop', tags = {}}";
  auto reply = ask<test_rule_reply>(links.generator, test_rule_request{"", x});
  EXPECT_TRUE(reply.would_fire);
  EXPECT_THAT(reply.tasks, ElementsAre(R"({"name":"a","tags":[],"task_type":"noop"})"));
  EXPECT_THAT(reply.printed, ElementsAre("looked"));
  x.make = "return {name = 5}";
  reply = ask<test_rule_reply>(links.generator, test_rule_request{"", x});
  EXPECT_FALSE(reply.would_fire);
  EXPECT_THAT(reply.error, HasSubstr("/name"));
}

} // namespace overwatch::test
