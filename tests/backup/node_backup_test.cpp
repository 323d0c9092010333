#include "runtime/backup/node_backup.hpp"

#include "actors/keys.hpp"
#include "actors/partition_state.hpp"
#include "messages/codec.hpp"
#include "runtime/storage/rocks_store.hpp"
#include "tests/handlers/attempt.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

namespace fs = std::filesystem;
namespace json = boost::json;

namespace overwatch {

using testing::HasSubstr;

namespace {

/// A node of a cluster whose leaders have got so far, by partition; nothing: there is no majority.
class node_with_leaders : public node_services {
public:
  std::optional<std::vector<uint64_t>> positions{std::vector<uint64_t>{}};

  caf::expected<std::vector<uint64_t>> acknowledged() override {
    if (!positions)
      return make_error(ec::unavailable, "partition 0 has no leader");
    return *positions;
  }
  caf::expected<submit_receipt> submit(const attempt_context&, task_spec, std::string) override { return no(); }
  caf::expected<key_record> get_key(const std::string&) override { return no(); }
  caf::expected<key_record> put_key(const std::string&, std::string, std::optional<uint64_t>) override { return no(); }
  caf::expected<key_record> remove_key(const std::string&, std::optional<uint64_t>) override { return no(); }

private:
  static caf::error no() { return make_error(ec::invalid, "no"); }
};

class NodeBackupTest : public testing::Test {
protected:
  NodeBackupTest() {
    auto pattern = (fs::temp_directory_path() / "overwatch-node-backup-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    path_ = fs::canonical(pattern);
    config_.node.name = "node one";
    config_.backup.roots = {path_.string()};
    auto opened = open_rocks_store((path_ / "data").string(), {8, 8});
    EXPECT_TRUE(opened);
    store_ = std::move(*opened);
    write(0);
  }
  ~NodeBackupTest() override {
    store_.reset();
    fs::remove_all(path_);
  }

  void write(int number) {
    write_batch batch;
    batch.put(key_space::log, "entry " + std::to_string(number), std::string(1000, 'x'));
    EXPECT_EQ(store_->write(batch, true), store::write_result::done);
  }

  outcome run(json::object fields) {
    fields["source"] = "node";
    fields.emplace("destination", (path_ / "backups").string());
    attempt task{json::serialize(fields), "a backup", {}, node_};
    if (stopped_)
      task.stop->request(cancellation::cause::cancelled);
    auto result = run_node_backup(*task.context, config_, *store_);
    percent_ = task.report->take().percent;
    return result;
  }

  json::object good(json::object fields) {
    auto result = run(std::move(fields));
    EXPECT_EQ(result.kind, violation::none) << result.message;
    return result.result.empty() ? json::object{} : json::parse(result.result).as_object();
  }

  fs::path path_;
  settings config_;
  std::unique_ptr<rocks_store> store_;
  std::shared_ptr<node_with_leaders> node_ = std::make_shared<node_with_leaders>();
  bool stopped_ = false;
  double percent_ = 0;
};

} // namespace

TEST_F(NodeBackupTest, IsAskedForByItsSource) {
  EXPECT_TRUE(is_node_backup(R"({"source": "node"})"));
  EXPECT_FALSE(is_node_backup(R"({"sources": ["/node"]})"));
  EXPECT_FALSE(is_node_backup(""));
  EXPECT_FALSE(is_node_backup("no JSON"));
}

TEST_F(NodeBackupTest, CreatesListsVerifiesAndPrunes) {
  for (int i = 1; i <= 4; ++i) {
    write(i);
    auto made = good({});
    EXPECT_EQ(made["backup"].as_string(), std::to_string(i));
    EXPECT_TRUE(made["verified"].as_bool());
    EXPECT_EQ(percent_, 100);
  }
  auto listed = good({{"action", "list"}});
  ASSERT_EQ(listed["backups"].as_array().size(), 4u);
  EXPECT_EQ(listed["backups"].as_array()[0].at("backup").as_string(), "4");
  EXPECT_EQ(listed["backups"].as_array()[0].at("host").as_string(), "node one");
  EXPECT_EQ(good({{"action", "prune"}, {"keep", {{"last", 1}}}, {"dry_run", true}})["pruned"].at("removed_backups"), 3);
  EXPECT_EQ(good({{"action", "verify"}})["backups"], 4);
  EXPECT_EQ(good({{"action", "prune"}, {"keep", {{"last", 1}}}})["pruned"].at("kept_backups"), 1);
  EXPECT_TRUE(good({{"action", "verify"}})["whole"].as_bool());
  EXPECT_EQ(good({{"keep", {{"last", 1}}}})["pruned"].at("removed_backups"), 1);
}

TEST_F(NodeBackupTest, WaitsUntilTheNodeHasWhatTheLeadersHaveAcknowledged) {
  node_->positions = std::vector<uint64_t>{0, 7};
  std::thread replica{[&] {
    for (uint64_t applied : {3, 7}) {
      partition_totals totals;
      totals.applied = applied;
      write_batch batch;
      batch.put(key_space::state, keys::meta(1), encode(totals));
      EXPECT_EQ(store_->write(batch, false), store::write_result::done);
    }
  }};
  good({});
  replica.join();
  node_->positions = std::vector<uint64_t>{0, 8};
  stopped_ = true; // or it would wait for a minute
  EXPECT_THAT(run({}).message, HasSubstr("stopped"));
}

TEST_F(NodeBackupTest, WithoutAMajorityNobodyKnowsWhatWasAcknowledged) {
  node_->positions.reset();
  auto result = run({});
  EXPECT_THAT(result.message, HasSubstr("partition 0 has no leader"));
  EXPECT_TRUE(result.retryable);
  EXPECT_FALSE(fs::exists(path_ / "backups"));
}

TEST_F(NodeBackupTest, ADamagedOneFailsTheVerify) {
  good({});
  fs::remove(path_ / "backups/engine/meta/1");
  auto result = run({{"action", "verify"}});
  EXPECT_EQ(result.kind, violation::exception);
  EXPECT_FALSE(result.retryable);
  EXPECT_THAT(result.message, HasSubstr("1 of 1 backups are damaged"));
}

TEST_F(NodeBackupTest, ADestinationThatNoRootAllowsIsRefused) {
  auto result = run({{"destination", "/var/overwatch-backup"}});
  EXPECT_THAT(result.message, HasSubstr("backup.roots"));
  EXPECT_FALSE(result.retryable);
}

TEST_F(NodeBackupTest, TheUsualPlaceIsBesideTheConfiguredRepository) {
  config_.backup.roots.clear();
  config_.backup.destination = (path_ / "files").string();
  attempt task{R"({"source": "node"})", "a backup", {}, node_};
  auto result = run_node_backup(*task.context, config_, *store_);
  EXPECT_EQ(result.kind, violation::none) << result.message;
  EXPECT_TRUE(fs::exists(path_ / "files-node/records/1"));
}

TEST_F(NodeBackupTest, WhatATaskCannotDoIsSaidWithTheWayOut) {
  EXPECT_THAT(run({{"action", "restore"}}).message, HasSubstr("overwatch restore --from"));
  EXPECT_THAT(run({{"level", 3}}).message, HasSubstr("payload.level is unknown"));
  EXPECT_THAT(run({{"keep", {{"last", -1}}}}).message, HasSubstr("payload.keep"));
  EXPECT_THAT(run({{"destination", "backups"}}).message, HasSubstr("absolute"));
}

TEST_F(NodeBackupTest, AStopEndsIt) {
  stopped_ = true;
  EXPECT_THAT(run({}).message, HasSubstr("stopped"));
  stopped_ = false;
  EXPECT_EQ(good({})["backup"].as_string(), "1");
}

} // namespace overwatch
