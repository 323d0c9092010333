// The worker in examples/worker.py against a node in a process of its own: the HTTP protocol of attached workers.

#include "tests/cluster/node_fixture.hpp"

#include "tests/support/process/background_program.hpp"
#include "tests/support/process/eventually.hpp"

namespace overwatch {

namespace {

namespace json = boost::json;

class PythonWorkerTest : public node_fixture {
protected:
  void SetUp() override {
    options_.more_config = "workers { lease = 3s }";
    start();
    attach();
  }

  void attach() {
    auto number = std::to_string(++workers_);
    worker_ = std::make_unique<support::background_program>(
      std::vector<std::string>{"python3", WORKER_SCRIPT, "--threads", "4", "--name", "python-" + number, "--node",
                               "http://127.0.0.1:" + std::to_string(node_->http_port())},
      node_->directory() + "/worker-" + number + ".log");
    ASSERT_TRUE(support::eventually([&] { return worker_->output().find("attached as") != std::string::npos; }))
      << worker_->output();
  }

  std::string submit(std::string_view text, double pause = 0) {
    auto task = typed_task("count_words");
    task["payload"] = json::object{{"text", json::string{text.data(), text.size()}}, {"pause", pause}};
    return client_->submit(task);
  }

  void TearDown() override {
    if (HasFailure() && worker_)
      std::cout << "the worker has printed:\n" << worker_->output() << std::endl;
    worker_.reset();
    node_fixture::TearDown();
  }

  std::unique_ptr<support::background_program> worker_;
  int workers_ = 0;
};

TEST_F(PythonWorkerTest, CountsWords) {
  auto id = submit("to be or not to be");
  auto ended = client_->ended(id);
  EXPECT_EQ(text_at(ended, "status"), "completed");
  EXPECT_EQ(ended.at("result").at("words").to_number<int>(), 6);
  EXPECT_EQ(ended.at("result").at("counts").at("be").to_number<int>(), 2);
  EXPECT_EQ(client_->log_of(id), "counted 6 words\n");
  auto workers = client_->object("/workers").at("workers").as_array();
  ASSERT_EQ(workers.size(), 1u);
  EXPECT_EQ(text_at(workers[0].as_object(), "name"), "python-1");
  EXPECT_EQ(text_at(workers[0].as_object(), "address"), "127.0.0.1");
}

TEST_F(PythonWorkerTest, FailureForGoodIsNotTriedAgain) {
  auto task = typed_task("count_words");
  task["retry"] = json::object{{"max_attempts", 5}};
  auto ended = client_->ended(client_->submit(task));
  EXPECT_EQ(text_at(ended, "status"), "failed");
  EXPECT_EQ(text_at(ended, "error", "message"), "the payload has no text");
  EXPECT_EQ(ended.at("attempt").to_number<int>(), 1);
}

TEST_F(PythonWorkerTest, ShowsProgressAndStopsWhenCancelled) {
  auto id = submit("one two three four", 30);
  client_->reaches(id, "running");
  client_->post("/tasks/" + id + "/cancel");
  auto ended = client_->ended(id);
  EXPECT_EQ(text_at(ended, "status"), "cancelled");
}

TEST_F(PythonWorkerTest, LosesNothingWhenTheNodeIsKilled) {
  std::vector<std::string> ids;
  for (int i = 0; i < 30; ++i)
    ids.push_back(submit("one two three", 0.05));
  client_->reaches(ids[4], "completed");
  node_->kill();
  start();
  for (const auto& id : ids) {
    auto ended = client_->ended(id);
    EXPECT_EQ(text_at(ended, "status"), "completed") << json::serialize(ended);
    EXPECT_EQ(ended.at("result").at("words").to_number<int>(), 3);
  }
  EXPECT_EQ(client_->object("/stats").at("total_completed").to_number<int>(), 30);
}

TEST_F(PythonWorkerTest, KilledWorkerIsReplacedByAnother) {
  auto id = submit("one two", 1);
  client_->reaches(id, "running");
  worker_->kill();
  attach();
  auto ended = client_->ended(id);
  EXPECT_EQ(text_at(ended, "status"), "completed");
  EXPECT_GE(ended.at("attempt").to_number<int>(), 2);
}

TEST_F(PythonWorkerTest, LeavesAfterItHasFinished) {
  auto id = submit("one two three", 0.3);
  client_->reaches(id, "running");
  EXPECT_EQ(worker_->stop(), 0);
  EXPECT_EQ(text_at(client_->ended(id), "status"), "completed");
  EXPECT_TRUE(support::eventually([&] { return client_->object("/workers").at("workers").as_array().empty(); }));
}

} // namespace

} // namespace overwatch
