#include "tests/cli/command_run.hpp"
#include "tests/cli/stub_node.hpp"

#include <gmock/gmock.h>

namespace overwatch::cli {

using testing::HasSubstr;
using testing::Not;

namespace {

const std::string tasks = R"([
  {"id":"019ab3d2-8f41-7c05-a3e1-5d0c9f2b7a64","name":"first","task_type":"noop","priority":"high","status":"completed",
   "created_at":"2020-01-01T00:00:00.000000Z","execution_time":0.012},
  {"id":"019ab3d2-8f41-7c05-a3e1-5d0c9f2b7a65","name":"evil \u001b[2J","task_type":"user_task","priority":"low",
   "status":"failed","created_at":"2020-01-01T00:00:00.000000Z","execution_time":null}])";

} // namespace

TEST(ListTasksTest, SendsAllFilters) {
  stub_node node;
  const auto run = run_command({"list-tasks",
                                "--url",
                                node.url(),
                                "--limit",
                                "5",
                                "--status",
                                "failed,queued",
                                "--type",
                                "noop",
                                "--priority",
                                "high",
                                "--tag",
                                "a b",
                                "--tag",
                                "c",
                                "--assigned-to",
                                "me",
                                "--subsystem",
                                "core",
                                "--context",
                                "user=1 7",
                                "--origin",
                                "rule",
                                "--origin-id",
                                "r/1",
                                "--workflow",
                                "w1",
                                "--from",
                                "2026-01-01T00:00:00Z",
                                "--to",
                                "2026-01-02T00:00:00Z",
                                "--text",
                                "x&y",
                                "--cursor",
                                "c1"});
  EXPECT_EQ(run.code, 4);
  EXPECT_EQ(
    node.last("GET /tasks").target,
    "/tasks?limit=5&status=failed,queued&task_type=noop&priority=high&tags=a%20b,c&assigned_to=me&subsystem=core"
    "&context.user=1%207&origin=rule&origin_id=r%2F1&workflow=w1&created_from=2026-01-01T00%3A00%3A00Z"
    "&created_to=2026-01-02T00%3A00%3A00Z&q=x%26y&cursor=c1");
}

TEST(ListTasksTest, PrintsATable) {
  stub_node node;
  node.on("GET /tasks?limit=20", {200, tasks, "Overwatch-Next-Cursor: c2\r\nOverwatch-Cut-Short: true\r\n"});
  const auto run = run_command({"list-tasks", "--url", node.url()});
  EXPECT_EQ(run.code, 0);
  EXPECT_THAT(run.out, HasSubstr("ID                                    STATUS     PRIORITY  TYPE       NAME "));
  EXPECT_THAT(run.out, HasSubstr("019ab3d2-8f41-7c05-a3e1-5d0c9f2b7a64  completed  high      noop       first "));
  EXPECT_THAT(run.out, HasSubstr("  12 ms\n"));
  EXPECT_THAT(run.out, HasSubstr("evil \\x1b[2J"));
  EXPECT_EQ(run.err, "the node searched for too long and stopped before the limit\nmore: --cursor c2\n");
}

TEST(ListTasksTest, NotesStandBesideWhatHasThem) {
  stub_node node;
  node.on("GET /tasks?limit=20", {200, R"([{"id":"t1","status":"pending","waits_for":"gate:deploy","rollback":"none"},
    {"id":"t2","status":"failed","waits_for":null,"rollback":"done"},
    {"id":"t3","status":"completed","rollback":"none","cached":true},
    {"id":"t4","status":"queued","rollback":"none"}])"});
  EXPECT_EQ(run_command({"list-tasks", "--url", node.url()}).out,
            "ID  STATUS     PRIORITY  TYPE  NAME  AGE  TOOK  NOTE\n"
            "t1  pending                                     waits for gate:deploy\n"
            "t2  failed                                      rollback done\n"
            "t3  completed                                   cached\n"
            "t4  queued\n");
}

TEST(ListTasksTest, ANarrowTerminalGetsTheImportantColumns) {
  stub_node node;
  node.on("GET /tasks?limit=20", {200, tasks});
  run_options options;
  options.terminal = true;
  options.width = 80;
  const auto run = run_command({"list-tasks", "--url", node.url(), "--no-color"}, options);
  EXPECT_THAT(run.out, Not(HasSubstr("PRIORITY")));
  EXPECT_THAT(run.out, Not(HasSubstr("\x1b")));
  EXPECT_LE(run.out.find('\n'), 80u);
}

TEST(ListTasksTest, AnEmptyListSaysSo) {
  stub_node node;
  node.on("GET /tasks?limit=20", {200, "[]"});
  EXPECT_EQ(run_command({"list-tasks", "--url", node.url()}).out, "no tasks\n");
  EXPECT_EQ(run_command({"list-tasks", "--json", "--url", node.url()}).out, "[]\n");
}

TEST(ShowTest, PrintsWhatIsSet) {
  stub_node node;
  node.on("GET /tasks/t1", {200, R"({"id":"t1","name":"n","status":"running","subsystem":"core","tags":["a","b"],
    "context":{"user":"17"},"progress":{"percent":40.0,"message":"half"},"origin":{"kind":"task","id":"t0"},"attempt":2,
    "started_at":"2026-11-22T05:06:16.000001Z","payload":{},"error":null,"rollback":"none"})"});
  EXPECT_EQ(run_command({"show", "t1", "--url", node.url()}).out,
            "id        t1\nname      n\nstatus    running\nprogress  40 %  half\ntags      a, b\ncontext   user=17\n"
            "origin    kind=task, id=t0\nattempt   2\nstarted   2026-11-22 05:06:16\n");
}

TEST(ShowTest, PrintsWhatControlsATask) {
  stub_node node;
  node.on("GET /tasks/t1", {200, R"({"id":"t1","status":"failed","waits_for":"gate:deploy","rollback":"failed",
    "rollback_message":"disk full","required_gates":["deploy"],"workflow":"w1","parents_left":2,
    "approvals":[{"gate":"eyes","by":"ann","reason":"seen","time":"2026-11-22T05:06:16.000000Z"}],
    "concurrency":{"key":"db","limit":2},"rate":{"key":"mail","limit":10,"per":60},"cache":{"key":"report","ttl":3600},
    "fairness_key":"user:1","cached":true,"cached_from":"t0","snapshot":{"keys":["app/"],"files":["/srv/a","/srv/b"]},
    "snapshot_until":"2026-11-23T05:06:16.000000Z",
    "resources":{"cpu":0.5,"memory_mb":512,"io":0,"exclusive":["can0"]},
    "usage":{"cpu_seconds":1.5,"peak_memory_bytes":1048576,"read_bytes":0,"written_bytes":2048}})"});
  EXPECT_EQ(run_command({"show", "t1", "--url", node.url()}).out,
            "id              t1\nstatus          failed\nwaits for       gate:deploy\n"
            "rollback        failed: disk full\ngates           deploy\napproved        eyes by ann: seen (2026-11-22 "
            "05:06:16)\nworkflow        w1\n"
            "parents left    2\nconcurrency     db: 2\nrate            mail: 10 in 1m 00s\nfairness key    user:1\n"
            "cache           report: 1h 00m\ncached from     t0\nsnapshot of     keys app/; files /srv/a, /srv/b\n"
            "snapshot until  2026-11-23 05:06:16\nasked for       0.5 of the cores, 512 MiB memory, alone with can0\n"
            "used            1.50 s CPU, 1.0 MiB memory at its peak, 0 B read, 2.0 KiB written\n");
}

TEST(ShowTest, AnIdCannotLeaveItsPlaceInTheUrl) {
  stub_node node;
  EXPECT_EQ(run_command({"show", "../status?x", "--url", node.url()}).code, 4);
  EXPECT_EQ(node.last("GET ").target, "/tasks/..%2Fstatus%3Fx");
}

TEST(LogsTest, PrintsLines) {
  stub_node node;
  node.on("GET /tasks/t1/logs",
          {200,
           R"({"entries":[{"sequence":1,"time":"2026-11-22T05:06:16.5Z","level":"warning","message":"a\nb",
      "data":null}],"next":1})"});
  EXPECT_EQ(run_command({"logs", "t1", "--url", node.url()}).out, "2026-11-22 05:06:16  warning  a\\nb\n");
}

TEST(LogsTest, FollowEndsWithTheTask) {
  stub_node node;
  node.on("GET /tasks/t1?wait=1", {200, R"({"status":"cancelled"})"});
  node.on("GET /tasks/t1/logs?after=0", {200, R"({"entries":[{"sequence":1,"level":"info","message":"x"}]})"});
  const auto run = run_command({"logs", "-f", "t1", "--url", node.url(), "--json"});
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.out, "{\"sequence\":1,\"level\":\"info\",\"message\":\"x\"}\n");
}

TEST(WhyTest, PrintsTheSentenceAndTheFacts) {
  stub_node node;
  node.on("GET /tasks/t1/why",
          {200, R"({"sentence":"It waits for a slot.","kind":"slot","data":{"slots":"2","busy":"2"}})"});
  EXPECT_EQ(run_command({"why", "t1", "--url", node.url()}).out, "It waits for a slot.\n  slots  2\n  busy   2\n");
}

TEST(CancelTest, GoesOnAfterARefusal) {
  stub_node node;
  node.on("POST /tasks/t1/cancel", {200, R"({"status":"cancelled"})"});
  node.on("POST /tasks/t2/cancel", {409, R"({"error":{"code":"conflict","message":"it is completed"}})"});
  node.on("POST /tasks/t3/cancel", {200, R"({"status":"running"})"});
  const auto run = run_command({"cancel", "t1", "t2", "t3", "--reason", "wrong \"input\"", "--url", node.url()});
  EXPECT_EQ(run.code, 4);
  EXPECT_EQ(run.out, "t1  cancelled\nt3  running, told to stop\n");
  EXPECT_EQ(run.err, "overwatch: t2: the node refused: it is completed\n");
  EXPECT_EQ(node.last("POST /tasks/t3").body, R"({"reason":"wrong \"input\""})");
}

TEST(CancelTest, JsonIsAnArrayOfAnswers) {
  stub_node node;
  node.on("POST /tasks/t1/cancel", {200, R"({"status":"cancelled"})"});
  node.on("POST /tasks/t2/cancel", {200, R"({"status":"running"})"});
  EXPECT_EQ(run_command({"cancel", "t1", "t2", "--json", "--url", node.url()}).out,
            "[{\"status\":\"cancelled\"},{\"status\":\"running\"}]\n");
}

TEST(RetryTest, NamesTheNewTask) {
  stub_node node;
  node.on("POST /tasks/t1/retry", {200, R"({"id":"t2","status":"queued"})"});
  EXPECT_EQ(run_command({"retry", "t1", "--url", node.url()}).out, "task t2  tries t1 again\n");
}

TEST(DeleteTest, DeletesEach) {
  stub_node node;
  node.on("DELETE /tasks/t1", {204, ""});
  node.on("DELETE /tasks/t2", {204, ""});
  const auto run = run_command({"delete", "t1", "t2", "--url", node.url()});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out, "t1  deleted\nt2  deleted\n");
}

} // namespace overwatch::cli
