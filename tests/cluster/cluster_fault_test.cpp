// Clusters of real nodes under load, with one fault each: nodes that are killed, frozen, started again, lose their disk
// or fill it. Each test ends with the judgement of all that clients saw.

#include "tests/cluster/fault_cluster.hpp"
#include "tests/support/process/eventually.hpp"

#include <gmock/gmock.h>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

using support::eventually;
using ::testing::IsEmpty;

/// What a majority may be without a leader, on a machine that does other things as well.
constexpr auto fail_over_limit = 15s;

/// What is promised for noticing a node that hangs.
constexpr auto notice_limit = 3s;

class ClusterFaultTest : public ::testing::Test {
protected:
  void start(const fault_cluster_options& options = {}) {
    try {
      all_ = std::make_unique<fault_cluster>(options);
    } catch (const std::runtime_error& error) {
      GTEST_SKIP() << error.what();
    }
    all_->start();
    ASSERT_TRUE(all_->load().time_to_acknowledge(fail_over_limit));
  }

  support::node_process& process(const std::string& name) { return all_->nodes().process(name); }

  void expect_acknowledged() { EXPECT_TRUE(all_->load().time_to_acknowledge(fail_over_limit)); }

  void TearDown() override {
    if (!all_ || IsSkipped())
      return;
    EXPECT_THAT(all_->judge(), IsEmpty());
    if (HasFailure())
      all_->nodes().print_logs();
  }

  std::unique_ptr<fault_cluster> all_;
};

TEST_F(ClusterFaultTest, FrozenLeaderIsNoticedWithinThreeSecondsAndReplaced) {
  start();
  auto old = all_->leader();
  auto others = all_->names_but(old);
  process(old).freeze();
  auto begin = std::chrono::steady_clock::now();
  auto noticed = eventually(
    [&] {
      auto now = all_->nodes().leader(others[0]);
      return !now.empty() && now != old && all_->nodes().state(old, others[0]) == "down";
    },
    fail_over_limit);
  auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_TRUE(noticed);
  EXPECT_LE(took, notice_limit + 500ms) << "besides the question itself";
  expect_acknowledged();
  process(old).thaw();
  EXPECT_TRUE(eventually([&] { return all_->nodes().leader(old) == all_->nodes().leader(others[0]); }));
  EXPECT_TRUE(all_->repair());
}

TEST_F(ClusterFaultTest, FiveNodesSurviveTheLossOfTwoAndWaitForAThird) {
  fault_cluster_options options;
  options.nodes = 5;
  start(options);
  auto first = all_->leader();
  process(first).kill();
  auto left = all_->names_but(first);
  process(left[0]).kill();
  expect_acknowledged();
  process(left[1]).kill();
  EXPECT_TRUE(eventually([&] {
    auto answer = all_->nodes().ask(left[2], "/tasks", R"({"name":"probe","task_type":"noop"})", "POST");
    return answer && answer->status == 503;
  })) << "two of five accept nothing";
  process(left[1]).start();
  expect_acknowledged();
}

TEST_F(ClusterFaultTest, AllCanBeKilledAndStartedAtOnce) {
  start();
  for (int i = 0; i < 2; ++i) {
    for (const auto& name : all_->names())
      process(name).kill();
    EXPECT_TRUE(all_->repair());
    expect_acknowledged();
  }
}

TEST_F(ClusterFaultTest, EveryDiskCanBeLostOneAfterTheOther) {
  start();
  for (const auto& name : all_->names()) {
    auto before = all_->nodes().voters(name)[name];
    all_->nodes().lose_disk(name);
    EXPECT_TRUE(eventually([&] {
      auto now = all_->nodes().voters(name)[name];
      return !now.empty() && now != before;
    })) << name << " is a voter under another id";
    EXPECT_TRUE(all_->repair());
  }
  expect_acknowledged();
}

TEST_F(ClusterFaultTest, FullDisksOfOneNodeAndOfAllLoseNothing) {
  fault_cluster_options options;
  options.small_disks = true;
  start(options);
  if (IsSkipped())
    return;
  auto leader = all_->leader();
  all_->disk(all_->names_but(leader)[0]).fill(0);
  expect_acknowledged();
  EXPECT_TRUE(all_->repair());
  for (const auto& name : all_->names())
    all_->disk(name).fill(0);
  EXPECT_TRUE(eventually([&] {
    auto answer = all_->nodes().ask(leader, "/tasks", R"({"name":"probe","task_type":"noop"})", "POST");
    return answer && answer->status == 507;
  })) << "there is no room anywhere, and it says so";
  for (const auto& name : all_->names())
    process(name).kill();
  for (const auto& name : all_->names())
    all_->disk(name).free();
  EXPECT_TRUE(all_->repair());
  expect_acknowledged();
}

} // namespace

} // namespace overwatch
