// Clusters of real nodes with mutual TLS on links that are cut, cut one-way and lossy, under load.

#include "tests/cluster/fault_cluster.hpp"
#include "tests/support/process/eventually.hpp"

#include <gmock/gmock.h>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

using support::eventually;
using ::testing::IsEmpty;

constexpr auto fail_over_limit = 15s;

class NetworkFaultTest : public ::testing::Test {
protected:
  void SetUp() override {
    fault_cluster_options options;
    options.network = true;
    try {
      all_ = std::make_unique<fault_cluster>(options);
    } catch (const std::runtime_error& error) {
      GTEST_SKIP() << error.what();
    }
    all_->start();
    leader_ = all_->leader();
    others_ = all_->names_but(leader_);
  }

  void cut_both_ways(const std::string& one, const std::string& other) {
    all_->network().cut(one, other);
    all_->network().cut(other, one);
  }

  int status(const std::string& asked, const std::string& path) {
    auto answer = all_->nodes().ask(asked, path);
    return answer ? answer->status : 0;
  }

  /// Another node than the old leader leads, and the majority works.
  void expect_replaced() {
    EXPECT_TRUE(eventually(
      [&] {
        auto now = all_->nodes().leader(others_[0]);
        return !now.empty() && now != leader_ && now == all_->nodes().leader(others_[1]);
      },
      fail_over_limit));
    EXPECT_TRUE(all_->nodes().submit(others_[0]));
  }

  void TearDown() override {
    if (!all_ || IsSkipped())
      return;
    EXPECT_THAT(all_->judge(), IsEmpty());
    if (HasFailure())
      all_->nodes().print_logs();
  }

  std::unique_ptr<fault_cluster> all_;
  std::string leader_;
  std::vector<std::string> others_;
};

TEST_F(NetworkFaultTest, LeaderThatIsCutOffIsReplacedAndSaysNothingOld) {
  auto id = all_->nodes().submit(leader_);
  ASSERT_TRUE(id);
  for (const auto& other : others_)
    cut_both_ways(leader_, other);
  expect_replaced();
  EXPECT_EQ(status(leader_, "/tasks/" + *id), 503) << "it cannot know";
  EXPECT_EQ(status(leader_, "/tasks/" + *id + "?consistency=local"), 200);
  EXPECT_EQ(status(others_[0], "/tasks/" + *id), 200);
  EXPECT_TRUE(all_->repair());
}

TEST_F(NetworkFaultTest, LeaderWhoseWordsGetLostIsReplaced) {
  for (const auto& other : others_)
    all_->network().cut(leader_, other);
  expect_replaced();
  EXPECT_TRUE(all_->repair());
}

TEST_F(NetworkFaultTest, LeaderThatHearsNothingIsReplaced) {
  for (const auto& other : others_)
    all_->network().cut(other, leader_);
  expect_replaced();
  EXPECT_TRUE(all_->repair());
}

TEST_F(NetworkFaultTest, WorkGoesOnWhenTwoOfThreeDoNotReachEachOther) {
  cut_both_ways(leader_, others_[0]);
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(eventually([&] { return all_->nodes().submit(others_[1]).has_value(); }, fail_over_limit)) << i;
    all_->load().go_on(500ms);
  }
  EXPECT_TRUE(all_->repair());
}

TEST_F(NetworkFaultTest, LossyLinksLoseNothingButTime) {
  for (const auto& name : all_->names())
    all_->network().lose(name, 10);
  auto before = all_->load().acknowledged();
  EXPECT_TRUE(eventually([&] { return all_->load().acknowledged() >= before + 50; }));
  EXPECT_TRUE(all_->repair());
}

} // namespace

} // namespace overwatch
