#include "runtime/maintenance/cleanup.hpp"
#include "tests/maintenance/tree.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace fs = std::filesystem;

namespace overwatch::maintenance {

namespace {

using namespace std::chrono_literals;

constexpr uid_t nobody = 65'534;

class CleanupTest : public testing::Test {
protected:
  cleanup_rule rule(const std::string& path = "root") const {
    cleanup_rule x;
    x.path = tree_.at(path);
    x.older_than = 24h;
    return x;
  }

  action_result clean(const cleanup_rule& x, bool dry_run = false) {
    work doing{"cleanup", dry_run};
    clean_up({{"test", x}}, {tree_.at("root")}, spared_, doing.environment(), doing.result);
    doing.lines.flush();
    report_ = doing.reports.read("reports/task.jsonl");
    return doing.result;
  }

  boost::json::object of_rule(const action_result& result) const {
    return result.details.at("rules").as_array().at(0).as_object();
  }

  tree tree_;
  identity spared_;
  std::string report_;
};

} // namespace

TEST_F(CleanupTest, OldFilesGoAndYoungOnesStay) {
  tree_.write("root/old.tmp", std::string(10'000, 'x'), 48h);
  tree_.write("root/deep/old too", "x", 25h);
  tree_.write("root/deep/young", "x", 23h);
  auto result = clean(rule());
  EXPECT_EQ(result.status, action_status::done);
  EXPECT_FALSE(tree_.has("root/old.tmp"));
  EXPECT_FALSE(tree_.has("root/deep/old too"));
  EXPECT_TRUE(tree_.has("root/deep/young"));
  EXPECT_EQ(result.removed, 2u);
  EXPECT_GE(result.freed_bytes, 10'000u);
  EXPECT_EQ(of_rule(result).at("kept").at("too_young").to_number<int>(), 1);
  EXPECT_NE(report_.find("deep/old too"), std::string::npos);
}

TEST_F(CleanupTest, ADryRunSaysTheSameAndChangesNothing) {
  tree_.write("root/a", "12345", 48h);
  tree_.write("root/gone/b", "12345", 48h);
  tree_.make_directory("root/gone", 48h);
  auto x = rule();
  x.directories = "remove-empty";
  auto before = clean(x, true);
  EXPECT_TRUE(tree_.has("root/a"));
  EXPECT_TRUE(tree_.has("root/gone/b"));
  EXPECT_NE(report_.find("would remove"), std::string::npos);
  auto after = clean(x);
  EXPECT_EQ(before.removed, after.removed);
  EXPECT_EQ(before.freed_bytes, after.freed_bytes);
  EXPECT_FALSE(tree_.has("root/gone"));
}

TEST_F(CleanupTest, LinksThatLeadOutsideAreNeitherFollowedNorRemoved) {
  tree_.write("outside/precious", "x", 999h);
  tree_.write("root/old", "x", 48h);
  fs::create_directory_symlink(tree_.at("outside"), tree_.at("root/way out"));
  fs::create_symlink(tree_.at("outside/precious"), tree_.at("root/way to a file"));
  auto result = clean(rule());
  EXPECT_TRUE(tree_.has("outside/precious"));
  EXPECT_TRUE(tree_.has("root/way out"));
  EXPECT_TRUE(tree_.has("root/way to a file"));
  EXPECT_FALSE(tree_.has("root/old"));
  EXPECT_EQ(result.left(), 2u);
  EXPECT_NE(why_left(result, "way").find("symbolic link"), std::string::npos);
}

// A program swaps a directory for a link to the outside again and again while the rule runs.
TEST_F(CleanupTest, ADirectoryThatBecomesALinkMeanwhileLeadsNowhere) {
  for (int i = 0; i < 200; ++i) {
    tree_.write("outside/precious" + std::to_string(i), "x", 999h);
    tree_.write("root/swapped/old" + std::to_string(i), "x", 48h);
  }
  std::atomic<bool> done{false};
  std::thread swapper{[&] {
    std::error_code ignored;
    while (!done) {
      fs::rename(tree_.at("root/swapped"), tree_.at("root/aside"), ignored);
      fs::create_directory_symlink(tree_.at("outside"), tree_.at("root/swapped"), ignored);
      fs::remove(tree_.at("root/swapped"), ignored);
      fs::rename(tree_.at("root/aside"), tree_.at("root/swapped"), ignored);
    }
  }};
  for (int i = 0; i < 50; ++i)
    clean(rule());
  done = true;
  swapper.join();
  for (int i = 0; i < 200; ++i)
    EXPECT_TRUE(tree_.has("outside/precious" + std::to_string(i)));
}

TEST_F(CleanupTest, AHardLinkFreesNothingWhileTheOtherNameStays) {
  tree_.write("outside/name", std::string(100'000, 'x'), 48h);
  fs::create_directories(tree_.at("root"));
  fs::create_hard_link(tree_.at("outside/name"), tree_.at("root/other name"));
  auto result = clean(rule());
  EXPECT_FALSE(tree_.has("root/other name"));
  EXPECT_TRUE(tree_.has("outside/name"));
  EXPECT_EQ(result.removed, 1u);
  EXPECT_EQ(result.freed_bytes, 0u);
}

TEST_F(CleanupTest, TheNewestFilesStayWhateverTheirAge) {
  for (int i = 1; i <= 9; ++i)
    tree_.write("root/backup-" + std::to_string(i), "x", i * 100h);
  auto x = rule();
  x.keep_newest = 3;
  clean(x);
  for (int i = 1; i <= 9; ++i)
    EXPECT_EQ(tree_.has("root/backup-" + std::to_string(i)), i <= 3) << i;
}

TEST_F(CleanupTest, FilesThatVanishMeanwhileAreNoTrouble) {
  for (int i = 0; i < 3000; ++i)
    tree_.write("root/" + std::to_string(i), "x", 48h);
  std::thread other{[&] {
    std::error_code ignored;
    for (int i = 2999; i >= 0; --i)
      fs::remove(tree_.at("root/" + std::to_string(i)), ignored);
  }};
  auto result = clean(rule());
  other.join();
  EXPECT_EQ(result.status, action_status::done);
  EXPECT_EQ(result.left(), 0u);
  EXPECT_TRUE(fs::is_empty(tree_.at("root")));
}

TEST_F(CleanupTest, WhatCannotBeReadOrRemovedIsLeftWithTheReason) {
  tree_.write("root/closed/old", "x", 48h);
  tree_.write("root/fixed/old", "x", 48h);
  for (auto path : {"", "root", "root/fixed"})
    ::chmod(tree_.at(path).c_str(), 0555);
  ::chmod(tree_.at("root/closed").c_str(), 0000);
  const bool is_root = ::geteuid() == 0;
  if (is_root) {
    ASSERT_EQ(::seteuid(nobody), 0); // root may read and remove everything
  }
  auto result = clean(rule());
  if (is_root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  for (auto path : {"", "root", "root/fixed", "root/closed"})
    ::chmod(tree_.at(path).c_str(), 0755);
  EXPECT_TRUE(tree_.has("root/closed/old"));
  EXPECT_TRUE(tree_.has("root/fixed/old"));
  EXPECT_EQ(result.left(), 2u);
  auto left = result.to_json()["left"].as_array();
  ASSERT_EQ(left.size(), 1u); // both for the same reason
  EXPECT_NE(left[0].at("why").as_string().find("not allowed"), std::string_view::npos);
}

TEST_F(CleanupTest, TheNodesOwnDirectoryIsSpared) {
  tree_.write("root/data/FORMAT", "x", 999h);
  tree_.write("root/old", "x", 999h);
  spared_ = identity_of(tree_.at("root/data"));
  auto result = clean(rule());
  EXPECT_TRUE(tree_.has("root/data/FORMAT"));
  EXPECT_FALSE(tree_.has("root/old"));
  EXPECT_EQ(why_left(result, "root/data"), "the node's own data");
  tree_.write("root/data/rocks/000001.sst", "x", 999h);
  EXPECT_EQ(clean(rule("root/data")).status, action_status::failed);
  EXPECT_EQ(clean(rule("root/data/rocks")).status, action_status::failed);
  EXPECT_TRUE(tree_.has("root/data/rocks/000001.sst"));
  EXPECT_TRUE(tree_.has("root/data/FORMAT"));
}

TEST_F(CleanupTest, ARuleOutsideOfTheRootsFailsAndTouchesNothing) {
  tree_.write("outside/old", "x", 48h);
  auto result = clean(rule("outside"));
  EXPECT_EQ(result.status, action_status::failed);
  EXPECT_NE(why_left(result, "outside").find("under none of maintenance.roots"), std::string::npos);
  EXPECT_TRUE(tree_.has("outside/old"));
}

TEST_F(CleanupTest, OnlyDirectoriesThatAreEmptyAndOldGo) {
  tree_.make_directory("root/empty/inner", 48h);
  tree_.make_directory("root/empty", 48h);
  tree_.make_directory("root/empty but young");
  tree_.write("root/full/young", "x");
  tree_.make_directory("root/full", 48h);
  auto x = rule();
  x.directories = "remove-empty";
  clean(x);
  EXPECT_FALSE(tree_.has("root/empty"));
  EXPECT_TRUE(tree_.has("root/empty but young"));
  EXPECT_TRUE(tree_.has("root/full/young"));
  EXPECT_TRUE(tree_.has("root"));
}

TEST_F(CleanupTest, AStopEndsItBetweenTwoFiles) {
  for (int i = 0; i < 10; ++i)
    tree_.write("root/" + std::to_string(i), "x", 48h);
  work doing{"cleanup"};
  doing.task.stop->request(cancellation::cause::cancelled);
  EXPECT_THROW(clean_up({{"test", rule()}}, {tree_.at("root")}, {}, doing.environment(), doing.result), stopped);
  EXPECT_EQ(doing.result.removed, 0u);
}

} // namespace overwatch::maintenance
