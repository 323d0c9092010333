#include "runtime/maintenance/maintenance.hpp"

#include "tests/maintenance/tree.hpp"

#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace overwatch::maintenance {

using testing::HasSubstr;
using namespace std::chrono_literals;

namespace {

namespace json = boost::json;

class MaintenanceTest : public testing::Test {
protected:
  MaintenanceTest() {
    config_.node.data_dir = tree_.at("data");
    config_.maintenance.roots = {tree_.at("root")};
    auto opened = open_rocks_store(tree_.at("data"), {8, 8});
    EXPECT_TRUE(opened);
    store_ = std::move(*opened);
    tree_.make_directory("root");
  }

  outcome run(const std::string& payload) {
    attempt task{payload};
    auto result = run_maintenance(*task.context, config_, {store_.get(), nullptr});
    reported_ = task.report->take();
    return result;
  }

  static json::object action(const outcome& x, std::string_view name) {
    auto result = json::parse(x.result);
    for (const auto& entry : result.at("actions").as_array())
      if (entry.at("action").as_string() == name)
        return entry.as_object();
    ADD_FAILURE() << "no action " << name << " in " << x.result;
    return {};
  }

  tree tree_;
  settings config_;
  std::unique_ptr<rocks_store> store_;
  attempt_report::content reported_;
};

} // namespace

TEST_F(MaintenanceTest, AnEmptyPayloadDoesAllThatIsPossibleHere) {
  tree_.write("root/old", std::string(5000, 'x'), 48h);
  config_.maintenance.cleanup["test"].path = tree_.at("root");
  config_.maintenance.cleanup["test"].older_than = 24h;
  auto x = run("{\"dry_run\": true}");
  EXPECT_EQ(x.kind, violation::none) << x.message << x.result;
  EXPECT_TRUE(tree_.has("root/old"));
  EXPECT_EQ(action(x, "cleanup").at("removed").to_number<int>(), 1);
  EXPECT_EQ(action(x, "rotate_logs").at("status").as_string(), "skipped");
  EXPECT_EQ(action(x, "retention").at("status").as_string(), "done");
  for (auto name : {"compact", "disk_health", "updates"})
    EXPECT_NE(action(x, name).at("status").as_string(), "failed") << x.result;
  EXPECT_EQ(reported_.percent, 100);
  EXPECT_THAT(lines_at(reported_, log_level::info), HasSubstr("cleanup: done, 1 would be removed"));
}

TEST_F(MaintenanceTest, TheLongListIsInTheFileThatTheResultNames) {
  tree_.write("root/old", "x", 48h);
  auto x =
    run(R"({"actions": ["cleanup"], "cleanup": {"a": {"path": ")" + tree_.at("root") + R"(", "older_than": "1h"}}})");
  EXPECT_EQ(x.kind, violation::none) << x.message;
  EXPECT_FALSE(tree_.has("root/old"));
  std::string report{json::parse(x.result).at("report").as_string()};
  std::ifstream in{report};
  std::string line;
  ASSERT_TRUE(std::getline(in, line)) << report;
  EXPECT_EQ(json::parse(line).at("path").as_string(), tree_.at("root/old"));
}

TEST_F(MaintenanceTest, CompactionGivesBackTheSpaceOfWhatWasDeleted) {
  for (int round = 0; round < 8; ++round) {
    write_batch batch;
    for (int i = 0; i < 2000; ++i)
      batch.put(key_space::state, "key" + std::to_string(i),
                std::string(500, static_cast<char>('a' + (i * 7 + round) % 26)) + std::to_string(i * 31 + round));
    ASSERT_EQ(store_->write(batch, false), store::write_result::done);
    ASSERT_EQ(store_->checkpoint(), store::write_result::done);
  }
  write_batch gone;
  gone.erase_range(key_space::state, "key", "kez");
  gone.put(key_space::state, "kept", "value");
  ASSERT_EQ(store_->write(gone, false), store::write_result::done);
  auto x = run(R"({"actions": ["compact"]})");
  EXPECT_EQ(x.kind, violation::none) << x.message;
  auto details = action(x, "compact").at("details").as_object();
  EXPECT_GT(action(x, "compact").at("freed_bytes").to_number<uint64_t>(), 4'000'000u) << x.result;
  EXPECT_LT(details.at("after_bytes").to_number<uint64_t>(), details.at("before_bytes").to_number<uint64_t>());
  EXPECT_EQ(store_->get(key_space::state, "kept"), "value");
}

TEST_F(MaintenanceTest, AnActionThatFailsFailsTheTaskAndStopsNoOther) {
  tree_.write("root/a.log", "x");
  auto x = run(R"({"actions": ["cleanup", "rotate_logs"], "cleanup": {"a": {"path": "/elsewhere", "older_than": "1h"}},
                   "rotate": {"b": {"path": ")" +
               tree_.at("root") + R"(", "max_mb": 0}}})");
  EXPECT_EQ(x.kind, violation::exception);
  EXPECT_THAT(x.message, HasSubstr("failed: cleanup"));
  EXPECT_EQ(action(x, "rotate_logs").at("status").as_string(), "done");
  EXPECT_TRUE(tree_.has("root/a.log.1"));
}

TEST_F(MaintenanceTest, APayloadThatIsWrongIsNotTriedAgain) {
  auto x = run(R"({"actions": ["polish"]})");
  EXPECT_EQ(x.kind, violation::exception);
  EXPECT_FALSE(x.retryable);
}

TEST_F(MaintenanceTest, AStopEndsItWithinASecond) {
  for (int i = 0; i < 20'000; ++i)
    tree_.write("root/" + std::to_string(i % 100) + "/" + std::to_string(i), "", 48h);
  attempt task{R"({"actions": ["cleanup"], "dry_run": true, "cleanup": {"a": {"path": ")" + tree_.at("root") +
               R"(", "keep_newest": 100}}})"};
  std::chrono::steady_clock::time_point asked;
  outcome result;
  std::thread runner{[&] { result = run_maintenance(*task.context, config_, {}); }};
  while (task.report->take().message.find("files seen") == std::string::npos) // progress moves
    std::this_thread::yield();
  asked = std::chrono::steady_clock::now();
  task.stop->request(cancellation::cause::cancelled);
  runner.join();
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 1s);
  EXPECT_THAT(result.message, HasSubstr("stopped during cleanup"));
}

TEST_F(MaintenanceTest, OnlyTheNewestDetailsFilesAreKept) {
  for (int i = 10; i < 40; ++i)
    tree_.write("data/node.maintenance/" + std::to_string(i) + ".jsonl", "{}\n");
  auto x = run(R"({"actions": ["retention"]})");
  EXPECT_EQ(action(x, "retention").at("removed").to_number<int>(), 11);
  EXPECT_FALSE(tree_.has("data/node.maintenance/20.jsonl"));
  EXPECT_TRUE(tree_.has("data/node.maintenance/21.jsonl"));
}

} // namespace overwatch::maintenance
