#include "runtime/handlers/performance_check.hpp"

#include "tests/handlers/attempt.hpp"

#include <boost/json.hpp>

#include <gmock/gmock.h>

using namespace overwatch;
using testing::HasSubstr;
namespace json = boost::json;

TEST(PerformanceCheckTest, ProfilesThisMachine) {
  attempt attempt{R"({"duration_s": 1, "top_n": 2})"};
  auto result = run_performance_check(*attempt.context);
  ASSERT_EQ(result.kind, violation::none) << result.message;
  auto report = json::parse(result.result).as_object();
  const auto& inputs = report.at("score_inputs");
  auto left = [&inputs](const char* name) { return 100 - inputs.at(name).to_number<double>(); };
  EXPECT_NEAR(report.at("score").to_number<double>(), (left("cpu") + left("memory") + left("disk")) / 3, 0.2);
  EXPECT_THAT(std::string{report.at("formula").as_string().c_str()}, HasSubstr("/ 3"));
  EXPECT_GE(report.at("samples").to_number<int>(), 5);
  EXPECT_GE(report.at("duration_s").to_number<double>(), 1);
  EXPECT_LE(report.at("run_queue").at("min").to_number<double>(), report.at("run_queue").at("max").to_number<double>());
  EXPECT_GE(report.at("run_queue").at("min").to_number<double>(), 1) << "at least this test runs";
  EXPECT_GT(report.at("context_switches_per_s").to_number<double>(), 0);
  EXPECT_TRUE(report.at("cpu").at("modes").as_object().contains("softirq"));
  EXPECT_TRUE(report.at("disks").is_array());
  EXPECT_FALSE(report.at("networks").as_array().empty());
  const auto& by_memory = report.at("processes").at("by_memory").as_array();
  ASSERT_EQ(by_memory.size(), 2u);
  EXPECT_GE(by_memory[0].at("resident_bytes").to_number<double>(),
            by_memory[1].at("resident_bytes").to_number<double>());
  EXPECT_DOUBLE_EQ(attempt.report->take().percent, 100);
}

TEST(PerformanceCheckTest, StopsWhileItSamples) {
  attempt attempt{R"({"duration_s": 300})"};
  attempt.stop->request(cancellation::cause::timeout);
  auto result = run_performance_check(*attempt.context);
  EXPECT_EQ(result.kind, violation::exception);
  EXPECT_EQ(result.message, "stopped after 0 samples");
}

TEST(PerformanceCheckTest, OptionsHaveDefaultsAndRanges) {
  performance_check_options options;
  EXPECT_EQ(parse_options("{}", options), "");
  EXPECT_EQ(options.duration, milliseconds{5000});
  EXPECT_EQ(options.top_n, 5u);
  EXPECT_EQ(parse_options(R"({"duration_s": 1.5, "top_n": 50, "note": "unrelated"})", options), "");
  EXPECT_EQ(options.duration, milliseconds{1500});
  EXPECT_EQ(options.top_n, 50u);
  EXPECT_THAT(parse_options(R"({"duration_s": 301})", options), HasSubstr("from 1 to 300"));
  EXPECT_THAT(parse_options(R"({"duration_s": 0.5})", options), HasSubstr("payload.duration_s is 0.5"));
  EXPECT_THAT(parse_options(R"({"top_n": 0})", options), HasSubstr("from 1 to 50"));
}
