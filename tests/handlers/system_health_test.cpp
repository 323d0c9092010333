#include "runtime/handlers/system_health.hpp"

#include "tests/handlers/attempt.hpp"

#include <boost/json.hpp>

#include <gmock/gmock.h>

#include <algorithm>

using namespace overwatch;
using testing::HasSubstr;
namespace json = boost::json;

TEST(SystemHealthTest, ReportsThisMachine) {
  attempt attempt{R"({"sample_ms": 50})"};
  auto result = run_system_health(*attempt.context);
  ASSERT_EQ(result.kind, violation::none) << result.message;
  auto report = json::parse(result.result).as_object();
  for (auto name : {"cpu_usage", "memory_usage", "disk_usage"}) { // what clients of the seed read
    auto value = report.at(name).to_number<double>();
    EXPECT_GE(value, 0) << name;
    EXPECT_LE(value, 100) << name;
  }
  EXPECT_GT(report.at("memory_available").to_number<double>(), 0);
  EXPECT_GT(report.at("disk_free").to_number<double>(), 0);
  EXPECT_TRUE(report.at("status").is_string());
  EXPECT_TRUE(report.at("timestamp").is_string());

  EXPECT_GT(report.at("cpu").at("cores").to_number<int>(), 0);
  EXPECT_TRUE(report.at("cpu").at("modes").as_object().contains("iowait"));
  EXPECT_GT(report.at("memory").at("total_bytes").to_number<double>(), 0);
  EXPECT_FALSE(report.at("filesystems").as_array().empty());
  EXPECT_EQ(report.at("filesystems").at(0).at("mount"), "/");
  EXPECT_GT(report.at("uptime_s").to_number<double>(), 0);
  EXPECT_TRUE(report.at("load").as_object().contains("one_per_core"));
  auto said = attempt.report->take();
  EXPECT_DOUBLE_EQ(said.percent, 100);
  EXPECT_FALSE(said.lines.empty());
}

TEST(SystemHealthTest, CriticalVerdictIsACompletedTask) {
  attempt attempt{R"({"sample_ms": 10, "thresholds": {"disk": {"warning": 0, "critical": 0}}})"};
  auto result = run_system_health(*attempt.context);
  ASSERT_EQ(result.kind, violation::none) << result.message;
  auto report = json::parse(result.result).as_object();
  EXPECT_EQ(report.at("verdict"), "critical");
  EXPECT_EQ(report.at("status"), "critical");
  EXPECT_EQ(report.at("thresholds").at("disk").at("critical"), 0);
  const auto& reasons = report.at("reasons").as_array();
  EXPECT_TRUE(std::any_of(reasons.begin(), reasons.end(), [](const auto& x) { return x.at("metric") == "disk"; }));
  EXPECT_THAT(lines_at(attempt.report->take(), log_level::warning), HasSubstr("critical"));
}

TEST(SystemHealthTest, StopsWhileItMeasures) {
  attempt attempt{R"({"sample_ms": 60000})"};
  attempt.stop->request(cancellation::cause::cancelled);
  auto result = run_system_health(*attempt.context);
  EXPECT_EQ(result.kind, violation::exception);
  EXPECT_THAT(result.message, HasSubstr("stopped"));
}

TEST(SystemHealthTest, ErrorsNameFieldAndWayOut) {
  auto error = [](std::string payload) {
    attempt attempt{std::move(payload)};
    auto result = run_system_health(*attempt.context);
    EXPECT_EQ(result.kind, violation::exception);
    EXPECT_FALSE(result.retryable);
    return result.message;
  };
  EXPECT_THAT(error("[]"), HasSubstr("JSON object"));
  EXPECT_EQ(error(R"({"sample_ms": 5})"), "payload.sample_ms is 5: it must be a number from 10 to 60000");
  EXPECT_THAT(error(R"({"thresholds": 1})"), HasSubstr("cpu, memory or disk"));
  EXPECT_THAT(error(R"({"thresholds": {"gpu": {}}})"), HasSubstr("thresholds.gpu is unknown"));
  EXPECT_THAT(error(R"({"thresholds": {"cpu": 80}})"), HasSubstr("must be an object"));
  EXPECT_THAT(error(R"({"thresholds": {"cpu": {"high": 80}}})"), HasSubstr("cpu.high is unknown"));
  EXPECT_THAT(error(R"({"thresholds": {"cpu": {"warning": "x"}}})"),
              HasSubstr("payload.thresholds.cpu.warning is \"x\""));
  EXPECT_THAT(error(R"({"thresholds": {"cpu": {"critical": 101}}})"), HasSubstr("from 0 to 100"));
  EXPECT_THAT(error(R"({"thresholds": {"cpu": {"warning": 96}}})"), HasSubstr("must not be above critical"));
}
