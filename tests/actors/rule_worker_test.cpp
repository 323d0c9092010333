#include "actors/rule_worker.hpp"
#include "tests/actors/played_generator.hpp"

#include <gmock/gmock.h>

using namespace std::chrono_literals;

namespace overwatch::test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RuleWorkerTest : public ::testing::Test {
protected:
  RuleWorkerTest() {
    rule_worker_options options;
    options.judge = judge;
    options.parse_task = played_task;
    options.write_task = [](const submission& x) { return "<" + x.spec->name + ">"; };
    options.sample = [this] {
      ++samples;
      return std::map<std::string, double>{{"cpu_percent", 1.0 * samples}};
    };
    options.task_types = {"noop"};
    worker.set_up(options);
    request.rule.name = "mine";
    request.rule.definition.make = "task";
    request.inputs.now = timestamp{24h * 20'000};
  }

  judge_reply judged() {
    auto copy = request;
    return worker.judge(copy);
  }

  std::shared_ptr<played_judge> judge = std::make_shared<played_judge>();
  rule_worker_state worker;
  judge_request request;
  int samples = 0;
};

TEST_F(RuleWorkerTest, TasksAreTheRulesOwn) {
  auto reply = judged();
  EXPECT_TRUE(reply.decision.fires);
  ASSERT_THAT(reply.tasks, SizeIs(1));
  EXPECT_EQ(reply.tasks[0].spec->name, "task");
  EXPECT_EQ(reply.tasks[0].spec->origin.kind, origin_kind::rule);
  EXPECT_EQ(reply.tasks[0].spec->origin.id, "mine");
  EXPECT_THAT(reply.texts, ElementsAre("task"));
}

TEST_F(RuleWorkerTest, NothingIsMadeThatDoesNotFire) {
  request.rule.definition.holds_for = 60s;
  EXPECT_TRUE(judged().holds);
  EXPECT_FALSE(judged().decision.fires);
  EXPECT_THAT(judged().tasks, IsEmpty());
  request.trial = true;
  EXPECT_THAT(judged().tasks, SizeIs(1));
  EXPECT_FALSE(judged().decision.fires);
}

TEST_F(RuleWorkerTest, FaultsNameTaskAndField) {
  judge->templates["task"] = {true, {"ok", "bad"}, {}, {}};
  EXPECT_EQ(judged().error, "task 2: /timeout: expected a number");
  EXPECT_THAT(judged().tasks, IsEmpty());
  EXPECT_FALSE(judged().decision.fires);
  judge->templates["task"] = {true, {""}, {}, {}};
  EXPECT_EQ(judged().error.substr(0, 12), "task: /name:");
}

TEST_F(RuleWorkerTest, MetricsAreTakenOnceASecond) {
  judged();
  request.inputs.now += 999ms;
  judged();
  EXPECT_EQ(samples, 1);
  request.inputs.now += 1ms;
  judged();
  EXPECT_EQ(samples, 2);
  EXPECT_EQ(judge->seen.back().metrics.at("cpu_percent"), 2);
}

TEST_F(RuleWorkerTest, RulesInCppAreCheckedToo) {
  auto rule = std::make_shared<native_rule>();
  rule->make = [](const rule_inputs&) { return std::vector<submission>{*played_task("task")}; };
  request.native = rule;
  EXPECT_TRUE(judged().decision.fires);
  EXPECT_THAT(judged().texts, ElementsAre("<task>"));
  rule->make = [](const rule_inputs&) { return std::vector<submission>(101, *played_task("task")); };
  EXPECT_EQ(judged().error, "makes 101 tasks; at most 100 are allowed");
  rule->make = [](const rule_inputs&) { return std::vector<submission>(1); };
  EXPECT_FALSE(judged().error.empty());
  rule->make = [](const rule_inputs&) { return std::vector<submission>{}; };
  EXPECT_FALSE(judged().holds);
}

TEST_F(RuleWorkerTest, CheckReadsTheFixedTask) {
  EXPECT_FALSE(worker.check({request.rule.definition}).fault);
  rule_definition x;
  x.task_json = "bad";
  EXPECT_EQ(worker.check({x}).fault.field, "/task/timeout");
  x.task_json = "good";
  EXPECT_FALSE(worker.check({x}).fault);
  x.condition = "no lua";
  EXPECT_EQ(worker.check({x}).fault.field, "/condition");
}

} // namespace overwatch::test
