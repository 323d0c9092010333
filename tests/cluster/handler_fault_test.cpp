// Handlers in C++ that misbehave (those of fault_node), and what a client can do about their tasks.

#include "tests/cluster/node_fixture.hpp"
#include "tests/support/process/eventually.hpp"

namespace overwatch {

namespace {

namespace json = boost::json;
using clock = std::chrono::steady_clock;

class HandlerFaultTest : public node_fixture {
protected:
  void SetUp() override { options_.binary = FAULT_NODE_BINARY; }

  json::object run(const json::object& task) { return client_->ended(client_->submit(task)); }

  int cancel(const std::string& id) { return client_->post("/tasks/" + id + "/cancel").status; }

  static int attempts_of(const json::object& task) { return task.at("attempt").to_number<int>(); }
};

TEST_F(HandlerFaultTest, ExceptionsAreOutcomes) {
  start();
  for (const auto* type : {"throws_exception", "throws_number", "runs_out_of_memory", "inline_throw"}) {
    SCOPED_TRACE(type);
    auto ended = run(typed_task(type));
    EXPECT_EQ(text_at(ended, "status"), "failed");
    EXPECT_EQ(text_at(ended, "error", "kind"), "exception");
    EXPECT_NE(text_at(ended, "error", "message"), "");
  }
  EXPECT_EQ(text_at(run(typed_task("throws_exception")), "error", "message"), "the handler threw: the handler gave up");
  EXPECT_EQ(client_->object("/health").at("restarts").to_number<int>(), 0);
  expect_working();
}

TEST_F(HandlerFaultTest, RetriesWaitLongerEachTime) {
  start();
  auto task = typed_task("throws_exception");
  task["retry"] = {{"max_attempts", 3}, {"backoff", "exponential"}, {"base", "200ms"}, {"jitter", 0}};
  auto begin = clock::now();
  auto id = client_->submit(task);
  auto ended = client_->ended(id);
  EXPECT_GE(clock::now() - begin, std::chrono::milliseconds{600}); // 200 and 400
  EXPECT_EQ(text_at(ended, "status"), "failed");
  EXPECT_EQ(attempts_of(ended), 3);
  expect_working();
}

TEST_F(HandlerFaultTest, HugeResultFailsTheTask) {
  start();
  auto ended = run(typed_task("returns_huge_result"));
  EXPECT_EQ(text_at(ended, "status"), "failed");
  EXPECT_NE(text_at(ended, "error", "message").find("1048576"), std::string::npos) << json::serialize(ended);
  EXPECT_LT(node_->resident_bytes(), 500u << 20);
  expect_working();
}

TEST_F(HandlerFaultTest, ResultThatIsNoJsonIsShownAsText) {
  start();
  auto ended = run(typed_task("returns_no_json"));
  EXPECT_EQ(text_at(ended, "result"), "{\"half\": ");
  expect_working();
}

TEST_F(HandlerFaultTest, FloodOfLogLinesIsBounded) {
  start();
  auto id = client_->submit(typed_task("floods_log"));
  EXPECT_EQ(text_at(client_->ended(id), "status"), "completed");
  auto entries = client_->object("/tasks/" + id + "/logs?limit=1000").at("entries").as_array();
  EXPECT_GT(entries.size(), 10u);
  EXPECT_LE(entries.size(), 101u);
  EXPECT_NE(client_->log_of(id).find("line 199999"), std::string::npos) << "the newest line is kept";
  EXPECT_LT(node_->resident_bytes(), 500u << 20);
  expect_working();
}

TEST_F(HandlerFaultTest, DamagedTextFromAHandlerLeavesAnswersWellFormed) {
  start();
  auto id = client_->submit(typed_task("logs_damaged_text"));
  EXPECT_EQ(text_at(client_->ended(id), "status"), "failed"); // parsing it is the test
  EXPECT_NE(client_->log_of(id), "");
  auto list = client_->get("/tasks");
  EXPECT_EQ(list.status, 200);
  EXPECT_EQ(json::parse(list.body).as_array().size(), 1u);
  expect_working();
}

TEST_F(HandlerFaultTest, TimeoutReachesAHandlerThatListens) {
  start();
  auto task = typed_task("waits_for_stop");
  task["timeout"] = "300ms";
  task["retry"] = {{"max_attempts", 2}, {"base", 0}};
  auto ended = run(task);
  EXPECT_EQ(text_at(ended, "error", "kind"), "timeout");
  EXPECT_EQ(attempts_of(ended), 2);
  expect_working();
}

TEST_F(HandlerFaultTest, OneThatNeverReturnsLosesItsSlot) {
  start();
  auto first = typed_task("hangs");
  first["timeout"] = "200ms";
  auto first_id = client_->submit(first);
  client_->reaches(first_id, "running");
  auto second_id = client_->submit(typed_task("hangs"));
  EXPECT_EQ(text_at(client_->object("/tasks/" + second_id + "/why"), "status"), "queued"); // there is one slot
  EXPECT_EQ(text_at(client_->ended(first_id), "error", "kind"), "timeout");
  client_->reaches(second_id, "running"); // in the slot that was taken away
  EXPECT_EQ(cancel(second_id), 200);
  EXPECT_EQ(text_at(client_->ended(second_id), "status"), "cancelled");
  expect_working();
  auto begin = clock::now();
  node_->stop(); // although two threads hang for ever
  EXPECT_LT(clock::now() - begin, std::chrono::seconds{30});
}

TEST_F(HandlerFaultTest, DeadlinesCountTheTimeInTheQueue) {
  start();
  ASSERT_EQ(client_->post("/stop").status, 200);
  auto task = typed_task("waits_for_stop");
  task["deadline"] = "+300ms";
  auto waiting = run(task);
  EXPECT_EQ(text_at(waiting, "status"), "failed");
  EXPECT_EQ(text_at(waiting, "error", "kind"), "timeout");
  EXPECT_EQ(attempts_of(waiting), 0);
  ASSERT_EQ(client_->post("/start").status, 200);
  expect_working();
}

TEST_F(HandlerFaultTest, CancelWorksInEveryStatus) {
  start();
  auto later = typed_task("noop");
  later["scheduled_at"] = "2099-01-01T00:00:00Z";
  auto pending = client_->submit(later);
  EXPECT_EQ(text_at(client_->task(pending), "status"), "pending");

  auto failing = typed_task("throws_exception");
  failing["retry"] = {{"max_attempts", 2}, {"base", "1h"}, {"max", "1h"}};
  auto retrying = client_->submit(failing);
  client_->reaches(retrying, "retrying");

  auto running = client_->submit(typed_task("waits_for_stop"));
  client_->reaches(running, "running");

  auto queued = client_->submit(typed_task("obd2_diagnostic")); // known, and nobody serves it
  EXPECT_EQ(text_at(client_->task(queued), "status"), "queued");

  for (const auto& id : {pending, retrying, running, queued}) {
    EXPECT_EQ(cancel(id), 200);
    auto ended = client_->ended(id);
    EXPECT_EQ(text_at(ended, "status"), "cancelled");
    EXPECT_EQ(cancel(id), 200) << "it is what was asked for";
    EXPECT_EQ(client_->task(id), ended) << "a terminal task never changes";
  }
  auto completed = client_->submit(typed_task("noop"));
  EXPECT_EQ(text_at(client_->ended(completed), "status"), "completed");
  EXPECT_EQ(cancel(completed), 409);
  expect_working();
}

TEST_F(HandlerFaultTest, TaskThatKillsItsNodeEndsAsPoison) {
  options_.max_lost = 2;
  start();
  ASSERT_EQ(client_->post("/stop").status, 200); // else it could die before it answers the submit
  auto id = client_->submit(typed_task("aborts"));
  std::string status;
  for (int starts = 0; starts < 10 && status != "failed"; ++starts)
    try {
      client_->post("/start");
      status = text_at(client_->object("/tasks/" + id + "?wait=20"), "status");
    } catch (const support::http_error&) { // it died again
      node_->kill();
      EXPECT_TRUE(support::eventually([&] {
        try {
          start();
          return true;
        } catch (const std::runtime_error&) { // already while it started
          return false;
        }
      }));
    }
  auto ended = client_->task(id);
  EXPECT_EQ(text_at(ended, "status"), "failed");
  EXPECT_EQ(text_at(ended, "error", "kind"), "poison");
  expect_working();
}

} // namespace

} // namespace overwatch
