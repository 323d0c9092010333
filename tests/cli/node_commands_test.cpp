#include "tests/cli/command_run.hpp"
#include "tests/cli/stub_node.hpp"

#include <gmock/gmock.h>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

std::string status_with(const std::string& health) {
  return R"({"running":true,"uptime":3900.0,"node":{"name":"n1","disk":"ok","disk_free_bytes":1536},
    "health_status":")" +
         health + R"(","scheduler_stats":{"queue_size":12345,"running_tasks":3},"generation_interval":60})";
}

} // namespace

TEST(StatusTest, PrintsTheNode) {
  stub_node node;
  node.on("GET /status", {200, status_with("healthy")});
  const auto run = run_command({"status", "--url", node.url()});
  EXPECT_EQ(run.code, 0);
  EXPECT_THAT(run.out, HasSubstr("node              n1\n"));
  EXPECT_THAT(run.out, HasSubstr("disk              ok, 1.5 KiB free\n"));
  EXPECT_THAT(run.out, HasSubstr("dispatch          running\n"));
  EXPECT_THAT(run.out, HasSubstr("uptime            1h 05m\n"));
  EXPECT_THAT(run.out, HasSubstr("waiting           12,345\n"));
}

TEST(StatusTest, APausedNodeIsNoFailure) {
  stub_node node;
  node.on("GET /status", {200, status_with("degraded")});
  EXPECT_EQ(run_command({"status", "--url", node.url()}).code, 0);
}

TEST(StatusTest, AnUnhealthyNodeFailsTheCommand) {
  stub_node node;
  node.on("GET /status", {200, status_with("unhealthy")});
  EXPECT_EQ(run_command({"status", "--url", node.url()}).code, 1);
  const auto run = run_command({"status", "--json", "--url", node.url()});
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.out, status_with("unhealthy") + "\n");
}

TEST(DispatchTest, PauseAndResumeUseStopAndStart) {
  stub_node node;
  node.on("POST /stop", {200, R"({"message":"stopped"})"});
  node.on("POST /stop?now=true", {200, R"({"message":"stopped now"})"});
  node.on("POST /start", {200, R"({"message":"starting"})"});
  EXPECT_EQ(run_command({"pause", "--url", node.url()}).out, "stopped\n");
  EXPECT_EQ(run_command({"pause", "--now", "--url", node.url()}).out, "stopped now\n");
  EXPECT_EQ(run_command({"resume", "--url", node.url()}).out, "starting\n");
}

TEST(GenerateTest, SaysWhatTheNodeSays) {
  stub_node node;
  node.on("POST /tasks/generate", {200, R"({"message":"Tasks generated successfully"})"});
  EXPECT_EQ(run_command({"generate", "--url", node.url()}).out, "Tasks generated successfully\n");
}

TEST(StatsTest, PrintsCountersAndGroups) {
  stub_node node;
  node.on("GET /stats", {200, R"({"total_submitted":7,"by_status":{"queued":2},"recent_tasks":[]})"});
  EXPECT_EQ(run_command({"stats", "--url", node.url()}).out, "total_submitted  7\n\nby_status\n  queued  2\n");
}

TEST(MetricsTest, PassesTheTextOn) {
  stub_node node;
  node.on("GET /metrics", {200, "# HELP a b\na 1\n"});
  EXPECT_EQ(run_command({"metrics", "--url", node.url()}).out, "# HELP a b\na 1\n");
}

TEST(PoolsTest, PrintsSlotsAndWhatIsMissing) {
  stub_node node;
  node.on("GET /pools",
          {200, R"({"pools":[{"task_type":"noop","node":"n1","description":"Does nothing","slots":4,"busy":1,
    "waiting":3,"abandoned":2,"started":1000}],"types_without_handler":["data_backup"],"max_concurrent_tasks":10})"});
  const auto run = run_command({"pools", "--url", node.url()});
  EXPECT_THAT(run.out, HasSubstr("noop      4  1 +2 stuck        3    1,000  n1    Does nothing\n"));
  EXPECT_THAT(run.out, HasSubstr("types without a handler here     data_backup\n"));
}

TEST(PoolsTest, SetSlotsPutsTheNumber) {
  stub_node node;
  node.on("PUT /pools/user_task", {200, "{}"});
  EXPECT_EQ(run_command({"set-slots", "user_task", "1", "--url", node.url()}).out, "user_task has 1 slot\n");
  EXPECT_EQ(node.last("PUT /pools").body, R"({"slots":1})");
}

TEST(WorkersTest, PrintsWhatEachDoes) {
  stub_node node;
  node.on(
    "GET /workers",
    {200,
     R"({"workers":[{"id":"n1/noop/1","busy":true,"task":"t1","since":"2020-01-01T00:00:00Z","completed":5,"failed":0},
    {"id":"n1/noop/2","busy":false,"task":null,"completed":0,"failed":0}]})"});
  const auto run = run_command({"workers", "--url", node.url()});
  EXPECT_THAT(run.out, HasSubstr("n1/noop/1  busy   t1"));
  EXPECT_THAT(run.out, HasSubstr("n1/noop/2  idle "));
}

TEST(EventsTest, PrintsEventsAndEndsAfterTheCount) {
  stub_node node;
  node.on(
    "GET /events?from=0.1.0&kinds=task_failed,task_progress",
    {200,
     "id: 0.2.0\nevent: task_failed\ndata: {\"time\":\"2026-11-22T05:06:16Z\",\"task\":{\"id\":\"t1\",\"name\":\"n\"},"
     "\"status\":\"failed\",\"message\":\"\",\"error\":{\"kind\":\"exception\",\"message\":\"boom\\u001b\"}}\n\n"
     "id: 0.3.0\nevent: task_progress\ndata: "
     "{\"task\":{\"id\":\"t1\",\"name\":\"n\"},\"progress\":{\"percent\":4.0}}\n\n"
     "id: 0.4.0\nevent: task_failed\ndata: {}\n\n"});
  const auto run = run_command(
    {"events", "--from", "0.1.0", "--kind", "task_failed,task_progress", "--count", "2", "--url", node.url()});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("0.2.0  2026-11-22 05:06:16  task_failed         t1  n  boom\\x1b\n0.3.0"));
  EXPECT_THAT(run.out, HasSubstr("t1  n  4 %\n"));
  EXPECT_THAT(run.out, testing::Not(HasSubstr("0.4.0")));
}

TEST(EventsTest, ARollbackSaysHowFarItIs) {
  stub_node node;
  node.on("GET /events", {200, "id: 0.2.0\nevent: task_rollback\ndata: {\"task\":{\"id\":\"t1\",\"name\":\"n\"},"
                               "\"status\":\"failed\",\"rollback\":\"failed\",\"message\":\"disk full\"}\n\n"
                               "id: 0.3.0\nevent: gate_closed\ndata: {\"task\":null,\"message\":\"deploy\"}\n\n"});
  const auto run = run_command({"events", "--count", "2", "--url", node.url()});
  EXPECT_THAT(run.out, HasSubstr("task_rollback       t1  n  failed  disk full\n"));
  EXPECT_THAT(run.out, HasSubstr("gate_closed         deploy\n"));
}

TEST(EventsTest, AStreamThatEndsIsTakenUpWhereItEnded) {
  stub_node node;
  node.on("GET /events", {200, "id: 0.1.0\ndata: {\"n\":1}\n\n: heartbeat\nid: 0.1.5\n\n"});
  node.on("GET /events?from=0.1.5", {200, "id: 0.2.0\ndata: {\"n\":2}\n\n"});
  const auto run = run_command({"events", "--count", "2", "--json", "--url", node.url()});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out, "{\"n\":1}\n{\"n\":2}\n");
}

TEST(EventsTest, ARefusalEndsIt) {
  stub_node node;
  node.on("GET /events?from=x", {422, R"({"error":{"code":"invalid","message":"from is no cursor"}})"});
  const auto run = run_command({"events", "--from", "x", "--url", node.url()});
  EXPECT_EQ(run.code, 4);
  EXPECT_EQ(run.err, "overwatch: the node refused: from is no cursor\n");
}

TEST(ResourcesTest, AreATable) {
  stub_node node;
  node.on("GET /resources",
          {200, R"({"nodes":[{"node":"n1","cpus":1.5,"memory_mb":4096,"cpu_held":0.25,"memory_mb_held":512,
    "io_held":0.0,"running":2,"draining":true,"present":true,"reserved_for":"t1"}]})"});
  EXPECT_EQ(run_command({"resources", "--url", node.url()}).out,
            "NODE  CORES  CPU HELD   MEMORY     HELD  IO HELD  RUNNING  STATE     RESERVED FOR\n"
            "n1      1.5      25 %  4.0 GiB  512 MiB      0 %        2  draining  t1\n");
}

} // namespace overwatch::cli
