#include "tests/actors/played_gates.hpp"

namespace overwatch {

class GateJudgingTest : public GateManagerTest {};

TEST_F(GateJudgingTest, HealthGateFollowsItsMetric) {
  run_manager();
  EXPECT_TRUE(declare("calm", health("cpu_percent", 90)).open);
  host["cpu_percent"] = 97.25;
  advance(1s);
  auto closed = gate("calm");
  EXPECT_FALSE(closed.open);
  EXPECT_EQ(closed.history.at(0).by, "gate_manager");
  EXPECT_EQ(closed.history[0].reason, "cpu_percent is 97.25, at or above 90");
  host["cpu_percent"] = 86;
  advance(5s);
  EXPECT_FALSE(gate("calm").open) << "within the margin";
  host["cpu_percent"] = 80;
  advance(1s);
  EXPECT_TRUE(gate("calm").open);
  EXPECT_EQ(gate("calm").history[0].reason, "cpu_percent is 80, back below 85");
}

TEST_F(GateJudgingTest, HealthGateHasToLast) {
  run_manager();
  declare("calm", health("cpu_percent", 90, 10s));
  advance(1s);
  host["cpu_percent"] = 95;
  advance(10s);
  EXPECT_TRUE(gate("calm").open);
  advance(1s);
  EXPECT_FALSE(gate("calm").open);
  EXPECT_EQ(gate("calm").history.at(0).reason, "cpu_percent is 95, at or above 90 for 10 s");
}

TEST_F(GateJudgingTest, MetricThatCannotBeReadLeavesTheGate) {
  run_manager();
  declare("calm", health("cpu_percent", 90));
  host["cpu_percent"] = 95;
  advance(1s);
  host.clear();
  advance(1min, 1s);
  EXPECT_FALSE(gate("calm").open);
}

TEST_F(GateJudgingTest, ClosedHealthGateOpensAfterARestart) {
  run_manager();
  declare("calm", health("cpu_percent", 90));
  host["cpu_percent"] = 95;
  advance(1s);
  ASSERT_FALSE(gate("calm").open);
  run_manager();
  EXPECT_FALSE(gate("calm").open);
  host["cpu_percent"] = 10;
  advance(1s);
  EXPECT_TRUE(gate("calm").open);
}

TEST_F(GateJudgingTest, LooksOnlyWhileThereIsAGateThatAsks) {
  run_manager();
  set({"deploy", {}, false, {}, {}});
  advance(1min, 1s);
  EXPECT_EQ(samples, 0u);
  EXPECT_EQ(node.stats_requests, 0u);
  declare("calm", health("cpu_percent", 90));
  declare("calm2", health("cpu_percent", 80));
  advance(10s);
  EXPECT_GE(samples, 10u);
  EXPECT_LE(samples, 11u);
  EXPECT_EQ(node.stats_requests, 0u);
  send(remove_gate_request{"calm"});
  send(remove_gate_request{"calm2"});
  advance(2s);
  auto before = samples;
  advance(1min, 1s);
  EXPECT_EQ(samples, before);
}

TEST_F(GateJudgingTest, CountsTasks) {
  run_manager();
  declare("short queue", health("queue_depth", 100));
  declare("few running", health("running_tasks", 8));
  advance(2s);
  EXPECT_TRUE(gate("short queue").open);
  EXPECT_EQ(samples, 0u);
  node.stats.counts = {{"noop", task_status::queued, priority::normal, 60},
                       {"noop", task_status::queued, priority::low, 40},
                       {"noop", task_status::pending, priority::low, 9},
                       {"noop", task_status::running, priority::normal, 7}};
  advance(1s);
  EXPECT_FALSE(gate("short queue").open);
  EXPECT_TRUE(gate("few running").open);
}

TEST_F(GateJudgingTest, CountsFailuresOfFiveMinutes) {
  run_manager();
  node.stats.failed = 1'000'000; // long ago
  declare("sound", health("failure_percent", 50));
  advance(2s);
  EXPECT_TRUE(gate("sound").open);
  node.stats.failed += 6;
  node.stats.completed += 4;
  advance(1s);
  EXPECT_FALSE(gate("sound").open);
  EXPECT_EQ(gate("sound").history.at(0).reason, "failure_percent is 60, at or above 50");
  advance(4min, 1s);
  EXPECT_FALSE(gate("sound").open);
  advance(70s, 1s);
  EXPECT_TRUE(gate("sound").open) << "that was more than five minutes ago";
}

TEST_F(GateJudgingTest, CountsTasksOfAllPartitions) {
  run_manager();
  declare("short queue", health("queue_depth", 100));
  declare("sound", health("failure_percent", 50));
  advance(2s);
  node.stats.counts = {{"noop", task_status::queued, priority::normal, 60}};
  other.stats.counts = {{"noop", task_status::queued, priority::normal, 39},
                        {"other", task_status::queued, priority::low, 1}};
  node.stats.completed += 4;
  other.stats.failed += 6;
  advance(1s);
  EXPECT_FALSE(gate("short queue").open);
  EXPECT_FALSE(gate("sound").open);
  EXPECT_EQ(gate("sound").history.at(0).reason, "failure_percent is 60, at or above 50");
}

TEST_F(GateJudgingTest, JudgementThatFailsIsTriedAgain) {
  run_manager();
  declare("calm", health("cpu_percent", 90));
  declare("day", window(8 * 60 + 1, 17 * 60));
  node.fault = {ec::unavailable, {}, "no leader"};
  host["cpu_percent"] = 95;
  advance(2min, 1s);
  EXPECT_TRUE(gate("calm").open);
  EXPECT_FALSE(gate("day").open);
  node.fault = {};
  advance(1s);
  EXPECT_FALSE(gate("calm").open);
  EXPECT_TRUE(gate("day").open);
}

TEST_F(GateJudgingTest, WindowOpensAndClosesAtItsEdges) {
  run_manager();
  EXPECT_FALSE(declare("day", window(9 * 60, 17 * 60)).open);
  advance(1h - 1s, 1s);
  EXPECT_FALSE(gate("day").open);
  advance(1s);
  EXPECT_TRUE(gate("day").open);
  EXPECT_EQ(gate("day").history.at(0).time, start + 1h);
  EXPECT_EQ(gate("day").history[0].reason, "a window begins");
  advance(8h, 1min);
  EXPECT_FALSE(gate("day").open);
  EXPECT_EQ(gate("day").history.at(0).time, start + 9h);
  EXPECT_EQ(node.proposals, 3u);
  EXPECT_EQ(samples, 0u);
}

TEST_F(GateJudgingTest, WindowThatWasMissedIsJudgedAtTheStart) {
  gate_record record;
  record.name = "night";
  record.definition = window(22 * 60, 6 * 60);
  node.documents["night"] = encode(record); // open: it was stored at night
  run_manager();
  advance(250ms);
  EXPECT_FALSE(gate("night").open);
}

TEST_F(GateJudgingTest, EdgeThatPassesDuringAChangeIsNotLost) {
  run_manager();
  declare("day", window(9 * 60, 17 * 60));
  advance(1h - 5s, 1s);
  node.hold = true;
  auto response = send(set_gate_request{"day", {}, {}, "ann", "just a note"});
  advance(10s, 1s);
  node.hold = false;
  release();
  advance(1s);
  take<gate_record>(response);
  EXPECT_TRUE(gate("day").open);
}

TEST_F(GateJudgingTest, OtherWindowsCountAtOnce) {
  run_manager();
  declare("day", window(9 * 60, 17 * 60));
  EXPECT_TRUE(declare("day", window(7 * 60, 8 * 60 + 30)).open);
  advance(30min, 10s);
  EXPECT_FALSE(gate("day").open);
}

TEST_F(GateJudgingTest, ApprovalGateIsNeverOpen) {
  run_manager();
  gate_definition approval;
  approval.kind = gate_kind::approval;
  EXPECT_FALSE(declare("release", approval).open);
  advance(1h, 10s);
  EXPECT_FALSE(gate("release").open);
  EXPECT_EQ(node.proposals, 1u);
}

} // namespace overwatch
