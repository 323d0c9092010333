#include "http/http_metrics.hpp"
#include "tests/http/server_fixture.hpp"

#include <cstdio>
#include <cstdlib>

using namespace overwatch;
using testing::HasSubstr;

namespace {

class MetricsTest : public server_fixture {
protected:
  void SetUp() override { start(); }
};

// Exit status of `promtool check metrics`; 127 when it is not installed.
int promtool(const std::string& text) {
  auto* pipe = popen("promtool check metrics >&2", "w");
  fwrite(text.data(), 1, text.size(), pipe);
  return WEXITSTATUS(pclose(pipe));
}

} // namespace

TEST_F(MetricsTest, CountsByRouteAndStatus) {
  raw_client client{server->port()};
  client.request("GET", "/api/overwatch/health/live");
  client.request("GET", "/api/overwatch/health/live");
  client.request("POST", "/api/overwatch/tasks", "{}");
  auto text = client.request("GET", "/metrics").body;
  client.request("GET", "/nothing");
  text += fetch(server->port(), "GET", "/metrics").body;
  EXPECT_THAT(text,
              HasSubstr("overwatch_http_requests_total{route=\"GET /api/overwatch/health/live\",status=\"200\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("overwatch_http_requests_total{route=\"none\",status=\"404\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("overwatch_http_requests_total{route=\"POST /api/overwatch/tasks\",status=\"422\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("overwatch_http_request_duration_seconds_count{route=\"GET /api/overwatch/health/live\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("overwatch_http_connections 1\n"));
  EXPECT_THAT(text, HasSubstr("overwatch_tasks{status=\"a\\\"b\\\\c\\nd\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("overwatch_start_seconds_bucket{le=\"+Inf\"} 2\n"));
}

TEST_F(MetricsTest, PrometheusAcceptsThem) {
  call("GET", "/health/live");
  auto reply = call("GET", "/metrics");
  EXPECT_EQ(reply.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  auto status = promtool(reply.body);
  if (status == 127)
    GTEST_SKIP() << "promtool is not installed";
  EXPECT_EQ(status, 0) << reply.body;
}

TEST(PrometheusTextTest, LeavesOutEmptyFamiliesAndWritesInfinity) {
  auto text =
    http::prometheus_text({{"a", "A.", metric_type::gauge, {}},
                           {"b", "B.", metric_type::gauge, {{{}, std::numeric_limits<double>::infinity(), {}}}}});
  EXPECT_EQ(text, "# HELP b B.\n# TYPE b gauge\nb +Inf\n");
}
