#include "http/task_document.hpp"
#include "tests/http/server_fixture.hpp"

using namespace overwatch;
using testing::HasSubstr;

namespace {

const std::string unknown_id = "01935000-0000-7000-8000-00000000002a";

class TaskControlTest : public server_fixture {
protected:
  void SetUp() override { start(); }

  task_record stored(const std::string& id) {
    std::lock_guard lock{node->mutex};
    return node->tasks.at(*parse_task_id(id));
  }

  patch_request last_patch() {
    std::lock_guard lock{node->mutex};
    return node->patches.back();
  }
};

} // namespace

TEST_F(TaskControlTest, NewFieldsAreReadAndShown) {
  auto id = create(R"({"name":"n","cancel_on_gate_close":true,"keep_snapshot":"2d","fairness_key":"user:1",
    "rate":{"key":"mail","limit":10,"per":"1m"},"cache":{"key":"report","ttl":0.5},
    "placement":{"node":"n1","labels":{"disk":"ssd"}},
    "origin":{"kind":"task","id":")" + unknown_id + "\"}}");
  auto spec = stored(id).spec;
  EXPECT_TRUE(spec.cancel_on_gate_close);
  EXPECT_EQ(spec.keep_snapshot, std::chrono::hours{48});
  EXPECT_EQ(spec.fairness_key, "user:1");
  EXPECT_EQ(spec.rate.limit, 10u);
  EXPECT_EQ(spec.rate.per, std::chrono::minutes{1});
  EXPECT_EQ(spec.cache.key, "report");
  EXPECT_EQ(spec.cache.ttl, milliseconds{500});
  EXPECT_EQ(spec.placement.labels.at("disk"), "ssd");
  EXPECT_EQ(spec.origin.kind, origin_kind::task);
  auto task = json_of(call("GET", "/tasks/" + id));
  EXPECT_EQ(task.at("cancel_on_gate_close"), boost::json::value(true));
  EXPECT_EQ(task.at("keep_snapshot"), boost::json::value(172800));
  EXPECT_EQ(task.at("fairness_key").as_string(), "user:1");
  EXPECT_EQ(boost::json::serialize(task.at("rate")), R"({"key":"mail","limit":10,"per":60})");
  EXPECT_EQ(task.at("cache").at("key").as_string(), "report");
  EXPECT_EQ(boost::json::serialize(task.at("placement")), R"({"node":"n1","labels":{"disk":"ssd"}})");
  EXPECT_EQ(task.at("origin").at("id").as_string(), unknown_id);
}

TEST_F(TaskControlTest, WhatIsNotAskedForIsNull) {
  auto task = json_of(call("GET", "/tasks/" + create()));
  for (const auto* field : {"fairness_key", "rate", "cache", "placement", "workflow", "waits_for", "cached_from",
                            "rollback_message", "snapshot_until"})
    EXPECT_TRUE(task.at(field).is_null()) << field;
  EXPECT_EQ(task.at("cached"), boost::json::value(false));
  EXPECT_EQ(task.at("keep_snapshot"), boost::json::value(0));
  EXPECT_TRUE(task.at("approvals").as_array().empty());
}

TEST_F(TaskControlTest, StateOfControlIsShown) {
  auto id = create();
  {
    std::lock_guard lock{node->mutex};
    auto& task = node->tasks.at(*parse_task_id(id));
    task.spec.workflow = *parse_task_id(unknown_id);
    task.state.waits_for = "gate:deploy";
    task.state.parents_left = 2;
    task.state.cached_from = *parse_task_id(unknown_id);
    task.state.usage = {1.5, 4096, 10, 20};
    task.state.rollback = rollback_status::failed;
    task.state.rollback_message = "the disk is full";
    task.state.snapshot_until = now();
  }
  auto task = json_of(call("GET", "/tasks?workflow=" + unknown_id)).at(0);
  EXPECT_EQ(task.at("workflow").as_string(), unknown_id);
  EXPECT_EQ(task.at("waits_for").as_string(), "gate:deploy");
  EXPECT_EQ(task.at("parents_left"), boost::json::value(2));
  EXPECT_EQ(task.at("cached"), boost::json::value(true));
  EXPECT_EQ(task.at("cached_from").as_string(), unknown_id);
  EXPECT_EQ(boost::json::serialize(task.at("usage")),
            R"({"cpu_seconds":1.5E0,"peak_memory_bytes":4096,"read_bytes":10,"written_bytes":20})");
  EXPECT_EQ(task.at("rollback").as_string(), "failed");
  EXPECT_EQ(task.at("rollback_message").as_string(), "the disk is full");
  EXPECT_TRUE(task.at("snapshot_until").is_string());
  std::lock_guard lock{node->mutex};
  EXPECT_EQ(node->lists.back().filter.workflow, parse_task_id(unknown_id));
}

TEST_F(TaskControlTest, WrongFieldsOfATaskAreNamed) {
  const std::vector<std::array<const char*, 2>> wrong{
    {R"("cancel_on_gate_close":"yes")", "/cancel_on_gate_close"},
    {R"("keep_snapshot":"31d")", "/keep_snapshot"},
    {R"("keep_snapshot":-1)", "/keep_snapshot"},
    {R"("fairness_key":5)", "/fairness_key"},
    {R"("rate":{})", "/rate/key"},
    {R"("rate":{"key":"k","limit":0})", "/rate/limit"},
    {R"("rate":{"key":"k","limit":1000001})", "/rate/limit"},
    {R"("rate":{"key":"k","per":0})", "/rate/per"},
    {R"("rate":{"key":"k","burst":1})", "/rate/burst"},
    {R"("cache":{"key":"k"})", "/cache/ttl"},
    {R"("cache":{"ttl":5})", "/cache/key"},
    {R"("cache":{"key":"k","ttl":"31d"})", "/cache/ttl"},
    {R"("cache":"k")", "/cache"},
    {R"("origin":{"kind":"task"})", "/origin/id"},
    {R"("origin":{"kind":"task","id":"x"})", "/origin/id"},
    {R"("origin":{"kind":"rule","id":"x"})", "/origin/kind"},
    {R"("workflow":"01935000-0000-7000-8000-00000000002a")", "/workflow"},
  };
  for (const auto& [field, place] : wrong) {
    auto reply = call("POST", "/tasks", std::string{R"({"name":"n",)"} + field + "}");
    EXPECT_EQ(reply.status, 422) << field << reply.body;
    EXPECT_EQ(error_field(reply), place) << field;
  }
  EXPECT_THAT(call("POST", "/tasks", R"({"name":"n","origin":{"kind":"rule"}})").body,
              HasSubstr(R"("allowed":["api","task"])"));
  EXPECT_EQ(error_field(call("GET", "/tasks?workflow=x")), "workflow");
}

TEST_F(TaskControlTest, PatchChangesWhatItNames) {
  auto id = create();
  auto reply = call("PATCH", "/tasks/" + id, R"({"priority":"high","deadline":"2030-01-01T00:00:00Z","tags":["a"]})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(json_of(reply).at("id").as_string(), id);
  EXPECT_EQ(last_patch().importance, priority::high);
  EXPECT_TRUE(last_patch().deadline && *last_patch().deadline);
  EXPECT_FALSE(last_patch().scheduled_at);
  EXPECT_THAT(*last_patch().tags, testing::ElementsAre("a"));
  EXPECT_EQ(call("PATCH", "/tasks/" + id, R"({"scheduled_at":null,"priority":4,"tags":[]})").status, 200);
  EXPECT_TRUE(last_patch().scheduled_at && !*last_patch().scheduled_at);
  EXPECT_EQ(last_patch().importance, priority::background);
  EXPECT_FALSE(last_patch().deadline);
  EXPECT_TRUE(last_patch().tags->empty());
}

TEST_F(TaskControlTest, PatchRefusesTheRest) {
  auto path = "/tasks/" + create();
  const std::vector<std::array<const char*, 2>> wrong{
    {"{}", ""},
    {R"({"name":"other"})", "/name"},
    {R"({"priority":"urgent"})", "/priority"},
    {R"({"priority":null})", "/priority"},
    {R"({"scheduled_at":5})", "/scheduled_at"},
    {R"({"deadline":"soon"})", "/deadline"},
    {R"({"tags":"a"})", "/tags"},
    {R"({"tags":[5]})", "/tags/0"},
  };
  for (const auto& [body, field] : wrong) {
    auto reply = call("PATCH", path, body);
    EXPECT_EQ(reply.status, 422) << body << reply.body;
    EXPECT_EQ(error_field(reply), field) << body;
  }
  EXPECT_EQ(call("PATCH", path).status, 400);
  EXPECT_EQ(call("PATCH", "/tasks/" + unknown_id, R"({"priority":"low"})").status, 404);
  EXPECT_EQ(call("PATCH", "/tasks/x", R"({"priority":"low"})").status, 404);
}

TEST_F(TaskControlTest, ApprovalSaysWhoAndWhy) {
  auto path = "/tasks/" + create() + "/approve";
  auto task = json_of(call("POST", path, R"({"gate":"deploy","by":"ann","reason":"seen"})"));
  EXPECT_EQ(task.at("approvals").at(0).at("gate").as_string(), "deploy");
  EXPECT_EQ(task.at("approvals").at(0).at("by").as_string(), "ann");
  EXPECT_EQ(task.at("approvals").at(0).at("reason").as_string(), "seen");
  EXPECT_TRUE(task.at("approvals").at(0).at("time").is_string());
  EXPECT_EQ(call("POST", path, R"({"by":"ann","reason":"seen"})").status, 200);
  for (const auto& [body, field] : {std::pair{R"({"by":"ann"})", "/reason"}, std::pair{R"({"reason":"seen"})", "/by"},
                                    std::pair{R"({"by":"","reason":"seen"})", "/by"},
                                    std::pair{R"({"by":"ann","reason":"seen","gates":[]})", "/gates"}})
    EXPECT_EQ(error_field(call("POST", path, body)), field) << body;
  EXPECT_EQ(call("POST", path).status, 400);
  EXPECT_EQ(call("POST", "/tasks/" + unknown_id + "/approve", R"({"by":"a","reason":"b"})").status, 404);
}

TEST_F(TaskControlTest, RollbackNeedsNoBody) {
  auto path = "/tasks/" + create() + "/rollback";
  EXPECT_EQ(call("POST", path, R"({"by":5})").status, 422);
  auto task = json_of(call("POST", path, R"({"by":"ann","reason":"wrong"})"));
  EXPECT_EQ(task.at("rollback").as_string(), "done");
  EXPECT_EQ(task.at("rollback_message").as_string(), "ann: wrong");
  EXPECT_EQ(error_code(call("POST", path)), "conflict");
  EXPECT_EQ(call("POST", "/tasks/" + create() + "/rollback").status, 200);
  EXPECT_EQ(call("POST", "/tasks/x/rollback").status, 404);
}

TEST_F(TaskControlTest, SnapshotShowsWhatWasCaptured) {
  auto id = create();
  auto snapshot = json_of(call("GET", "/tasks/" + id + "/snapshot"));
  EXPECT_EQ(snapshot.at("id").as_string(), id);
  EXPECT_EQ(snapshot.at("attempt"), boost::json::value(2));
  EXPECT_EQ(snapshot.at("stored"), boost::json::value(true));
  EXPECT_EQ(boost::json::serialize(snapshot.at("files").at(0)),
            R"({"path":"/srv/a","kind":"file","bytes":42,"mode":"0640"})");
  EXPECT_EQ(snapshot.at("files").at(1).at("kind").as_string(), "absent");
  EXPECT_EQ(boost::json::serialize(snapshot.at("keys")), R"([{"key":"app/mode","version":17,"bytes":4}])");
  EXPECT_EQ(call("GET", "/tasks/" + unknown_id + "/snapshot").status, 404);
}

TEST_F(TaskControlTest, ResourcesOfTheNodes) {
  auto nodes = json_of(call("GET", "/resources")).at("nodes").as_array();
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].at("cpus"), boost::json::value(1.5));
  EXPECT_EQ(nodes[0].at("memory_mb_held"), boost::json::value(512));
  EXPECT_TRUE(nodes[0].at("reserved_for").is_string());
  EXPECT_TRUE(nodes[0].at("labels").as_object().empty());
  EXPECT_EQ(nodes[0].at("draining"), boost::json::value(false));
  EXPECT_TRUE(nodes[0].at("drain_until").is_null());
}

TEST(TaskDocumentTest, IsReadAsPostTasksDoes) {
  auto task = task_of_json(R"({"name":"n","priority":"low","payload":{"a":1}})");
  ASSERT_TRUE(task);
  EXPECT_EQ(task->spec->importance, priority::low);
  EXPECT_EQ(*task->payload, R"({"a":1})");
}

TEST(TaskDocumentTest, FailureNamesTheField) {
  auto wrong = describe(task_of_json(R"({"name":"n","retry":{"tries":3}})").error());
  EXPECT_EQ(wrong.code, ec::invalid);
  EXPECT_EQ(wrong.field, "/retry/tries");
  EXPECT_THAT(wrong.message, HasSubstr("max_attempts"));
  EXPECT_EQ(describe(task_of_json("[]").error()).field, "");
  EXPECT_THAT(describe(task_of_json("{").error()).message, HasSubstr("line 1"));
}
