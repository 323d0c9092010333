#include "http/router.hpp"
#include "tests/http/server_fixture.hpp"

using namespace overwatch;

namespace {

class EveryRouteTest : public server_fixture {
protected:
  void SetUp() override { start(); }
};

// Routes that answer whatever the gateway's state is, or with a stream.
bool stands_alone(std::string_view pattern) {
  for (auto path : {"/", "/api/overwatch/openapi.json", "/api/overwatch/health", "/api/overwatch/health/live",
                    "/api/overwatch/events"})
    if (pattern == path)
      return true;
  return false;
}

// A body that the route accepts.
std::string body_of(const http::route& x) {
  auto key = std::string{x.method} + ' ' + std::string{x.pattern};
  const std::vector<std::pair<std::string, std::string>> bodies{
    {"POST /api/overwatch/tasks", R"({"name":"n"})"},
    {"POST /api/overwatch/tasks/batch", R"({"name":"n"})"},
    {"PATCH /api/overwatch/tasks/{id}", R"({"priority":"low"})"},
    {"POST /api/overwatch/tasks/{id}/approve", R"({"by":"ann","reason":"seen"})"},
    {"POST /api/overwatch/workflows", R"({"name":"n","tasks":[{"name":"a"}]})"},
    {"PUT /api/overwatch/schedules/{name}", R"({"interval":5,"task":{"name":"n"}})"},
    {"PUT /api/overwatch/rules/{name}", R"({"make":"return {}"})"},
    {"POST /api/overwatch/rules/test", R"({"make":"return {}"})"},
    {"PUT /api/overwatch/config", R"({"retention":5})"},
    {"PUT /api/overwatch/pools/{type}", R"({"slots":4})"},
    {"PUT /api/overwatch/cluster/nodes/{name}", R"({"address":"127.0.0.1:7701"})"},
    {"POST /api/overwatch/workers", R"({"name":"n","types":{"resize":1}})"},
    {"POST /api/overwatch/workers/{worker}/finish",
     R"({"attempts":[{"id":"01935000-0000-7000-8000-00000000002a","token":"1.1"}]})"},
    {"POST /orchestrator/submit", R"({"task_type":"user_task"})"},
  };
  for (const auto& [route, body] : bodies)
    if (route == key)
      return body;
  return {};
}

std::string path_of(const http::route& x) {
  std::string path{x.pattern};
  for (auto open = path.find('{'); open != std::string::npos; open = path.find('{')) {
    auto size = path.find('}') - open + 1;
    path.replace(open, size, path.compare(open, size, "{id}") == 0       ? "01935000-0000-7000-8000-00000000002a"
                             : path.compare(open, size, "{number}") == 0 ? "0"
                                                                         : "x");
  }
  return path;
}

} // namespace

TEST_F(EveryRouteTest, PassesTheFailureOfTheRuntimeOn) {
  {
    std::lock_guard lock{node->mutex};
    node->error = {ec::unavailable, "", "starting"};
  }
  size_t asked = 0;
  for (const auto& route : http::all_routes()) {
    if (stands_alone(route.pattern))
      continue;
    ++asked;
    auto reply = fetch(server->port(), std::string{route.method}, path_of(route), body_of(route));
    EXPECT_EQ(reply.status, 503) << route.method << ' ' << route.pattern << reply.body;
    EXPECT_EQ(reply.headers["retry-after"], "1") << route.method << ' ' << route.pattern;
  }
  EXPECT_GE(asked, 60u);
}

TEST_F(EveryRouteTest, RefusesParametersThatItDoesNotKnow) {
  for (const auto& route : http::all_routes()) {
    auto reply = fetch(server->port(), std::string{route.method}, path_of(route) + "?no_such_parameter=1");
    EXPECT_EQ(reply.status, 422) << route.method << ' ' << route.pattern << reply.body;
  }
}

TEST_F(EveryRouteTest, RefusesAnIdThatIsNone) {
  for (const auto& route : http::all_routes()) {
    auto open = route.pattern.find("{id}");
    if (open == std::string_view::npos)
      continue;
    std::string path{route.pattern};
    auto reply = fetch(server->port(), std::string{route.method}, path.replace(open, 4, "no-id"), body_of(route));
    EXPECT_EQ(reply.status, 404) << route.method << ' ' << route.pattern << reply.body;
  }
}
