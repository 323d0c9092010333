#include "tests/cli/command_run.hpp"
#include "tests/cli/stub_node.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

boost::json::value created_with(std::vector<std::string> arguments,
                                const std::map<std::string, std::string>& environment = {}) {
  stub_node node;
  node.on("POST /tasks", {200, R"({"id":"t1","status":"queued"})"});
  arguments.insert(arguments.begin(), {"--url", node.url(), "create-task", "n"});
  run_options options;
  options.environment = environment;
  const auto run = run_command(arguments, options);
  EXPECT_EQ(run.code, 0) << run.err;
  return boost::json::parse(node.last("POST /tasks").body);
}

} // namespace

TEST(TaskOptionsTest, GatesAndParents) {
  EXPECT_EQ(created_with({"--gate", "deploy", "--gate", "calm", "--on-closed-gate", "wait", "--cancel-on-gate-close",
                          "--depends-on", "t0", "--on-dependency-failure", "run"}),
            boost::json::parse(R"({"name":"n","on_closed_gate":"wait","on_dependency_failure":"run",
    "depends_on":["t0"],"required_gates":["deploy","calm"],"cancel_on_gate_close":true})"));
}

TEST(TaskOptionsTest, Resources) {
  EXPECT_EQ(
    created_with({"--cpu", "0.5", "--memory-mb", "512", "--io", "0", "--exclusive", "obd2:can0"}),
    boost::json::parse(R"({"name":"n","resources":{"cpu":0.5,"memory_mb":512,"io":0E0,"exclusive":["obd2:can0"]}})"));
}

TEST(TaskOptionsTest, KeysThatLimit) {
  EXPECT_EQ(created_with({"--concurrency-key", "db", "--concurrency-limit", "2", "--rate", "mail=out=10/1m",
                          "--fairness-key", "user:1", "--cache", "report=7=1h"}),
            boost::json::parse(R"({"name":"n","fairness_key":"user:1","concurrency":{"key":"db","limit":2},
    "rate":{"key":"mail=out","limit":10,"per":6E1},"cache":{"key":"report=7","ttl":3.6E3}})"));
}

TEST(TaskOptionsTest, WhereItMayRun) {
  EXPECT_EQ(created_with({"--node", "n1", "--label", "disk=ssd", "--label", "zone=a"}),
            boost::json::parse(R"({"name":"n","placement":{"node":"n1","labels":{"disk":"ssd","zone":"a"}}})"));
}

TEST(TaskOptionsTest, ALimitHasADefault) {
  EXPECT_EQ(
    created_with({"--concurrency-key", "db", "--rate", "mail=10"}),
    boost::json::parse(R"({"name":"n","concurrency":{"key":"db","limit":1},"rate":{"key":"mail","limit":10}})"));
}

TEST(TaskOptionsTest, Snapshots) {
  EXPECT_EQ(created_with({"--snapshot-key", "app/", "--snapshot-file", "/srv/a", "--snapshot-file", "/srv/b",
                          "--keep-snapshot", "1d"}),
            boost::json::parse(
              R"({"name":"n","snapshot":{"keys":["app/"],"files":["/srv/a","/srv/b"]},"keep_snapshot":8.64E4})"));
}

TEST(TaskOptionsTest, ANamedCommandCreatesChildrenOfItsTask) {
  EXPECT_EQ(created_with({}, {{"OVERWATCH_TASK_ID", "p1"}}),
            boost::json::parse(R"({"name":"n","origin":{"kind":"task","id":"p1"}})"));
  EXPECT_EQ(created_with({}, {{"OVERWATCH_TASK_ID", ""}}), boost::json::parse(R"({"name":"n"})"));
}

TEST(TaskOptionsTest, ANamedCommandFindsItsNode) {
  stub_node node;
  node.on("POST /tasks", {200, R"({"id":"t1","status":"queued"})"});
  run_options options;
  options.environment = {{"OVERWATCH_API", node.url()}};
  EXPECT_EQ(run_command({"create-task", "n"}, options).out, "task t1  queued\n");
  options.environment = {{"OVERWATCH_API", "http://127.0.0.1:1"}, {"OVERWATCH_URL", node.url()}};
  EXPECT_EQ(run_command({"create-task", "n"}, options).code, 0);
  options.environment = {{"OVERWATCH_API", "http://127.0.0.1:1"}};
  EXPECT_EQ(run_command({"create-task", "n"}, options).code, 3);
  EXPECT_EQ(run_command({"create-task", "n", "--url", node.url()}, options).code, 0);
}

} // namespace overwatch::cli
