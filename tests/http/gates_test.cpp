#include "http/gate_windows.hpp"
#include "tests/http/server_fixture.hpp"

using namespace overwatch;
using testing::HasSubstr;

namespace {

class GatesTest : public server_fixture {
protected:
  void SetUp() override { start(); }

  gate_definition stored(const std::string& name) {
    std::lock_guard lock{node->mutex};
    return node->gates.at(name).definition;
  }
};

std::vector<time_window> windows_of(const char* text, http::error_list& errors) {
  std::vector<time_window> out;
  auto value = boost::json::parse(text);
  http::read_windows({value, http::place{}, errors}, out);
  return out;
}

} // namespace

TEST_F(GatesTest, SwitchingNeedsNoDefinition) {
  auto reply = call("PUT", "/gates/deploy", R"({"open":false,"by":"ann","reason":"release"})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  auto gate = json_of(reply);
  EXPECT_EQ(gate.at("name").as_string(), "deploy");
  EXPECT_EQ(gate.at("kind").as_string(), "manual");
  EXPECT_EQ(gate.at("open"), boost::json::value(false));
  EXPECT_EQ(gate.at("by").as_string(), "ann");
  EXPECT_EQ(gate.at("reason").as_string(), "release");
  EXPECT_TRUE(gate.at("condition").is_null());
  EXPECT_EQ(gate.at("history").as_array().size(), 1u);
  auto opened = json_of(call("PUT", "/gates/deploy", R"({"open":true})"));
  EXPECT_TRUE(opened.at("by").is_null());
  EXPECT_EQ(opened.at("history").at(1).at("reason").as_string(), "release");
}

TEST_F(GatesTest, DeclaringWithoutBodyMakesAManualGate) {
  auto gate = json_of(call("PUT", "/gates/a%2Fb%20c"));
  EXPECT_EQ(gate.at("name").as_string(), "a/b c");
  EXPECT_EQ(gate.at("open"), boost::json::value(true));
}

TEST_F(GatesTest, HealthGateHasACondition) {
  auto reply = call("PUT", "/gates/cool", R"({"kind":"health","description":"d",
    "condition":{"metric":"cpu_percent","above":90,"margin":5,"for":"30s"}})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  auto condition = stored("cool").closes_while;
  EXPECT_EQ(condition.metric, "cpu_percent");
  EXPECT_EQ(condition.side, comparison::above);
  EXPECT_EQ(condition.threshold, 90);
  EXPECT_EQ(condition.lasting, std::chrono::seconds{30});
  EXPECT_EQ(boost::json::serialize(json_of(reply).at("condition")),
            R"({"metric":"cpu_percent","above":9E1,"margin":5E0,"for":30})");
  auto warm = call("PUT", "/gates/warm", R"({"kind":"health","condition":{"metric":"LOAD_PER_CORE","below":0.5}})");
  EXPECT_EQ(warm.status, 200);
  EXPECT_EQ(stored("warm").closes_while.metric, "load_per_core");
  EXPECT_EQ(stored("warm").closes_while.side, comparison::below);
  EXPECT_EQ(stored("warm").closes_while.margin, 2);
}

TEST_F(GatesTest, WindowGateHasTimes) {
  auto reply = call("PUT", "/gates/night", R"({"kind":"window","time_zone":"Europe/Berlin",
    "windows":[{"days":["mon-fri"],"from":"22:00","to":"06:30"},{"days":"sat,sun","from":"00:00","to":"00:00"}]})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  auto definition = stored("night");
  ASSERT_EQ(definition.windows.size(), 2u);
  EXPECT_EQ(definition.windows[0].days, 0x1F);
  EXPECT_EQ(definition.windows[0].from, 22 * 60);
  EXPECT_EQ(definition.windows[0].to, 6 * 60 + 30);
  EXPECT_EQ(definition.windows[1].days, 0x60);
  EXPECT_EQ(definition.time_zone, "Europe/Berlin");
  EXPECT_EQ(boost::json::serialize(json_of(reply).at("windows").at(0)),
            R"({"days":["mon","tue","wed","thu","fri"],"from":"22:00","to":"06:30"})");
}

TEST_F(GatesTest, WhatDoesNotFitTheKindIsNamed) {
  const std::vector<std::array<const char*, 2>> wrong{
    {R"({"kind":"health"})", "/condition"},
    {R"({"kind":"window"})", "/windows"},
    {R"({"kind":"window","windows":[]})", "/windows"},
    {R"({"kind":"manual","condition":{"metric":"cpu_percent","above":1}})", "/condition"},
    {R"({"kind":"manual","time_zone":"UTC"})", "/time_zone"},
    {R"({"kind":"approval","open":true})", "/open"},
    {R"({"description":"no kind"})", "/kind"},
    {R"({"kind":"switch"})", "/kind"},
    {R"({"open":"no"})", "/open"},
    {R"({"opened":true})", "/opened"},
    {R"({"kind":"health","condition":{"metric":"cpu","above":1}})", "/condition/metric"},
    {R"({"kind":"health","condition":{"above":1}})", "/condition/metric"},
    {R"({"kind":"health","condition":{"metric":"cpu_percent"}})", "/condition"},
    {R"({"kind":"health","condition":{"metric":"cpu_percent","above":1,"below":2}})", "/condition"},
    {R"({"kind":"health","condition":{"metric":"cpu_percent","above":"1"}})", "/condition/above"},
    {R"({"kind":"health","condition":{"metric":"cpu_percent","above":1,"margin":-1}})", "/condition/margin"},
    {R"({"kind":"health","condition":{"metric":"cpu_percent","above":1,"for":"2d"}})", "/condition/for"},
    {R"({"kind":"window","windows":[{"from":"1:00","to":"02:00"}]})", "/windows/0/from"},
    {R"({"kind":"window","windows":[{"from":"24:00","to":"02:00"}]})", "/windows/0/from"},
    {R"({"kind":"window","windows":[{"from":"01:00"}]})", "/windows/0/to"},
    {R"({"kind":"window","windows":[{"days":["mond"],"from":"01:00","to":"02:00"}]})", "/windows/0/days/0"},
    {R"({"kind":"window","windows":[{"days":[],"from":"01:00","to":"02:00"}]})", "/windows/0/days"},
    {R"({"kind":"window","windows":[5]})", "/windows/0"},
    {"[]", ""},
  };
  for (const auto& [body, field] : wrong) {
    auto reply = call("PUT", "/gates/g", body);
    EXPECT_EQ(reply.status, 422) << body << reply.body;
    EXPECT_EQ(error_field(reply), field) << body;
  }
  EXPECT_THAT(call("PUT", "/gates/g", R"({"kind":"switch"})").body,
              HasSubstr(R"("allowed":["manual","health","window","approval"])"));
  EXPECT_THAT(call("PUT", "/gates/g", R"({"kind":"health","condition":{"metric":"cpu","above":1}})").body,
              HasSubstr("cpu_percent, memory_percent, disk_percent"));
  EXPECT_EQ(call("PUT", "/gates/g", "{").status, 400);
  EXPECT_EQ(call("GET", "/gates/g").status, 404);
}

TEST_F(GatesTest, ListGetAndForget) {
  call("PUT", "/gates/b", R"({"open":false})");
  call("PUT", "/gates/a");
  auto list = json_of(call("GET", "/gates")).at("gates").as_array();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].at("name").as_string(), "a");
  EXPECT_FALSE(list[0].as_object().contains("history"));
  EXPECT_EQ(json_of(call("GET", "/gates/b")).at("open"), boost::json::value(false));
  EXPECT_EQ(json_of(call("DELETE", "/gates/b")).at("name").as_string(), "b");
  auto gone = call("GET", "/gates/b");
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(error_code(gone), "not_found");
  EXPECT_EQ(call("DELETE", "/gates/b").status, 404);
}

TEST(GateWindowsTest, DaysMayGoOverSunday) {
  http::error_list errors;
  const auto* text = R"([{"days":"sat-mon","from":"00:01","to":"23:59"},{"from":"01:00","to":"02:00"}])";
  auto windows = windows_of(text, errors);
  ASSERT_TRUE(errors.empty()) << errors.summary();
  EXPECT_EQ(windows[0].days, 0x61);
  EXPECT_EQ(windows[1].days, 0x7F);
}

TEST(GateWindowsTest, AreAtMost64) {
  std::string text = "[";
  for (size_t i = 0; i < max_windows; ++i)
    text += R"({"from":"01:00","to":"02:00"},)";
  http::error_list errors;
  EXPECT_EQ(windows_of((text.substr(0, text.size() - 1) + "]").c_str(), errors).size(), max_windows);
  EXPECT_TRUE(errors.empty());
  windows_of((text + R"({"from":"01:00","to":"02:00"}])").c_str(), errors);
  EXPECT_FALSE(errors.empty());
}
