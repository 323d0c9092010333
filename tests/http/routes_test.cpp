#include "http/router.hpp"
#include "tests/http/server_fixture.hpp"

#include <set>

using namespace overwatch;
using testing::HasSubstr;

namespace {

class RoutesTest : public server_fixture {
protected:
  void SetUp() override { start(); }
};

const std::string unknown_id = "01935000-0000-7000-8000-00000000002a";

} // namespace

TEST_F(RoutesTest, CreatedTaskIsAnsweredWhole) {
  auto reply = call("POST", "/tasks", R"({"name":"n","priority":1,"payload":{"a":1}})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  auto task = json_of(reply);
  EXPECT_EQ(task.at("priority").as_string(), "high");
  EXPECT_EQ(task.at("status").as_string(), "queued");
  EXPECT_EQ(reply.headers["location"], "/api/overwatch/tasks/" + std::string{task.at("id").as_string().c_str()});
  EXPECT_EQ(reply.headers.count("overwatch-existing"), 0u);
  auto again = json_of(fetch(server->port(), "GET", reply.headers["location"]));
  EXPECT_EQ(again, task);
}

TEST_F(RoutesTest, SecondSubmitWithAKeyGetsTheFirstTask) {
  auto first = create(R"({"name":"first","unique_key":"k"})");
  auto reply = call("POST", "/tasks", R"({"name":"second","unique_key":"k"})");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers["overwatch-existing"], "true");
  EXPECT_EQ(json_of(reply).at("id").as_string(), first);
  EXPECT_EQ(json_of(reply).at("name").as_string(), "first");
}

TEST_F(RoutesTest, RefusedTaskNamesItsFields) {
  auto reply = call("POST", "/tasks", R"({"priority":9,"zz":1})");
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(error_code(reply), "invalid");
  EXPECT_EQ(error_field(reply), "/priority");
  auto detail = json_of(reply).at("detail").as_array();
  ASSERT_EQ(detail.size(), 3u);
  EXPECT_EQ(boost::json::serialize(detail[0].at("loc")), R"(["body","priority"])");
  EXPECT_EQ(detail[0].at("input"), boost::json::value(9));
  EXPECT_EQ(detail[1].at("type").as_string(), "extra_forbidden");
  EXPECT_EQ(detail[2].at("type").as_string(), "missing");
}

TEST_F(RoutesTest, UnknownTypeIsContentThatIsWrong) {
  auto reply = call("POST", "/tasks", R"({"name":"n","task_type":"nobody_knows"})");
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(error_code(reply), "unknown_type");
  EXPECT_EQ(error_field(reply), "/task_type");
}

TEST_F(RoutesTest, ListIsABareArrayWithCursors) {
  for (int i = 0; i < 5; ++i)
    create("{\"name\":\"" + std::to_string(i) + "\"}");
  auto first = call("GET", "/tasks?limit=2&q=a%20b");
  auto tasks = json_of(first).as_array();
  ASSERT_EQ(tasks.size(), 2u);
  EXPECT_EQ(tasks[0].at("name").as_string(), "4");
  EXPECT_FALSE(tasks[0].as_object().contains("payload"));
  auto cursor = first.headers["overwatch-next-cursor"];
  EXPECT_EQ(cursor, std::string{tasks[1].at("id").as_string().c_str()});
  EXPECT_EQ(first.headers["link"], "</api/overwatch/tasks?limit=2&q=a%20b&cursor=" + cursor + ">; rel=\"next\"");
  auto second = json_of(call("GET", "/tasks?limit=4&cursor=" + cursor)).as_array();
  EXPECT_EQ(second.size(), 3u);
}

TEST_F(RoutesTest, FiltersReachTheGateway) {
  ASSERT_EQ(call("GET",
                 "/tasks?status=queued,RUNNING&status=failed&task_type=a,b&priority=high&tags=x&assigned_to=me&"
                 "subsystem=core&context.user_id=u&origin=task&origin_id=o&created_from=2026-01-01T00:00:00+01:00&"
                 "created_to=2026-02-01T00:00:00Z&q=hello+you&limit=1000")
              .status,
            200);
  std::lock_guard lock{node->mutex};
  const auto& x = node->lists.back();
  EXPECT_THAT(x.filter.statuses, testing::ElementsAre(task_status::queued, task_status::running, task_status::failed));
  EXPECT_THAT(x.filter.task_types, testing::ElementsAre("a", "b"));
  EXPECT_THAT(x.filter.priorities, testing::ElementsAre(priority::high));
  EXPECT_EQ(x.filter.context.at("user_id"), "u");
  EXPECT_EQ(x.filter.origin, origin_kind::task);
  EXPECT_EQ(x.filter.origin_id, "o");
  EXPECT_EQ(x.filter.text, "hello you");
  EXPECT_EQ(*x.filter.created_to - *x.filter.created_from, std::chrono::hours{31 * 24 + 1});
  EXPECT_EQ(x.limit, 1000u);
}

TEST_F(RoutesTest, WrongParametersAreNamed) {
  for (const auto* query : {"limit=0", "limit=1001", "limit=x", "status=bad", "priority=9", "cursor=x",
                            "created_from=x", "origin=x", "statuss=queued", "q=%FF", "q=%zz", "q=%00", "limit=10%"}) {
    auto reply = call("GET", std::string{"/tasks?"} + query);
    EXPECT_EQ(reply.status, 422) << query << reply.body;
    EXPECT_EQ(error_code(reply), "invalid");
  }
  auto reply = call("GET", "/tasks?statuss=queued");
  EXPECT_EQ(error_field(reply), "statuss");
  EXPECT_THAT(reply.body, HasSubstr("nearest that are allowed: status,"));
  EXPECT_THAT(reply.body, HasSubstr(R"("loc":["query","statuss"])"));
  EXPECT_EQ(call("GET", "/stats?x=1").status, 422);
}

TEST_F(RoutesTest, OneTask) {
  auto id = create();
  EXPECT_EQ(json_of(call("GET", "/tasks/" + id)).at("name").as_string(), "n");
  EXPECT_EQ(call("GET", "/tasks/" + id + "?wait=0").status, 200);
  EXPECT_EQ(call("GET", "/tasks/" + id + "?wait=30").status, 200);
  EXPECT_EQ(call("GET", "/tasks/" + id + "?wait=61").status, 422);
  EXPECT_EQ(error_code(call("GET", "/tasks/" + unknown_id)), "not_found");
  EXPECT_EQ(call("GET", "/tasks/" + unknown_id).status, 404);
  EXPECT_EQ(call("GET", "/tasks/no-uuid").status, 404);
  EXPECT_EQ(call("DELETE", "/tasks/" + id).status, 200);
  EXPECT_EQ(call("DELETE", "/tasks/" + id).status, 404);
}

TEST_F(RoutesTest, CancelRetryLogsWhy) {
  auto id = create();
  EXPECT_EQ(json_of(call("POST", "/tasks/" + id + "/cancel", R"({"reason":"because"})")).at("status").as_string(),
            "cancelled");
  {
    std::lock_guard lock{node->mutex};
    EXPECT_EQ(node->cancels.back().reason, "because");
  }
  auto again = call("POST", "/tasks/" + id + "/cancel");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(error_code(again), "conflict");
  EXPECT_EQ(call("POST", "/tasks/" + id + "/cancel", R"({"why":"x"})").status, 422);
  EXPECT_EQ(call("POST", "/tasks/" + id + "/cancel", "{").status, 400);
  auto retried = json_of(call("POST", "/tasks/" + id + "/retry"));
  EXPECT_EQ(retried.at("origin").at("id").as_string(), id);
  EXPECT_EQ(call("POST", "/tasks/" + unknown_id + "/retry").status, 404);
  auto log = json_of(call("GET", "/tasks/" + id + "/logs?after=4&limit=10"));
  EXPECT_EQ(log.at("entries").at(0).at("sequence"), boost::json::value(5));
  EXPECT_EQ(log.at("entries").at(0).at("data").at("a"), boost::json::value(1));
  EXPECT_EQ(log.at("next"), boost::json::value(5));
  auto why = json_of(call("GET", "/tasks/" + id + "/why"));
  EXPECT_EQ(why.at("kind").as_string(), "slot");
  EXPECT_EQ(why.at("data").at("slots").as_string(), "4");
}

TEST_F(RoutesTest, BatchAsArray) {
  auto reply = call("POST", "/tasks/batch", R"([{"name":"a"}, {"name":1}, {"name":"c","task_type":"nobody_knows"},
    {"name":"x,]}\"["}, oops])");
  ASSERT_EQ(reply.status, 200) << reply.body;
  auto value = json_of(reply);
  EXPECT_EQ(value.at("accepted"), boost::json::value(2));
  EXPECT_EQ(value.at("refused"), boost::json::value(3));
  auto tasks = value.at("tasks").as_array();
  EXPECT_EQ(tasks[0].at("status").as_string(), "queued");
  EXPECT_EQ(tasks[1].at("error").at("errors").at(0).at("field").as_string(), "/name");
  EXPECT_EQ(tasks[1].at("index"), boost::json::value(1));
  EXPECT_EQ(tasks[2].at("error").at("code").as_string(), "unknown_type");
  EXPECT_TRUE(tasks[3].as_object().contains("id"));
  EXPECT_EQ(tasks[4].at("error").at("code").as_string(), "malformed");
}

TEST_F(RoutesTest, BatchAsLines) {
  std::string body = "{\"name\":\"a\"}\r\n\n{\"name\":\"b\"}\n";
  EXPECT_EQ(json_of(call("POST", "/tasks/batch", body)).at("accepted"), boost::json::value(2));
  auto typed = call("POST", "/tasks/batch", body, "Content-Type: application/x-ndjson\r\n");
  EXPECT_EQ(json_of(typed).at("accepted"), boost::json::value(2));
}

TEST_F(RoutesTest, BatchThatIsNoneIsRefused) {
  for (const auto* body : {"[", "[{\"name\":\"a\"}", "[{\"name\":\"a]", "[] x", "[}", "7", "\"a\""})
    EXPECT_EQ(call("POST", "/tasks/batch", body).status, 400) << body;
  EXPECT_EQ(call("POST", "/tasks/batch", "[]").status, 422);
  EXPECT_EQ(call("POST", "/tasks/batch", "[ ]").status, 422);
  EXPECT_EQ(call("POST", "/tasks/batch").status, 422);
}

TEST_F(RoutesTest, BatchHoldsTenThousandAndNotOneMore) {
  std::string body;
  for (int i = 0; i < 10'000; ++i)
    body += "{\"name\":\"a\"}\n";
  EXPECT_EQ(json_of(call("POST", "/tasks/batch", body)).at("accepted"), boost::json::value(10'000));
  EXPECT_EQ(call("POST", "/tasks/batch", body + "{\"name\":\"a\"}\n").status, 422);
}

TEST_F(RoutesTest, ManualTasks) {
  auto health = json_of(call("POST", "/tasks/health-check"));
  EXPECT_EQ(health.at("name").as_string(), "Manual Health Check");
  EXPECT_EQ(health.at("task_type").as_string(), "system_health");
  EXPECT_EQ(health.at("priority").as_string(), "high");
  auto obd2 = json_of(call("POST", "/tasks/obd2-diagnostic"));
  EXPECT_EQ(obd2.at("subsystem").as_string(), "obd2");
  EXPECT_EQ(obd2.at("priority").as_string(), "normal");
  for (const auto* name : {"performance-check", "backup", "maintenance", "security-scan"})
    EXPECT_EQ(call("POST", std::string{"/tasks/"} + name).status, 200) << name;
}

TEST_F(RoutesTest, StartStopGenerate) {
  EXPECT_EQ(json_of(call("POST", "/tasks/generate")).at("message").as_string(), "Tasks generated successfully");
  EXPECT_EQ(json_of(call("POST", "/start")).at("message").as_string(), "Overwatch system is already running");
  EXPECT_EQ(json_of(call("POST", "/stop?now=true")).at("message").as_string(), "Overwatch system stopped");
  {
    std::lock_guard lock{node->mutex};
    EXPECT_TRUE(node->dispatches.back().cancel_running);
  }
  EXPECT_EQ(json_of(call("POST", "/stop")).at("message").as_string(), "Overwatch system is not running");
  auto refused = call("POST", "/tasks/generate");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(json_of(refused).at("detail").as_string(), "Overwatch system is not running");
  EXPECT_EQ(json_of(call("POST", "/start")).at("message").as_string(), "Overwatch system starting");
  EXPECT_EQ(call("POST", "/stop?now=maybe").status, 422);
}

TEST_F(RoutesTest, StatusAndStatsHaveTheContractsShape) {
  create();
  auto status = json_of(call("GET", "/status"));
  EXPECT_EQ(status.at("running"), boost::json::value(true));
  EXPECT_TRUE(status.at("system_state").as_object().contains("last_backup"));
  EXPECT_EQ(status.at("scheduler_stats").at("queue_size"), boost::json::value(3));
  EXPECT_EQ(status.at("scheduler_stats").at("running_tasks"), boost::json::value(2));
  EXPECT_EQ(status.at("scheduler_stats").at("average_execution_time"), boost::json::value(1.5));
  EXPECT_EQ(status.at("scheduler_stats").at("task_stats").at("completed"), boost::json::value(4));
  EXPECT_EQ(status.at("generation_interval"), boost::json::value(60));
  EXPECT_EQ(status.at("health_status").as_string(), "healthy");
  auto stats = json_of(call("GET", "/stats"));
  for (const auto* field : {"total_submitted", "total_completed", "total_failed", "currently_running", "queue_size",
                            "average_execution_time", "recent_tasks"})
    EXPECT_TRUE(stats.as_object().contains(field)) << field;
  EXPECT_EQ(stats.at("recent_tasks").as_array().size(), 1u);
  EXPECT_EQ(stats.at("by_status").at("queued"), boost::json::value(3));
}

TEST_F(RoutesTest, ConfigShowsAndChanges) {
  auto config = json_of(call("GET", "/config"));
  EXPECT_EQ(config.at("max_concurrent_tasks"), boost::json::value(10));
  EXPECT_EQ(config.at("slots").at("user_task"), boost::json::value(4));
  EXPECT_EQ(config.at("registered_handlers").at(0).as_string(), "user_task");
  EXPECT_EQ(config.at("restart_settings").at("http.port").as_string(), "8765");
  auto by_query = json_of(call("PUT", "/config?generation_interval=30"));
  EXPECT_EQ(by_query.at("message").as_string(), "Configuration updated successfully");
  EXPECT_EQ(by_query.at("updated").at("generation_interval"), boost::json::value(30));
  auto by_body = json_of(call("PUT", "/config", R"({"retention":"1d","slots":{"user_task":2},"http.port":1})"));
  EXPECT_EQ(by_body.at("updated").at("retention"), boost::json::value(86400));
  EXPECT_EQ(by_body.at("updated").at("slots.user_task"), boost::json::value(2));
  EXPECT_EQ(by_body.at("needs_restart").at(0).as_string(), "http.port");
  EXPECT_EQ(call("PUT", "/config", R"({"max_concurrent_tasks":0})").status, 422);
  EXPECT_EQ(call("PUT", "/config", R"({"max_concurent_tasks":4})").status, 422);
  EXPECT_EQ(call("PUT", "/config?zz=4").status, 422);
  EXPECT_EQ(call("PUT", "/config", "[1]").status, 422);
}

TEST_F(RoutesTest, PoolsAndWorkers) {
  auto pools = json_of(call("GET", "/pools"));
  EXPECT_EQ(pools.at("pools").at(0).at("slots"), boost::json::value(4));
  EXPECT_EQ(pools.at("types_without_handler").at(0).as_string(), "data_backup");
  EXPECT_EQ(json_of(call("GET", "/workers")).at("workers").at(0).at("id").as_string(), "test/user_task/1");
  EXPECT_EQ(json_of(call("PUT", "/pools/user_task", R"({"slots":7})")).at("slots"), boost::json::value(7));
  EXPECT_EQ(call("PUT", "/pools/user_task", "{}").status, 422);
  EXPECT_EQ(call("PUT", "/pools/user_task").status, 400);
  EXPECT_EQ(call("PUT", "/pools/nothing", R"({"slots":7})").status, 404);
}

TEST_F(RoutesTest, Health) {
  auto health = json_of(call("GET", "/health"));
  EXPECT_EQ(health.at("status").as_string(), "healthy");
  EXPECT_EQ(health.at("version").as_string(), "1.2.3");
  EXPECT_EQ(call("GET", "/health/live").status, 200);
  EXPECT_EQ(call("GET", "/health/ready").status, 200);
  {
    std::lock_guard lock{node->mutex};
    node->status.ready = false;
    node->status.problem = "the disk is full";
  }
  auto ready = call("GET", "/health/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_EQ(error_code(ready), "unavailable");
  EXPECT_THAT(ready.body, HasSubstr("the disk is full"));
  EXPECT_EQ(json_of(call("GET", "/health")).at("status").as_string(), "unhealthy");
  EXPECT_EQ(json_of(fetch(server->port(), "GET", "/")).at("links").at("metrics").as_string(), "/metrics");
}

TEST_F(RoutesTest, EveryErrorOfTheRuntimeHasItsStatus) {
  const std::map<ec, int> statuses{{ec::invalid, 422},   {ec::unknown_type, 422}, {ec::not_found, 404},
                                   {ec::conflict, 409},  {ec::overloaded, 429},   {ec::no_space, 507},
                                   {ec::unavailable, 503}, {ec::timed_out, 504},  {ec::too_large, 413},
                                   {ec::internal, 500}};
  for (const auto& [code, status] : statuses) {
    {
      std::lock_guard lock{node->mutex};
      node->error = {code, code == ec::invalid ? "/name" : "", "a sentence"};
    }
    const std::string task = R"({"name":"n"})";
    const std::vector<std::array<std::string, 3>> calls{{"POST", "/tasks", task},
                                                        {"POST", "/tasks/batch", task},
                                                        {"GET", "/tasks", ""},
                                                        {"GET", "/tasks/" + unknown_id, ""},
                                                        {"GET", "/stats", ""},
                                                        {"GET", "/status", ""},
                                                        {"GET", "/config", ""},
                                                        {"GET", "/pools", ""},
                                                        {"GET", "/workers", ""},
                                                        {"GET", "/metrics", ""},
                                                        {"POST", "/stop", ""},
                                                        {"POST", "/start", ""},
                                                        {"PUT", "/config?retention=5", ""},
                                                        {"POST", "/tasks/" + unknown_id + "/cancel", ""},
                                                        {"POST", "/tasks/backup", ""},
                                                        {"POST", "/tasks/generate", ""}};
    for (const auto& [method, target, body] : calls) {
      auto reply = call(method, target, body);
      EXPECT_EQ(reply.status, status) << method << target << reply.body;
      EXPECT_EQ(error_code(reply), to_string(code));
      EXPECT_EQ(reply.headers.count("retry-after"), status == 429 || status == 503 ? 1u : 0u);
    }
  }
}

TEST_F(RoutesTest, BatchThatIsWhollyOverloadedSaysSo) {
  {
    std::lock_guard lock{node->mutex};
    node->error = {ec::overloaded, "", "too much in flight"};
  }
  auto reply = call("POST", "/tasks/batch", R"([{"name":"a"},{"name":"b"}])");
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.headers["retry-after"], "1");
}

TEST_F(RoutesTest, PathsAreExact) {
  for (const auto* path :
       {"/tasksfoo", "/TASKS", "/tasks/", "//tasks", "/tasks/a/b/c", "/tasks/../tasks", "/", "", "/a/b/c/d/e/f/g/h/i"})
    EXPECT_EQ(call("GET", path).status, 404) << path;
  EXPECT_EQ(call("GET", "/task%73").status, 200);
  EXPECT_EQ(call("GET", "/tasks%00").status, 400);
  EXPECT_EQ(call("GET", "/tasks%zz").status, 400);
}

TEST_F(RoutesTest, WrongMethodNamesTheRightOnes) {
  auto reply = call("PUT", "/tasks");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(error_code(reply), "method_not_allowed");
  EXPECT_EQ(reply.headers["allow"], "POST, GET, HEAD, OPTIONS");
  EXPECT_EQ(call("DELETE", "/tasks/batch").status, 404); // no task has this id
  EXPECT_EQ(call("GET", "/start").headers["allow"], "POST, OPTIONS");
  auto options = call("OPTIONS", "/tasks");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.headers["allow"], "POST, GET, HEAD, OPTIONS");
  EXPECT_EQ(call("OPTIONS", "/nothing").status, 404);
}

TEST_F(RoutesTest, HeadIsGetWithoutBody) {
  auto reply = call("HEAD", "/health/live");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers["content-length"], "18");
  EXPECT_EQ(call("HEAD", "/nothing").status, 404);
}

TEST(RouteTableTest, IsListedWithoutDuplicates) {
  std::set<std::string> seen;
  for (const auto& route : http::all_routes()) {
    EXPECT_TRUE(seen.insert(std::string{route.method} + ' ' + std::string{route.pattern}).second) << route.pattern;
    EXPECT_NE(route.handle, nullptr);
    http::router router{http::all_routes()};
    std::string path{route.pattern};
    for (auto open = path.find('{'); open != std::string::npos; open = path.find('{'))
      path.replace(open, path.find('}') - open + 1, "x");
    EXPECT_NE(router.find(route.method, path).position, http::router::none) << path;
  }
  EXPECT_GE(seen.size(), 30u);
}
