// A disk that is really full: what a killed and a full node do there, and that they lose nothing.

#include "tests/cluster/node_fixture.hpp"
#include "tests/cluster/small_disk.hpp"
#include "tests/support/process/eventually.hpp"
#include "tests/support/process/program_run.hpp"

#include <optional>

namespace overwatch {

namespace {

namespace json = boost::json;

constexpr uint64_t megabyte = 1 << 20;
constexpr const char* batch_path = "/tasks/batch";
constexpr const char* lines = "application/x-ndjson";

class DiskFullTest : public node_fixture {
protected:
  void SetUp() override {
    try {
      disk_.emplace();
    } catch (const std::runtime_error& error) {
      GTEST_SKIP() << error.what();
    }
    options_.data_dir = disk_->data_directory();
    options_.more_config = "storage {\n  min-free-mb = 16\n  write-buffer-mb = 8\n  checkpoint-mb = 4\n}\n"
                           "http {\n  request-timeout = 4s\n}\n"; // how long a batch on its way waits for space
  }

  void TearDown() override {
    node_fixture::TearDown();
    node_.reset();
  }

  std::string submit_later() {
    auto task = typed_task("noop");
    task["scheduled_at"] = "2099-01-01T00:00:00Z";
    return client_->submit(task);
  }

  void expect_full() {
    EXPECT_TRUE(support::eventually([&] { return client_->get("/health/ready").status == 503; }));
    auto health = client_->object("/health");
    EXPECT_FALSE(health.at("ready").as_bool());
    EXPECT_TRUE(health.at("live").as_bool());
    EXPECT_NE(text_at(health, "problem").find("disk"), std::string::npos) << json::serialize(health);
    auto answer = client_->post("/tasks", R"({"name":"x","task_type":"noop"})");
    EXPECT_EQ(answer.status, 507) << answer.body;
    EXPECT_NE(answer.body.find("disk"), std::string::npos) << answer.body;
    EXPECT_EQ(client_->post(batch_path, R"({"name":"x","task_type":"noop"})", lines).status, 507);
  }

  void expect_recovery() {
    EXPECT_TRUE(support::eventually([&] { return client_->get("/health/ready").status == 200; }))
      << client_->get("/health").body;
    expect_working();
  }

  /// NDJSON of tasks whose payloads are large and do not compress.
  static std::string large_batch(unsigned round) {
    std::string result;
    uint64_t random = round + 1;
    for (int i = 0; i < 16; ++i) {
      std::string noise;
      while (noise.size() < 256 * 1024) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        noise += static_cast<char>('!' + (random >> 33) % 90 + ((random >> 33) % 90 >= 59 ? 2 : 0));
      }
      for (auto& c : noise)
        if (c == '"' || c == '\\')
          c = ' ';
      result += R"({"name":"large","task_type":"obd2_diagnostic","payload":{"noise":")" + noise + "\"}}\n";
    }
    return result;
  }

  std::optional<small_disk> disk_;
};

TEST_F(DiskFullTest, SubmitsAreRefusedUntilThereIsSpace) {
  start();
  auto id = submit_later();
  disk_->fill(8 * megabyte); // below min-free-mb, not yet full
  expect_full();
  EXPECT_EQ(text_at(client_->task(id), "status"), "pending") << "reading goes on";
  EXPECT_EQ(client_->post("/tasks/" + id + "/cancel").status, 200) << "there is still room for an outcome";
  disk_->free();
  expect_recovery();
  EXPECT_EQ(text_at(client_->task(id), "status"), "cancelled");
}

TEST_F(DiskFullTest, NothingAcknowledgedIsLostWhenTheDiskFillsWhileItWrites) {
  start();
  auto before = submit_later();
  std::vector<std::string> acknowledged;
  disk_->fill(30 * megabyte);
  int status = 200;
  for (unsigned round = 0; round < 100 && status == 200; ++round) {
    auto answer = client_->post(batch_path, large_batch(round), lines);
    status = answer.status;
    if (status != 200)
      break;
    auto body = json::parse(answer.body);
    for (const auto& task : body.at("tasks").as_array())
      if (auto id = text_at(task.as_object(), "id"); !id.empty())
        acknowledged.push_back(id);
    if (round == 1)
      disk_->fill(megabyte); // from one moment to the next
  }
  EXPECT_EQ(status, 507);
  EXPECT_GE(acknowledged.size(), 32u);
  disk_->fill(0);
  expect_full();
  node_->kill(); // what was acknowledged is on disk
  auto end = support::run_program(node_->command_line(), std::chrono::seconds{5});
  if (end.exit_status != -1) { // it may refuse, and then says what to do
    EXPECT_EQ(end.exit_status, 1) << end.output;
    EXPECT_NE(end.output.find("full"), std::string::npos) << end.output;
    EXPECT_NE(end.output.find("free some space"), std::string::npos) << end.output;
  }
  disk_->free();
  start();
  expect_recovery();
  EXPECT_EQ(text_at(client_->task(before), "status"), "pending");
  for (const auto& id : acknowledged)
    EXPECT_EQ(text_at(client_->task(id), "status"), "queued") << id;
}

TEST_F(DiskFullTest, RunningTasksEndWhenSpaceReturns) {
  auto script = "while test -e " + disk_->ballast() + "; do sleep 0.05; done; echo '{\"saw\":1}'";
  options_.commands = {{"wait", {"/bin/sh", "-c", script}}};
  start();
  disk_->fill(40 * megabyte);
  auto id = client_->submit(command_task("wait"));
  client_->reaches(id, "running");
  disk_->fill(0);
  expect_full();
  EXPECT_EQ(text_at(client_->task(id), "status"), "running");
  disk_->free();
  auto ended = client_->ended(id);
  EXPECT_EQ(text_at(ended, "status"), "completed") << json::serialize(ended);
  EXPECT_EQ(json::serialize(ended.at("result")), R"({"saw":1})");
  EXPECT_EQ(ended.at("attempt").to_number<int>(), 1);
  expect_recovery();
}

TEST_F(DiskFullTest, FirstStartOnAFullDiskSaysWhatToDo) {
  node_ = std::make_unique<support::node_process>(options_);
  disk_->fill(0);
  auto end = support::run_program(node_->command_line());
  EXPECT_EQ(end.exit_status, 1) << end.output;
  EXPECT_NE(end.output.find("full"), std::string::npos) << end.output;
  EXPECT_NE(end.output.find("free some space"), std::string::npos) << end.output;
  disk_->free();
  start();
  expect_working();
}

} // namespace

} // namespace overwatch
