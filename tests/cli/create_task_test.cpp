#include "tests/cli/command_run.hpp"
#include "tests/cli/stub_node.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

const std::string queued = R"({"id":"t1","status":"queued"})";
const std::string running = R"({"id":"t1","name":"n","status":"running","progress":{"percent":40.0,"message":"half"}})";
const std::string completed =
  R"({"id":"t1","name":"n","status":"completed","execution_time":1.25,"result":{"a":[1,"x"]}})";
const std::string failed =
  R"({"id":"t1","name":"n","status":"failed","error":{"kind":"exception","message":"boom\u001b[0m"}})";

boost::json::value sent(const stub_node& node) { return boost::json::parse(node.last("POST /tasks").body); }

struct created {
  explicit created(std::vector<std::string> arguments, const std::string& input = {}) {
    node.on("POST /tasks", {200, queued});
    arguments.insert(arguments.begin(), {"--url", node.url(), "create-task"});
    run_options options;
    options.input = input;
    run = run_command(arguments, options);
  }

  stub_node node;
  command_run run;
};

} // namespace

TEST(CreateTaskTest, SendsOnlyWhatWasAskedFor) {
  const created x{{"a name"}};
  EXPECT_EQ(x.run.code, 0) << x.run.err;
  EXPECT_EQ(x.run.out, "task t1  queued\n");
  EXPECT_EQ(sent(x.node), boost::json::parse(R"({"name":"a name"})"));
  EXPECT_THAT(x.node.last("POST /tasks").headers, HasSubstr("Content-Type: application/json"));
}

TEST(CreateTaskTest, SendsEveryField) {
  const created x{{"n",
                   "--description",
                   "d",
                   "--type",
                   "user_task",
                   "--priority",
                   "high",
                   "--payload",
                   R"({"a":1})",
                   "--subsystem",
                   "obd2",
                   "--tag",
                   "x,y",
                   "--tag",
                   "z",
                   "--context",
                   "user=17",
                   "--context",
                   "k=a=b",
                   "--assigned-to",
                   "me",
                   "--deadline",
                   "2026-11-23T00:00:00Z",
                   "--timeout",
                   "90s",
                   "--max-attempts",
                   "3",
                   "--backoff",
                   "exponential:2s:5m",
                   "--unique-key",
                   "k",
                   "--unique-for",
                   "1h",
                   "--depends-on",
                   "t0"}};
  EXPECT_EQ(x.run.code, 0) << x.run.err;
  EXPECT_EQ(sent(x.node),
            boost::json::parse(R"({"name":"n","description":"d","task_type":"user_task","subsystem":"obd2",
    "assigned_to":"me","unique_key":"k","priority":"high","payload":{"a":1},"tags":["x,y","z"],"depends_on":["t0"],
    "context":{"user":"17","k":"a=b"},"deadline":"2026-11-23T00:00:00Z","timeout":9.0E1,"unique_for":3.6E3,
    "retry":{"max_attempts":3,"backoff":"exponential","base":2E0,"max":3E2}})"));
}

TEST(CreateTaskTest, PriorityMayBeANumber) {
  EXPECT_EQ(sent(created{{"n", "--priority", "0"}}.node).at("priority").as_string(), "critical");
}

TEST(CreateTaskTest, DelaysCountFromNow) {
  const created x{{"n", "--at", "+1h"}};
  const auto parsed = sent(x.node);
  const auto at = parsed.at("scheduled_at").as_string();
  EXPECT_EQ(at.size(), 27u);
  EXPECT_EQ(at.back(), 'Z');
}

TEST(CreateTaskTest, PayloadComesFromStandardInput) {
  EXPECT_EQ(sent(created{{"n", "--payload", "-"}, R"({"from":"stdin"})"}.node).at("payload"),
            boost::json::parse(R"({"from":"stdin"})"));
}

TEST(CreateTaskTest, ANameMayBeACommand) { EXPECT_EQ(sent(created{{"status"}}.node).at("name").as_string(), "status"); }

TEST(CreateTaskTest, JsonIsWhatTheNodeAnswered) { EXPECT_EQ((created{{"n", "--json"}}.run.out), queued + "\n"); }

TEST(CreateTaskTest, WaitAsksUntilTheTaskHasEnded) {
  stub_node node;
  node.on("POST /tasks", {200, queued});
  node.on("GET /tasks/t1?wait=30", {200, running});
  node.on("GET /tasks/t1?wait=30", {200, completed});
  const auto run = run_command({"create-task", "n", "--wait", "--url", node.url()});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out,
            "task t1  queued\nid      t1\nname    n\nstatus  completed\ntook    1.25 s\nresult\n  {\n    \"a\": [\n"
            "      1,\n      \"x\"\n    ]\n  }\n");
  EXPECT_EQ(node.requests().size(), 3u);
}

TEST(CreateTaskTest, AFailedTaskFailsTheCommand) {
  stub_node node;
  node.on("POST /tasks", {200, queued});
  node.on("GET /tasks/t1?wait=30", {200, failed});
  const auto run = run_command({"create-task", "n", "--wait", "--url", node.url()});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.out, HasSubstr("error   exception: boom\\x1b[0m\n"));
}

TEST(CreateTaskTest, AWaitHasALimit) {
  stub_node node;
  node.on("POST /tasks", {200, queued});
  node.on("GET /tasks/t1?wait=1", {200, running});
  const auto run = run_command({"create-task", "n", "--wait", "1ms", "--url", node.url()});
  EXPECT_EQ(run.code, 5);
  EXPECT_THAT(run.err, HasSubstr("overwatch why t1"));
}

TEST(CreateTaskTest, FollowPrintsLogAndProgressOnce) {
  stub_node node;
  node.on("POST /tasks", {200, queued});
  node.on("GET /tasks/t1?wait=1", {200, running});
  node.on("GET /tasks/t1?wait=1", {200, completed});
  node.on("GET /tasks/t1/logs?after=0",
          {200, R"({"entries":[{"sequence":2,"time":"2026-11-22T05:06:16Z","level":"info","message":"hello"}]})"});
  node.on(
    "GET /tasks/t1/logs?after=2",
    {200,
     R"({"entries":[{"sequence":3,"time":"2026-11-22T05:06:17Z","level":"error","message":"bye","data":{"x":1}}]})"});
  const auto run = run_command({"create-task", "n", "--follow", "--url", node.url()});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("task t1  queued\n2026-11-22 05:06:16  info     hello\n40 %  half\n"
                                 "2026-11-22 05:06:17  error    bye  {\"x\":1}\nid "));
}

} // namespace overwatch::cli
