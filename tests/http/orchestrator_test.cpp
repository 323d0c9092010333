#include "http/orchestrator.hpp"
#include "tests/http/server_fixture.hpp"

using namespace overwatch;
using testing::HasSubstr;
namespace json = boost::json;

namespace {

const std::string unknown_id = "01935000-0000-7000-8000-00000000002a";

class OrchestratorTest : public server_fixture {
protected:
  void SetUp() override { start(); }

  http_reply post(const std::string& body) { return fetch(server->port(), "POST", "/orchestrator/submit", body); }
  http_reply get(const std::string& path) { return fetch(server->port(), "GET", "/orchestrator" + path); }

  /// The id of a submitted task.
  task_id submitted(const std::string& body = R"({"task_type": "user_task"})") {
    auto reply = post(body);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return *parse_task_id(json_of(reply).at("task_id").as_string().c_str());
  }

  /// The task as the runtime has it.
  task_record stored(const task_id& id) {
    std::lock_guard lock{node->mutex};
    return node->tasks.at(id);
  }

  json::value shown_after(const task_id& id, const std::function<void(task_record&)>& change) {
    {
      std::lock_guard lock{node->mutex};
      change(node->tasks.at(id));
    }
    auto reply = get("/tasks/" + to_string(id));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return json_of(reply);
  }
};

double seconds_left(const task_spec& spec) {
  return std::chrono::duration<double>(*spec.deadline - spec.created_at).count();
}

} // namespace

TEST_F(OrchestratorTest, SubmitOfTheDocumentWorks) {
  auto before = now();
  auto reply = post(
    R"({"task_type": "user_task", "priority": "HIGH", "deadline_seconds": 30, "user_id": "user123"})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  auto shown = json_of(reply);
  EXPECT_EQ(shown.at("status").as_string(), "READY");
  EXPECT_EQ(shown.at("priority").as_string(), "HIGH");
  std::string id = shown.at("task_id").as_string().c_str();
  EXPECT_EQ(reply.headers["location"], "/orchestrator/tasks/" + id);
  auto task = stored(*parse_task_id(id));
  EXPECT_EQ(task.spec.task_type, "user_task");
  EXPECT_EQ(task.spec.name, "user_task");
  EXPECT_EQ(task.spec.importance, priority::high);
  EXPECT_EQ(task.spec.context, (std::map<std::string, std::string>{{"user_id", "user123"}}));
  EXPECT_EQ(task.spec.on_closed_gate, gate_policy::fail);
  EXPECT_EQ(task.payload, "{}");
  EXPECT_GE(*task.spec.deadline, before + std::chrono::seconds{30});
  EXPECT_LE(*task.spec.deadline, now() + std::chrono::seconds{30});
}

TEST_F(OrchestratorTest, DefaultsAreThoseOfTheDialect) {
  auto task = stored(submitted());
  EXPECT_EQ(task.spec.importance, priority::normal);
  EXPECT_DOUBLE_EQ(seconds_left(task.spec), 30);
  EXPECT_EQ(task.spec.timeout, std::chrono::seconds{30}) << "only the deadline ends an attempt";
  EXPECT_TRUE(task.spec.context.empty());
}

TEST_F(OrchestratorTest, EveryFieldReachesTheTask) {
  auto task = stored(submitted(
    R"({"task_type": "user_task", "name": "n", "priority": "critical", "deadline_seconds": 0.25, "user_id": "u",
        "session_id": "s", "context": {"trace": "t", "user_id": "x"}, "payload": {"a": [1]},
        "required_gates": ["g1", "g2"], "snapshot": {"keys": ["k/"], "files": ["/srv/x"]}})"));
  EXPECT_EQ(task.spec.name, "n");
  EXPECT_EQ(task.spec.importance, priority::critical);
  EXPECT_DOUBLE_EQ(seconds_left(task.spec), 0.25);
  EXPECT_EQ(task.spec.context,
            (std::map<std::string, std::string>{{"session_id", "s"}, {"trace", "t"}, {"user_id", "u"}}));
  EXPECT_EQ(task.payload, R"({"a":[1]})");
  EXPECT_THAT(task.spec.required_gates, testing::ElementsAre("g1", "g2"));
  EXPECT_THAT(task.spec.snapshot.keys, testing::ElementsAre("k/"));
  EXPECT_THAT(task.spec.snapshot.files, testing::ElementsAre("/srv/x"));
}

TEST_F(OrchestratorTest, NullIsLikeNothing) {
  auto task = stored(submitted(R"({"task_type": "user_task", "user_id": null, "session_id": "", "snapshot": null})"));
  EXPECT_TRUE(task.spec.context.empty());
  EXPECT_TRUE(task.spec.snapshot.files.empty());
}

TEST_F(OrchestratorTest, PrioritiesAreReadInAnyCase) {
  for (auto [text, expected] : {std::pair{"LOW", priority::low}, {"low", priority::low}, {"Normal", priority::normal},
                                {"high", priority::high}, {"CRITICAL", priority::critical}})
    EXPECT_EQ(stored(submitted(R"({"task_type": "user_task", "priority": ")" + std::string{text} + "\"}"))
                .spec.importance,
              expected);
}

TEST_F(OrchestratorTest, WrongFieldsAreNamed) {
  for (auto [body, field] : {std::pair{R"({})", "/task_type"},
                             {R"({"task_type": ""})", "/task_type"},
                             {R"({"task_type": "user_task", "priority": "background"})", "/priority"},
                             {R"({"task_type": "user_task", "priority": 2})", "/priority"},
                             {R"({"task_type": "user_task", "deadline_seconds": 0})", "/deadline_seconds"},
                             {R"({"task_type": "user_task", "deadline_seconds": -1})", "/deadline_seconds"},
                             {R"({"task_type": "user_task", "deadline_seconds": 1e9})", "/deadline_seconds"},
                             {R"({"task_type": "user_task", "deadline_seconds": "30"})", "/deadline_seconds"},
                             {R"({"task_type": "user_task", "user_id": 5})", "/user_id"},
                             {R"({"task_type": "user_task", "payload": []})", "/payload"},
                             {R"({"task_type": "user_task", "context": {"a": 1}})", "/context/a"},
                             {R"({"task_type": "user_task", "required_gates": "g"})", "/required_gates"},
                             {R"({"task_type": "user_task", "snapshot": {"key": []}})", "/snapshot/key"},
                             {R"({"task_type": "user_task", "prioritty": "LOW"})", "/prioritty"}}) {
    auto reply = post(body);
    EXPECT_EQ(reply.status, 422) << body << reply.body;
    EXPECT_EQ(error_code(reply), "invalid") << body;
    EXPECT_EQ(error_field(reply), field);
  }
  EXPECT_EQ(post("{").status, 400);
  EXPECT_EQ(post("[]").status, 422);
}

TEST_F(OrchestratorTest, UnknownTypeIsRefusedLikeElsewhere) {
  auto reply = post(R"({"task_type": "nobody_knows"})");
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(error_code(reply), "unknown_type");
  EXPECT_EQ(error_field(reply), "/task_type");
}

TEST_F(OrchestratorTest, StatesHaveTheNamesOfTheDialect) {
  auto id = submitted();
  auto name = [&](task_status status, rollback_status rollback = rollback_status::none) {
    auto shown = shown_after(id, [&](task_record& x) {
      x.state.status = status;
      x.state.rollback = rollback;
    });
    return std::string{shown.at("status").as_string().c_str()};
  };
  EXPECT_EQ(name(task_status::pending), "READY");
  EXPECT_EQ(name(task_status::queued), "READY");
  EXPECT_EQ(name(task_status::retrying, rollback_status::done), "READY");
  EXPECT_EQ(name(task_status::running), "RUNNING");
  EXPECT_EQ(name(task_status::completed), "COMPLETE");
  EXPECT_EQ(name(task_status::failed), "FAILED");
  EXPECT_EQ(name(task_status::failed, rollback_status::failed), "FAILED");
  EXPECT_EQ(name(task_status::failed, rollback_status::done), "ROLLED_BACK");
  EXPECT_EQ(name(task_status::cancelled), "FAILED");
}

TEST_F(OrchestratorTest, EndOfATaskIsShown) {
  auto id = submitted();
  auto done = shown_after(id, [](task_record& x) {
    x.state.status = task_status::completed;
    x.state.finished_at = now();
    x.state.execution = std::chrono::milliseconds{1500};
    x.result = R"({"result":"success"})";
  });
  EXPECT_EQ(done.at("result").at("result").as_string(), "success");
  EXPECT_DOUBLE_EQ(done.at("execution_time").as_double(), 1.5);
  EXPECT_TRUE(done.at("error").is_null());
  EXPECT_TRUE(done.at("reason").is_null());
  auto failed = shown_after(id, [](task_record& x) {
    x.state.status = task_status::failed;
    x.state.rollback = rollback_status::done;
    x.state.error = {violation::timeout, "too late"};
    x.result = "no JSON";
  });
  EXPECT_EQ(failed.at("reason").as_string(), "timeout");
  EXPECT_EQ(failed.at("error").as_string(), "too late");
  EXPECT_EQ(failed.at("rollback").as_string(), "done");
  EXPECT_EQ(failed.at("result").as_string(), "no JSON");
  auto cancelled = shown_after(id, [](task_record& x) {
    x.state.status = task_status::cancelled;
    x.state.cancel_reason = "enough";
    x.spec.importance = priority::background;
  });
  EXPECT_EQ(cancelled.at("reason").as_string(), "cancelled");
  EXPECT_EQ(cancelled.at("error").as_string(), "enough");
  EXPECT_EQ(cancelled.at("priority").as_string(), "LOW");
}

TEST_F(OrchestratorTest, TaskThatIsNotThere) {
  EXPECT_EQ(error_code(get("/tasks/" + unknown_id)), "not_found");
  EXPECT_EQ(get("/tasks/no-uuid").status, 404);
  EXPECT_EQ(get("/submit").status, 405);
}

TEST_F(OrchestratorTest, StatsAreInTheWordsOfTheDialect) {
  auto reply = get("/stats");
  ASSERT_EQ(reply.status, 200) << reply.body;
  auto stats = json_of(reply);
  EXPECT_EQ(json::serialize(stats.at("queue_depth")), R"({"CRITICAL":0,"HIGH":0,"LOW":0,"NORMAL":3})");
  EXPECT_EQ(json::serialize(stats.at("states")), R"({"COMPLETE":0,"FAILED":0,"READY":3,"RUNNING":2})");
  EXPECT_EQ(stats.at("queue_size").as_int64(), 3);
  EXPECT_EQ(stats.at("running").as_int64(), 2);
  EXPECT_EQ(stats.at("completed").as_int64(), 4);
  EXPECT_EQ(stats.at("failed").as_int64(), 0);
  EXPECT_DOUBLE_EQ(stats.at("completion_rate").as_double(), 1);
  EXPECT_DOUBLE_EQ(stats.at("failure_rate").as_double(), 0);
  EXPECT_EQ(json::serialize(stats.at("rollbacks")), R"({"done":0,"failed":0})");
}

TEST_F(OrchestratorTest, ErrorsOfTheNodePassThrough) {
  {
    std::lock_guard lock{node->mutex};
    node->error = {ec::overloaded, {}, "too much"};
  }
  auto reply = post(R"({"task_type": "user_task"})");
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.headers["retry-after"], "1");
  EXPECT_EQ(get("/stats").status, 429);
}
