#include "tests/http/server_fixture.hpp"

using namespace overwatch;
using testing::HasSubstr;

namespace {

class WorkflowsTest : public server_fixture {
protected:
  void SetUp() override { start(); }

  std::string submit(const std::string& name) {
    auto reply = call("POST", "/workflows", R"({"name":")" + name + R"(","tasks":[{"name":"only"}]})");
    EXPECT_EQ(reply.status, 200) << reply.body;
    return std::string{json_of(reply).at("id").as_string().c_str()};
  }
};

const std::string unknown_id = "01935000-0000-7000-8000-00000000002a";

} // namespace

TEST_F(WorkflowsTest, GraphIsSubmittedWhole) {
  auto reply = call("POST", "/workflows", R"({"name":"release","compensate":true,"tasks":[
    {"name":"build","payload":{"command":"build"},"keep_snapshot":"1d"},
    {"name":"unit.tests","depends_on":["build"],"priority":"high"},
    {"name":"publish","depends_on":["build","unit.tests"]}]})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  auto workflow = json_of(reply);
  EXPECT_EQ(workflow.at("status").as_string(), "running");
  EXPECT_EQ(workflow.at("compensation").as_string(), "ready");
  EXPECT_EQ(workflow.at("tasks").at(2).at("depends_on").at(1).as_string(), "unit.tests");
  EXPECT_EQ(reply.headers["location"],
            "/api/overwatch/workflows/" + std::string{workflow.at("id").as_string().c_str()});
  EXPECT_EQ(json_of(fetch(server->port(), "GET", reply.headers["location"])), workflow);
  std::lock_guard lock{node->mutex};
  const auto& sent = node->submitted_workflows.back();
  EXPECT_TRUE(sent.compensate);
  EXPECT_TRUE(sent.id.is_nil());
  ASSERT_EQ(sent.tasks.size(), 3u);
  EXPECT_EQ(sent.tasks[1].task.spec->name, "unit.tests");
  EXPECT_EQ(sent.tasks[1].task.spec->importance, priority::high);
  EXPECT_TRUE(sent.tasks[1].task.spec->depends_on.empty());
  EXPECT_EQ(*sent.tasks[0].task.payload, R"({"command":"build"})");
  EXPECT_EQ(sent.tasks[0].task.spec->keep_snapshot, std::chrono::hours{24});
}

TEST_F(WorkflowsTest, IdMakesASubmitRepeatable) {
  auto workflow =
    json_of(call("POST", "/workflows", R"({"name":"n","id":")" + unknown_id + R"(","tasks":[{"name":"a"}]})"));
  EXPECT_EQ(workflow.at("id").as_string(), unknown_id);
}

TEST_F(WorkflowsTest, WrongGraphsAreNamed) {
  const std::vector<std::array<const char*, 3>> wrong{
    {R"([{"name":"a","depends_on":["b"]}])", "/tasks/0/depends_on/0", R"(no task of the workflow has the name \"b\")"},
    {R"([{"name":"a"},{"name":"a"}])", "/tasks/1/name", R"(\"a\" is the name of task 0 too)"},
    {R"([{"name":"a","depends_on":["a"]}])", "/tasks/0/depends_on", "a -> a"},
    {R"([{"name":"a","depends_on":["b"]},{"name":"b","depends_on":["a"]}])", "/tasks/0/depends_on", "a -> b -> a"},
    {R"([{"name":"a b"}])", "/tasks/0/name", R"(got \"a b\")"},
    {R"([{"name":"a"},{"task_type":"noop"}])", "/tasks/1/name", "needed"},
    {R"([{"name":"a","retry":{"tries":1}}])", "/tasks/0/retry/tries", "max_attempts"},
    {R"([{"name":"a","id":"01935000-0000-7000-8000-00000000002a"}])", "/tasks/0/id", "leave it out"},
    {R"([{"name":"a","depends_on":"b"}])", "/tasks/0/depends_on", "array"},
    {"[]", "/tasks", "1 to 1000 tasks"},
    {"{}", "/tasks", "1 to 1000 tasks"},
  };
  for (const auto& [tasks, field, words] : wrong) {
    auto reply = call("POST", "/workflows", std::string{R"({"name":"n","tasks":)"} + tasks + "}");
    EXPECT_EQ(reply.status, 422) << tasks << reply.body;
    EXPECT_EQ(error_field(reply), field) << tasks;
    EXPECT_THAT(reply.body, HasSubstr(words)) << tasks;
  }
  std::lock_guard lock{node->mutex};
  EXPECT_TRUE(node->submitted_workflows.empty());
}

TEST_F(WorkflowsTest, WrongBodiesAreNamed) {
  EXPECT_EQ(error_field(call("POST", "/workflows", R"({"tasks":[{"name":"a"}]})")), "/name");
  EXPECT_EQ(error_field(call("POST", "/workflows", R"({"name":"n"})")), "/tasks");
  EXPECT_EQ(error_field(call("POST", "/workflows", R"({"name":"n","tasks":[{"name":"a"}],"compensate":1})")),
            "/compensate");
  EXPECT_EQ(error_field(call("POST", "/workflows", R"({"name":"n","tasks":[{"name":"a"}],"graph":1})")), "/graph");
  EXPECT_EQ(call("POST", "/workflows", "{").status, 400);
}

TEST_F(WorkflowsTest, HoldsAThousandTasksAndNotOneMore) {
  auto body = [](size_t count) {
    std::string out = R"({"name":"n","tasks":[)";
    for (size_t i = 0; i < count; ++i)
      out += (i == 0 ? "" : ",") + std::string{R"({"name":"t)"} + std::to_string(i) + "\"}";
    return out + "]}";
  };
  EXPECT_EQ(call("POST", "/workflows", body(task_limits::workflow_tasks)).status, 200);
  EXPECT_EQ(call("POST", "/workflows", body(task_limits::workflow_tasks + 1)).status, 422);
}

TEST_F(WorkflowsTest, ListHasPagesWithoutTasks) {
  auto first = submit("1");
  auto second = submit("2");
  auto third = submit("3");
  auto page = json_of(call("GET", "/workflows?limit=2"));
  ASSERT_EQ(page.at("workflows").as_array().size(), 2u);
  EXPECT_EQ(page.at("workflows").at(0).at("id").as_string(), third);
  EXPECT_FALSE(page.at("workflows").at(0).as_object().contains("tasks"));
  EXPECT_EQ(page.at("next").as_string(), second);
  auto rest = json_of(call("GET", "/workflows?cursor=" + second));
  ASSERT_EQ(rest.at("workflows").as_array().size(), 1u);
  EXPECT_EQ(rest.at("workflows").at(0).at("id").as_string(), first);
  EXPECT_TRUE(rest.at("next").is_null());
  for (const auto* query : {"limit=0", "limit=1001", "cursor=x", "status=running"})
    EXPECT_EQ(call("GET", std::string{"/workflows?"} + query).status, 422) << query;
}

TEST_F(WorkflowsTest, Cancel) {
  auto id = submit("n");
  auto path = "/workflows/" + id + "/cancel";
  EXPECT_EQ(call("POST", path, R"({"reason":5})").status, 422);
  EXPECT_EQ(call("POST", path, R"({"why":"x"})").status, 422);
  auto cancelled = json_of(call("POST", path, R"({"reason":"enough"})"));
  EXPECT_EQ(cancelled.at("status").as_string(), "cancelled");
  EXPECT_EQ(cancelled.at("cancel_reason").as_string(), "enough");
  EXPECT_EQ(error_code(call("POST", path)), "conflict");
  for (const auto& nobody : {unknown_id, std::string{"x"}}) {
    EXPECT_EQ(call("GET", "/workflows/" + nobody).status, 404);
    EXPECT_EQ(error_code(call("POST", "/workflows/" + nobody + "/cancel")), "not_found");
  }
}
