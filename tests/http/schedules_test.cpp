#include "tests/http/server_fixture.hpp"

using namespace overwatch;
using testing::HasSubstr;

namespace {

class SchedulesTest : public server_fixture {
protected:
  void SetUp() override { start(); }

  schedule_definition stored(const std::string& name) {
    std::lock_guard lock{node->mutex};
    return node->schedules.at(name).definition;
  }
};

} // namespace

TEST_F(SchedulesTest, CronWithAllItsFields) {
  auto reply = call("PUT", "/schedules/nightly", R"({"cron":"0 3 * * mon-fri","time_zone":"Europe/Berlin",
    "missed":"all","overlap":"queue","starts_at":"2026-12-01T00:00:00Z","ends_at":"2027-01-01T00:00:00+01:00",
    "description":"d","paused":true,"task":{"name":"backup","task_type":"data_backup","timeout":"10m"}})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  auto definition = stored("nightly");
  EXPECT_EQ(definition.cron, "0 3 * * mon-fri");
  EXPECT_EQ(definition.missed, missed_policy::all);
  EXPECT_EQ(definition.overlap, overlap_policy::queue);
  EXPECT_EQ(*definition.ends_at - *definition.starts_at, std::chrono::hours{31 * 24 - 1});
  EXPECT_TRUE(definition.paused);
  EXPECT_EQ(definition.task.spec->name, "backup");
  EXPECT_EQ(definition.task.spec->timeout, std::chrono::minutes{10});
  EXPECT_EQ(definition.task_json, R"({"name":"backup","task_type":"data_backup","timeout":"10m"})");
  auto shown = json_of(reply);
  EXPECT_EQ(shown.at("name").as_string(), "nightly");
  EXPECT_EQ(shown.at("time_zone").as_string(), "Europe/Berlin");
  EXPECT_TRUE(shown.at("interval").is_null());
  EXPECT_EQ(shown.at("task").at("timeout").as_string(), "10m");
  EXPECT_EQ(shown.at("starts_at").as_string(), "2026-12-01T00:00:00.000000Z");
  EXPECT_TRUE(shown.at("last_task").is_null());
}

TEST_F(SchedulesTest, IntervalWithDefaults) {
  auto shown = json_of(call("PUT", "/schedules/often", R"({"interval":"90s","cron":null,"task":{"name":"n"}})"));
  EXPECT_EQ(shown.at("interval"), boost::json::value(90));
  EXPECT_TRUE(shown.at("cron").is_null());
  EXPECT_EQ(shown.at("missed").as_string(), "once");
  EXPECT_EQ(shown.at("overlap").as_string(), "skip");
  EXPECT_EQ(shown.at("paused"), boost::json::value(false));
  EXPECT_TRUE(shown.at("history").as_array().empty());
}

TEST_F(SchedulesTest, WhatIsWrongIsNamed) {
  const std::vector<std::array<const char*, 2>> wrong{
    {R"({"task":{"name":"n"}})", "/cron"},
    {R"({"cron":"* * * * *","interval":5,"task":{"name":"n"}})", "/cron"},
    {R"({"cron":"* * * * *"})", "/task"},
    {R"({"cron":5,"task":{"name":"n"}})", "/cron"},
    {R"({"interval":0.5,"task":{"name":"n"}})", "/interval"},
    {R"({"interval":"x","task":{"name":"n"}})", "/interval"},
    {R"({"interval":5,"task":{}})", "/task/name"},
    {R"({"interval":5,"task":{"name":"n","priority":"urgent"}})", "/task/priority"},
    {R"({"interval":5,"task":{"name":"n","unique_key":"k"}})", "/task/unique_key"},
    {R"({"interval":5,"task":{"name":"n","scheduled_at":"+5m"}})", "/task/scheduled_at"},
    {R"({"interval":5,"task":{"name":"n","deadline":"2030-01-01T00:00:00Z"}})", "/task/deadline"},
    {R"({"interval":5,"task":{"name":"n","deadline":"-5m"}})", "/task/deadline"},
    {R"({"interval":5,"task":{"name":"n","deadline":5}})", "/task/deadline"},
    {R"({"interval":5,"task":{"name":"n","origin":{"kind":"api"}}})", "/task/origin"},
    {R"({"interval":5,"task":{"name":"n"},"missed":"never"})", "/missed"},
    {R"({"interval":5,"task":{"name":"n"},"overlap":"wait"})", "/overlap"},
    {R"({"interval":5,"task":{"name":"n"},"time_zone":""})", "/time_zone"},
    {R"({"interval":5,"task":{"name":"n"},"starts_at":"tomorrow"})", "/starts_at"},
    {R"({"interval":5,"task":{"name":"n"},"starts_at":"+2h","ends_at":"+1h"})", "/ends_at"},
    {R"({"interval":5,"task":{"name":"n"},"every":5})", "/every"},
  };
  for (const auto& [body, field] : wrong) {
    auto reply = call("PUT", "/schedules/s", body);
    EXPECT_EQ(reply.status, 422) << body << reply.body;
    EXPECT_EQ(error_field(reply), field) << body;
  }
  EXPECT_THAT(call("PUT", "/schedules/s", R"({"interval":5,"task":{"name":"n"},"missed":"never"})").body,
              HasSubstr(R"("allowed":["skip","once","all"])"));
  EXPECT_EQ(call("PUT", "/schedules/s", "{").status, 400);
  EXPECT_EQ(call("PUT", "/schedules/s").status, 400);
}

TEST_F(SchedulesTest, FieldsThatAreSetPerSlotMayBeNull) {
  EXPECT_EQ(call("PUT", "/schedules/s",
                 R"({"interval":5,"task":{"name":"n","id":null,"unique_key":null,"deadline":null}})")
              .status,
            200);
}

TEST_F(SchedulesTest, DeadlineIsFromTheStartOn) {
  call("PUT", "/schedules/s", R"({"interval":5,"task":{"name":"n","deadline":"+1h"}})");
  const auto& spec = *stored("s").task.spec;
  EXPECT_EQ(*spec.deadline - spec.created_at, std::chrono::hours{1});
}

TEST_F(SchedulesTest, PauseResumeRunNext) {
  call("PUT", "/schedules/s", R"({"interval":5,"task":{"name":"n"}})");
  EXPECT_EQ(json_of(call("POST", "/schedules/s/pause")).at("paused"), boost::json::value(true));
  EXPECT_EQ(json_of(call("POST", "/schedules/s/resume")).at("paused"), boost::json::value(false));
  auto ran = json_of(call("POST", "/schedules/s/run"));
  EXPECT_EQ(ran.at("history").at(0).at("outcome").as_string(), "submitted");
  EXPECT_EQ(ran.at("history").at(0).at("by_hand"), boost::json::value(true));
  EXPECT_TRUE(ran.at("history").at(0).at("task").is_string());
  EXPECT_TRUE(ran.at("history").at(0).at("note").is_null());
  auto next = json_of(call("GET", "/schedules/s/next"));
  EXPECT_EQ(next.at("name").as_string(), "s");
  EXPECT_EQ(next.at("slots").as_array().size(), 10u);
  EXPECT_EQ(json_of(call("GET", "/schedules/s/next?count=100")).at("slots").as_array().size(), 100u);
  for (const auto* query : {"count=0", "count=101", "count=x", "n=1"})
    EXPECT_EQ(call("GET", std::string{"/schedules/s/next?"} + query).status, 422) << query;
  for (const auto* action : {"pause", "resume", "run"})
    EXPECT_EQ(call("POST", std::string{"/schedules/none/"} + action).status, 404);
  EXPECT_EQ(call("GET", "/schedules/none/next").status, 404);
}

TEST_F(SchedulesTest, ListGetAndDelete) {
  call("PUT", "/schedules/b", R"({"interval":5,"task":{"name":"n"}})");
  call("PUT", "/schedules/a", R"({"interval":5,"task":{"name":"n"}})");
  auto list = json_of(call("GET", "/schedules")).at("schedules").as_array();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].at("name").as_string(), "a");
  EXPECT_FALSE(list[0].as_object().contains("history"));
  EXPECT_EQ(json_of(call("GET", "/schedules/b")).at("name").as_string(), "b");
  EXPECT_EQ(json_of(call("DELETE", "/schedules/b")).at("name").as_string(), "b");
  auto gone = call("GET", "/schedules/b");
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(error_code(gone), "not_found");
}
