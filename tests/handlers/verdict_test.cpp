#include "runtime/handlers/verdict.hpp"

#include <gmock/gmock.h>

using namespace overwatch;
using testing::HasSubstr;

namespace {

health_values calm() {
  health_values result;
  result.cpu = 10;
  result.memory = 20;
  result.disks = {{"/", 30, 40}};
  return result;
}

} // namespace

TEST(VerdictTest, CalmMachineIsHealthy) {
  auto result = judge(calm(), {});
  EXPECT_EQ(result.level, verdict::healthy);
  EXPECT_TRUE(result.reasons.empty());
}

TEST(VerdictTest, ReachingAThresholdIsEnough) {
  auto values = calm();
  values.cpu = 79.999;
  EXPECT_EQ(judge(values, {}).level, verdict::healthy);
  values.cpu = 80;
  EXPECT_EQ(judge(values, {}).level, verdict::degraded);
  values.cpu = 94.999;
  EXPECT_EQ(judge(values, {}).level, verdict::degraded);
  values.cpu = 95;
  EXPECT_EQ(judge(values, {}).level, verdict::critical);
}

TEST(VerdictTest, EachMetricHasItsOwnThresholds) {
  auto values = calm();
  values.memory = 84;
  values.disks[0].used = 89;
  EXPECT_EQ(judge(values, {}).level, verdict::healthy);
  values.memory = 85;
  EXPECT_EQ(judge(values, {}).level, verdict::degraded);
  values.memory = 20;
  values.disks[0].used = 90;
  EXPECT_EQ(judge(values, {}).level, verdict::degraded);
}

TEST(VerdictTest, WorstReasonDecidesAndComesFirst) {
  auto values = calm();
  values.cpu = 85;
  values.disks.push_back({"/var", 99, 0});
  auto result = judge(values, {});
  EXPECT_EQ(result.level, verdict::critical);
  ASSERT_EQ(result.reasons.size(), 2u);
  EXPECT_EQ(result.reasons[0].resource, "/var");
  EXPECT_THAT(result.reasons[0].text, HasSubstr("99.0 %"));
  EXPECT_EQ(result.reasons[1].metric, "cpu");
}

TEST(VerdictTest, FullInodeTableIsCritical) {
  auto values = calm();
  values.disks[0].inodes = 100;
  auto result = judge(values, {});
  EXPECT_EQ(result.level, verdict::critical);
  EXPECT_THAT(result.reasons[0].text, HasSubstr("inode"));
}

TEST(VerdictTest, CgroupLimitCountsOnAnIdleMachine) {
  auto values = calm();
  values.memory_of_limit = 97;
  values.cpu_of_quota = 90;
  auto result = judge(values, {});
  EXPECT_EQ(result.level, verdict::critical);
  ASSERT_EQ(result.reasons.size(), 2u);
  EXPECT_EQ(result.reasons[0].resource, "cgroup");
}

TEST(VerdictTest, WhatCannotBeReadDegrades) {
  auto result = judge({}, {});
  EXPECT_EQ(result.level, verdict::degraded);
  EXPECT_EQ(result.reasons.size(), 3u);
}

TEST(VerdictTest, ThresholdsCanBeChanged) {
  health_thresholds thresholds;
  thresholds.cpu = {5, 8};
  EXPECT_EQ(judge(calm(), thresholds).level, verdict::critical);
}

TEST(VerdictTest, SeedClientsReadWarningForDegraded) {
  EXPECT_EQ(status_of(verdict::healthy), "healthy");
  EXPECT_EQ(status_of(verdict::degraded), "warning");
  EXPECT_EQ(status_of(verdict::critical), "critical");
}

TEST(VerdictTest, ScoreIsTheMeanOfWhatIsLeft) {
  EXPECT_DOUBLE_EQ(performance_score(0, 0, 0), 100);
  EXPECT_DOUBLE_EQ(performance_score(100, 100, 100), 0);
  EXPECT_DOUBLE_EQ(performance_score(30, 60, 90), 40);
  EXPECT_DOUBLE_EQ(performance_score(-5, 300, 0), 200.0 / 3);
}

TEST(VerdictTest, ScoreLimits) {
  EXPECT_EQ(verdict_of_score(70), verdict::healthy);
  EXPECT_EQ(verdict_of_score(69.999), verdict::degraded);
  EXPECT_EQ(verdict_of_score(50), verdict::degraded);
  EXPECT_EQ(verdict_of_score(49.999), verdict::critical);
}
