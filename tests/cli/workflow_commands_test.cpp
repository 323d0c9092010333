#include "runtime/cli/workflow_view.hpp"
#include "tests/cli/command_run.hpp"
#include "tests/cli/stub_node.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

const std::string graph = R"([
  {"name":"deploy","id":"i4","status":"pending","rollback":"none","depends_on":["test","pack"]},
  {"name":"build","id":"i1","status":"completed","rollback":"none","depends_on":[]},
  {"name":"test","id":"i2","status":"running","rollback":"none","depends_on":["build"]},
  {"name":"pack","id":"i3","status":"running","rollback":"none","depends_on":["build"]}])";

std::string workflow_with(const std::string& rest, const std::string& tasks) {
  return R"({"id":"w1","name":"release","created_at":"2026-11-22T05:06:16.000000Z",)" + rest + R"(,"tasks":)" + tasks +
         "}";
}

const std::string running = workflow_with(R"("status":"running","compensation":"ready","finished_at":null)",
                                          R"([{"name":"a","id":"i1","status":"running","rollback":"none"},
                                              {"name":"b","id":"i2","status":"pending","rollback":"none"}])");
const std::string ended = R"("finished_at":"2026-11-22T05:06:17.000000Z")";
const std::string failed =
  workflow_with(R"("status":"failed","failed_task":"b","compensation":"done",)" + ended,
                R"([{"name":"a","id":"i1","status":"completed","rollback":"done","depends_on":[]},
                    {"name":"b","id":"i2","status":"failed","rollback":"none","depends_on":["a"]}])");

std::vector<std::string> drawn(const std::string& tasks) {
  const auto content = boost::json::parse(tasks);
  std::vector<std::string> result;
  for (const auto& line : draw_graph(content.as_array()))
    result.push_back(line.branches + content.at(line.task).at("name").as_string().c_str());
  return result;
}

} // namespace

TEST(WorkflowGraphTest, AChildStandsBelowTheLastOfItsParents) {
  EXPECT_EQ(drawn(graph), (std::vector<std::string>{"build", "├─ test", "└─ pack", "   └─ deploy"}));
}

TEST(WorkflowGraphTest, BranchesGoOnBesideGrandchildren) {
  EXPECT_EQ(drawn(R"([{"name":"a"},{"name":"b","depends_on":["a"]},{"name":"c","depends_on":["a"]},
    {"name":"d","depends_on":["b"]},{"name":"e"}])"),
            (std::vector<std::string>{"a", "├─ b", "│  └─ d", "└─ c", "e"}));
}

TEST(WorkflowGraphTest, EachTaskIsDrawnOnceWhateverTheNodeAnswers) {
  EXPECT_EQ(drawn(R"([{"name":"a","depends_on":["b"]},{"name":"b","depends_on":["a"]},{"name":"c","depends_on":["x"]},
    {"name":"d","depends_on":["d"]}])"),
            (std::vector<std::string>{"c", "a", "b", "d"}));
}

TEST(WorkflowTest, SubmitSendsTheFile) {
  stub_node node;
  node.on("POST /workflows", {200, running});
  run_options options;
  options.input = R"({"name": "release", "tasks": []})";
  const auto run = run_command({"workflow", "submit", "-", "--url", node.url()}, options);
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out, "workflow w1  running, 2 tasks\n");
  EXPECT_EQ(node.last("POST /workflows").body, options.input);
  options.input = "[]";
  EXPECT_EQ(run_command({"workflow", "submit", "-", "--url", node.url()}, options).code, 2);
}

TEST(WorkflowTest, WaitTellsEachChangeOnce) {
  stub_node node;
  node.on("POST /workflows", {200, running});
  node.on("GET /workflows/w1", {200, running});
  node.on("GET /workflows/w1", {200, running});
  node.on("GET /workflows/w1", {200, failed});
  node.on("GET /tasks/i1?wait=1", {200, "{}"});
  run_options options;
  options.input = "{}";
  const auto run = run_command({"workflow", "submit", "-", "--wait", "--url", node.url()}, options);
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.out, "workflow w1  running, 2 tasks\na  running\nb  pending\na  completed, rollback done\nb  failed\n"
                     "workflow      w1\nname          release\nstatus        failed\nfailed task   b\n"
                     "compensation  done\ncreated       2026-11-22 05:06:16\nfinished      2026-11-22 05:06:17\n\n"
                     "TASK  STATUS     ROLLBACK  ID  AFTER\n"
                     "a     completed  done      i1\n"
                     "└─ b  failed     none      i2  a\n");
}

TEST(WorkflowTest, WaitWithJsonPrintsTheEndOnly) {
  stub_node node;
  node.on("POST /workflows", {200, running});
  node.on("GET /workflows/w1", {200, workflow_with(R"("status":"completed",)" + ended, "[]")});
  run_options options;
  options.input = "{}";
  const auto run = run_command({"workflow", "submit", "-", "--wait", "--json", "--url", node.url()}, options);
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.out, workflow_with(R"("status":"completed",)" + ended, "[]") + "\n");
}

TEST(WorkflowTest, AWaitHasALimit) {
  stub_node node;
  node.on("POST /workflows", {200, running});
  node.on("GET /workflows/w1", {200, running});
  run_options options;
  options.input = "{}";
  const auto run = run_command({"workflow", "submit", "-", "--wait", "1ms", "--url", node.url()}, options);
  EXPECT_EQ(run.code, 5);
  EXPECT_THAT(run.err, HasSubstr("overwatch workflow show w1"));
}

TEST(WorkflowTest, ShowLeavesTheRollbackOutWhileThereIsNone) {
  stub_node node;
  node.on("GET /workflows/w1", {200, workflow_with(R"("status":"running","compensation":"off")", graph)});
  EXPECT_THAT(run_command({"workflow", "show", "w1", "--url", node.url()}).out,
              HasSubstr("\n\nTASK          STATUS     ID  AFTER\n"
                        "build         completed  i1\n"
                        "├─ test       running    i2  build\n"
                        "└─ pack       running    i3  build\n"
                        "   └─ deploy  pending    i4  test, pack\n"));
}

TEST(WorkflowTest, CancelSaysHowFarItIs) {
  stub_node node;
  node.on("POST /workflows/w1/cancel", {200, running});
  EXPECT_EQ(run_command({"workflow", "cancel", "w1", "--reason", "wrong", "--url", node.url()}).out,
            "w1  running, its tasks are told to stop\n");
  EXPECT_EQ(node.last("POST ").body, R"({"reason":"wrong"})");
}

TEST(WorkflowTest, ListIsATable) {
  stub_node node;
  node.on("GET /workflows?limit=20", {200, R"({"workflows":[)" + failed + R"(],"next":"w0"})"});
  node.on("GET /workflows?limit=20&cursor=w0", {200, R"({"workflows":[],"next":null})"});
  const auto run = run_command({"workflow", "--url", node.url()});
  EXPECT_EQ(run.out, "ID  STATUS  COMPENSATION  NAME     CREATED                TOOK\n"
                     "w1  failed  done          release  2026-11-22 05:06:16  1.00 s\n");
  EXPECT_EQ(run.err, "more: --cursor w0\n");
  EXPECT_EQ(run_command({"workflow", "list", "--cursor", "w0", "--url", node.url()}).out, "no workflows\n");
}

} // namespace overwatch::cli
