// The node's own store: a backup while submits come in, a restore into an empty directory, a node on it.

#include "tests/cluster/node_fixture.hpp"
#include "tests/support/process/eventually.hpp"
#include "tests/support/process/node_api.hpp"
#include "tests/support/process/program_run.hpp"
#include "tests/support/process/scratch_directory.hpp"

#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>

namespace fs = std::filesystem;

namespace overwatch {

namespace {

namespace json = boost::json;

constexpr unsigned submitters = 3;
constexpr unsigned batch_tasks = 20;
constexpr size_t enough_tasks = 2000; // before the backup, and again after it

/// Clients that submit until they are told to end, and what was acknowledged.
class submit_load {
public:
  explicit submit_load(uint16_t port) {
    for (unsigned i = 0; i < submitters; ++i)
      threads_.emplace_back([this, port] { submit(port); });
  }
  ~submit_load() { end(); }

  void end() {
    ending_ = true;
    for (auto& x : threads_)
      x.join();
    threads_.clear();
  }

  std::vector<task_id> acknowledged() const {
    std::lock_guard guard{mutex_};
    return acknowledged_;
  }

private:
  void submit(uint16_t port) {
    support::node_api api{port};
    std::string batch;
    for (unsigned i = 0; i < batch_tasks; ++i)
      batch += "{\"name\":\"nothing\",\"task_type\":\"noop\"}\n";
    while (!ending_) {
      auto ids = api.submit_batch(batch);
      std::lock_guard guard{mutex_};
      acknowledged_.insert(acknowledged_.end(), ids.begin(), ids.end());
    }
  }

  std::atomic<bool> ending_{false};
  mutable std::mutex mutex_;
  std::vector<task_id> acknowledged_;
  std::vector<std::thread> threads_;
};

class StoreBackupNodeTest : public node_fixture {
protected:
  void SetUp() override {
    options_.max_concurrent_tasks = 4;
    options_.more_config = "backup {\n  roots = [\"" + place_.path() +
                           "\"]\n}\n"
                           "storage {\n  checkpoint-mb = 1\n}\n"; // the log is cut all the while
    start();
    backups_ = place_.path() + "/backups";
    restored_ = place_.path() + "/restored";
  }

  json::object back_up(const std::string& action = "create") {
    auto task = typed_task("data_backup");
    task["priority"] = "critical"; // or it waits behind all that the load has submitted
    task["payload"] = json::object{{"source", "node"}, {"destination", backups_}, {"action", action}};
    return client_->ended(client_->submit(task));
  }

  support::program_end restore() {
    return support::run_program({options_.binary, "restore", "--from", backups_, "--data-dir", restored_});
  }

  support::scratch_directory place_;
  std::string backups_;
  std::string restored_;
};

} // namespace

TEST_F(StoreBackupNodeTest, EveryTaskThatWasAcknowledgedBeforeIsThereAfterARestore) {
  submit_load load{node_->http_port()};
  ASSERT_TRUE(support::eventually([&] { return load.acknowledged().size() >= enough_tasks; }));
  auto before = load.acknowledged();
  auto backup = back_up();
  EXPECT_EQ(text_at(backup, "status"), "completed") << json::serialize(backup);
  auto count = load.acknowledged().size();
  ASSERT_TRUE(support::eventually([&] { return load.acknowledged().size() >= count + enough_tasks; }));
  EXPECT_EQ(text_at(back_up(), "status"), "completed"); // one more, of which most is shared
  load.end();
  EXPECT_NE(text_at(client_->object("/status"), "system_state", "last_backup"), "");
  node_->stop();

  auto first =
    support::run_program({options_.binary, "restore", "--from", backups_, "--backup", "1", "--data-dir", restored_});
  ASSERT_EQ(first.exit_status, 0) << first.output;
  auto again = restore();
  EXPECT_EQ(again.exit_status, 4) << again.output;
  EXPECT_NE(again.output.find("is not empty"), std::string::npos) << again.output;

  node_.reset();
  options_.data_dir = restored_;
  start();
  for (const auto& id : before)
    EXPECT_EQ(client_->get("/tasks/" + to_string(id)).status, 200) << to_string(id);
  expect_working();
}

TEST_F(StoreBackupNodeTest, TheTaskSaysWhatItDidAndFindsDamage) {
  auto made = back_up();
  ASSERT_EQ(text_at(made, "status"), "completed") << json::serialize(made);
  EXPECT_TRUE(made["result"].at("verified").as_bool());
  EXPECT_EQ(text_at(back_up("verify"), "status"), "completed");
  for (const auto& file : fs::recursive_directory_iterator{backups_ + "/engine"})
    if (file.is_regular_file() && file.path().filename().string().rfind("MANIFEST", 0) == 0)
      fs::resize_file(file.path(), file.file_size() - 1);
  auto damaged = back_up("verify");
  EXPECT_EQ(text_at(damaged, "status"), "failed");
  EXPECT_NE(text_at(damaged, "error", "message").find("1 of 1 backups are damaged"), std::string::npos)
    << json::serialize(damaged);
  auto run = restore();
  EXPECT_NE(run.exit_status, 0);
  EXPECT_FALSE(fs::exists(restored_));
}

TEST_F(StoreBackupNodeTest, MaintenanceRunsOnANode) {
  auto run = support::run_program({options_.binary, "--url", "http://127.0.0.1:" + std::to_string(node_->http_port()),
                                   "maintenance", "run", "--action", "compact", "--action", "retention"});
  EXPECT_EQ(run.exit_status, 0) << run.output;
  EXPECT_NE(run.output.find("compact    done"), std::string::npos) << run.output;
}

} // namespace overwatch
