#include "tests/http/server_fixture.hpp"

using namespace overwatch;

namespace {

class WorkersTest : public server_fixture {
protected:
  void SetUp() override { start(); }

  std::string attach() {
    auto reply = call("POST", "/workers", R"({"name":"resizer","types":{"resize":8,"encode":1}})");
    EXPECT_EQ(reply.status, 200) << reply.body;
    return std::string{json_of(reply).at("id").as_string().c_str()};
  }

  claimed_attempt attempt(uint64_t number) {
    auto spec = std::make_shared<task_spec>();
    spec->id = {number, 1};
    spec->name = "n" + std::to_string(number);
    spec->task_type = "resize";
    claimed_attempt result;
    result.task = {spec, std::make_shared<const std::string>(R"({"width":100})")};
    result.fence = {7, 2};
    result.limit = milliseconds{1500};
    result.parents.push_back(
      {"first", {number, 2}, task_status::completed, std::make_shared<const std::string>("[1]")});
    return result;
  }

  static std::string named(uint64_t number, const std::string& more = {}) {
    return R"({"id":")" + to_string(task_id{number, 1}) + R"(","token":"7.2")" + more + '}';
  }
};

} // namespace

TEST_F(WorkersTest, RegistersWithTypesSlotsAndAddress) {
  auto reply = call("POST", "/workers", R"({"name":"resizer","types":{"resize":8,"encode":1}})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(json_of(reply).at("id").as_string(), "test:1");
  EXPECT_EQ(json_of(reply).at("lease").as_int64(), 15);
  EXPECT_EQ(reply.headers["location"], "/api/overwatch/workers/test:1");
  std::lock_guard lock{node->mutex};
  const auto& worker = node->workers.at("test:1");
  EXPECT_EQ(worker.name, "resizer");
  EXPECT_EQ(worker.address, "127.0.0.1");
  ASSERT_EQ(worker.types.size(), 2u);
  EXPECT_EQ(worker.types[0].task_type, "resize");
  EXPECT_EQ(worker.types[0].slots, 8u);
}

TEST_F(WorkersTest, RegistrationThatIsWrongNamesTheField) {
  const std::vector<std::pair<std::string, std::string>> bodies{
    {R"({"types":{"a":1}})", "/name"},          {R"({"name":"n"})", "/types"},
    {R"({"name":"n","types":{"a":0}})", "/types/a"}, {R"({"name":"n","types":["a"]})", "/types"},
    {R"({"name":"n","types":{}})", "/types"},   {R"({"name":"n","types":{"a":1},"x":1})", "/x"},
  };
  for (const auto& [body, field] : bodies) {
    auto reply = call("POST", "/workers", body);
    EXPECT_EQ(reply.status, 422) << body << reply.body;
    EXPECT_EQ(error_field(reply), field);
  }
}

TEST_F(WorkersTest, ClaimGetsWholeAttempts) {
  auto worker = attach();
  {
    std::lock_guard lock{node->mutex};
    node->claimable = {attempt(1), attempt(2), attempt(3)};
    node->stops = {{{9, 1}, {7, 1}, stop_reason::cancelled}};
  }
  auto reply = call("POST", "/workers/" + worker + "/claim", R"({"task_type":"resize","limit":2,"wait":"20s"})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  auto claimed = json_of(reply);
  ASSERT_EQ(claimed.at("attempts").as_array().size(), 2u);
  const auto& first = claimed.at("attempts").at(0);
  EXPECT_EQ(first.at("id").as_string(), to_string(task_id{1, 1}));
  EXPECT_EQ(first.at("token").as_string(), "7.2");
  EXPECT_EQ(first.at("attempt").as_int64(), 2);
  EXPECT_EQ(first.at("payload").at("width").as_int64(), 100);
  EXPECT_EQ(first.at("limit").as_double(), 1.5);
  EXPECT_EQ(first.at("parents").at(0).at("result").at(0).as_int64(), 1);
  EXPECT_EQ(claimed.at("stop").at(0).at("reason").as_string(), "cancelled");
  std::lock_guard lock{node->mutex};
  EXPECT_EQ(node->claims.at(0).task_type, "resize");
  EXPECT_EQ(node->claims.at(0).limit, 2u);
  EXPECT_EQ(node->claims.at(0).wait.count(), 20'000);
}

TEST_F(WorkersTest, ClaimWithoutBodyAsksForOneAndDoesNotWait) {
  auto worker = attach();
  EXPECT_EQ(call("POST", "/workers/" + worker + "/claim").status, 200);
  std::lock_guard lock{node->mutex};
  EXPECT_EQ(node->claims.at(0).limit, 1u);
  EXPECT_EQ(node->claims.at(0).wait.count(), 0);
}

TEST_F(WorkersTest, HeartbeatCarriesProgressAndLines) {
  auto worker = attach();
  auto body =
    R"({"attempts":[)" +
    named(1, R"(,"progress":40.5,"message":"half","log":["a",{"level":"warning","message":"b","data":{"c":1}}])") +
    ',' + named(2) + "]}";
  auto reply = call("POST", "/workers/" + worker + "/heartbeat", body);
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(json_of(reply).at("lease").as_int64(), 15);
  std::lock_guard lock{node->mutex};
  const auto& beats = node->heartbeats.at(0).attempts;
  ASSERT_EQ(beats.size(), 2u);
  EXPECT_EQ(beats[0].fence, (fencing_token{7, 2}));
  EXPECT_EQ(beats[0].percent, 40.5);
  EXPECT_EQ(beats[0].message, "half");
  ASSERT_EQ(beats[0].lines.size(), 2u);
  EXPECT_EQ(beats[0].lines[0].message, "a");
  EXPECT_EQ(beats[0].lines[1].level, log_level::warning);
  EXPECT_EQ(beats[0].lines[1].data, R"({"c":1})");
  EXPECT_FALSE(beats[1].percent);
}

TEST_F(WorkersTest, FinishSaysOfEachWhetherItIsDurable) {
  auto worker = attach();
  {
    std::lock_guard lock{node->mutex};
    task_record stale;
    stale.spec.name = "stale";
    node->tasks[{2, 1}] = stale;
  }
  auto body = R"({"attempts":[)" + named(1, R"(,"result":{"a":[1]},"execution_time":0.25)") + ','
              + named(2, R"(,"status":"failed","message":"no","retryable":false)") + "]}";
  auto reply = call("POST", "/workers/" + worker + "/finish", body);
  ASSERT_EQ(reply.status, 200) << reply.body;
  auto fates = json_of(reply).at("attempts").as_array();
  EXPECT_TRUE(fates.at(0).at("durable").as_bool());
  EXPECT_TRUE(fates.at(0).at("error").is_null());
  EXPECT_FALSE(fates.at(1).at("durable").as_bool());
  EXPECT_EQ(fates.at(1).at("error").at("code").as_string(), "conflict");
  std::lock_guard lock{node->mutex};
  const auto& sent = node->finishes.at(0).attempts;
  EXPECT_TRUE(sent.at(0).completed);
  EXPECT_EQ(sent.at(0).result, R"({"a":[1]})");
  EXPECT_EQ(sent.at(0).execution.count(), 250'000);
  EXPECT_FALSE(sent.at(1).completed);
  EXPECT_FALSE(sent.at(1).retryable);
  EXPECT_EQ(sent.at(1).message, "no");
}

TEST_F(WorkersTest, AttemptWithoutIdOrTokenIsRefused) {
  auto worker = attach();
  for (const auto* attempt :
       {R"({"token":"1.1"})", R"({"id":"01935000-0000-7000-8000-00000000002a"})", R"({"id":"x","token":"1.1"})",
        R"({"id":"01935000-0000-7000-8000-00000000002a","token":"1"})",
        R"({"id":"01935000-0000-7000-8000-00000000002a","token":"1.1.1"})", "5"})
    for (const auto* route : {"/heartbeat", "/finish"}) {
      auto reply = call("POST", "/workers/" + worker + route, std::string{R"({"attempts":[)"} + attempt + "]}");
      EXPECT_EQ(reply.status, 422) << route << attempt << reply.body;
    }
  EXPECT_EQ(call("POST", "/workers/" + worker + "/finish", R"({"attempts":[]})").status, 422);
}

TEST_F(WorkersTest, LeavesOnce) {
  auto worker = attach();
  auto reply = call("DELETE", "/workers/" + worker);
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(json_of(reply).at("running").as_int64(), 2);
  auto again = call("DELETE", "/workers/" + worker);
  EXPECT_EQ(again.status, 404);
  EXPECT_EQ(error_code(again), "not_found");
  EXPECT_EQ(call("POST", "/workers/" + worker + "/claim").status, 404);
}

TEST_F(WorkersTest, ListShowsThoseThatAreAttached) {
  auto workers = json_of(call("GET", "/workers")).at("workers").as_array();
  ASSERT_EQ(workers.size(), 2u);
  EXPECT_FALSE(workers[0].at("attached").as_bool());
  EXPECT_FALSE(workers[0].as_object().contains("name"));
  EXPECT_TRUE(workers[1].at("attached").as_bool());
  EXPECT_EQ(workers[1].at("name").as_string(), "resizer");
  EXPECT_EQ(workers[1].at("address").as_string(), "host-7");
  EXPECT_EQ(workers[1].at("running").as_int64(), 2);
  EXPECT_EQ(workers[1].at("slots").as_int64(), 8);
}
