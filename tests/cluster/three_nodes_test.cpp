// Clusters of real nodes on loopback: kill -9, lost disks, lost majorities, members that come and go.

#include "tests/support/process/eventually.hpp"
#include "tests/support/process/node_group.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

namespace json = boost::json;
using support::eventually;
using support::text_at;

class ThreeNodesTest : public ::testing::Test {
protected:
  /// Makes nodes of which the first `listed` know each other.
  void prepare(const std::vector<std::string>& names, size_t listed) {
    support::group_options options;
    options.names = names;
    options.listed = listed;
    nodes_ = std::make_unique<support::node_group>(options);
  }

  void start_three() {
    prepare({"a", "b", "c"}, 3);
    nodes_->start();
    ASSERT_TRUE(eventually([&] { return nodes_->is_whole(); }));
  }

  support::node_process& process(const std::string& name) { return nodes_->process(name); }

  /// These tasks are completed, as this node says.
  bool completed(const std::set<std::string>& ids, const std::string& asked,
                 const std::string& consistency = "current") {
    for (const auto& id : ids) {
      auto answer = nodes_->ask(asked, "/tasks/" + id + "?consistency=" + consistency);
      if (!answer || answer->status != 200 || text_at(json::parse(answer->body).as_object(), "status") != "completed")
        return false;
    }
    return true;
  }

  void TearDown() override {
    if (HasFailure() && nodes_)
      nodes_->print_logs();
  }

  std::unique_ptr<support::node_group> nodes_;
};

TEST_F(ThreeNodesTest, NothingIsLostWhenTheLeaderIsKilled) {
  start_three();
  std::set<std::string> acknowledged;
  std::string victim;
  for (int i = 0; i < 90; ++i) {
    std::string to{"abc"[i % 3]};
    if (i == 30) {
      victim = nodes_->leader(to);
      ASSERT_FALSE(victim.empty());
      process(victim).kill();
    }
    if (to == victim)
      continue;
    auto id = nodes_->submit(to);
    ASSERT_TRUE(id) << "a majority is up: request " << i << " to " << to;
    EXPECT_TRUE(acknowledged.insert(*id).second);
  }
  process(victim).start();
  for (const auto* name : {"a", "b", "c"}) {
    EXPECT_TRUE(eventually([&] { return completed(acknowledged, name); })) << name;
  }
  auto stats = json::parse(nodes_->ask("a", "/stats")->body).as_object();
  EXPECT_EQ(stats.at("total_completed").to_number<size_t>(), acknowledged.size()) << json::serialize(stats);
}

TEST_F(ThreeNodesTest, EmptyDiskCatchesUp) {
  start_three();
  std::set<std::string> ids;
  for (int i = 0; i < 30; ++i)
    ids.insert(nodes_->submit("a").value_or(""));
  auto before = nodes_->voters("a");
  nodes_->lose_disk("c");
  EXPECT_TRUE(eventually([&] {
    auto now = nodes_->voters("a");
    return now.size() == 3 && now["c"] != before["c"] && now["a"] == before["a"];
  })) << "it is a voter again, with another id";
  EXPECT_TRUE(eventually([&] { return completed(ids, "c", "local"); })) << "and has all by itself";
  process("b").kill();
  EXPECT_TRUE(eventually([&] { return nodes_->submit("a").has_value(); })) << "its vote counts";
}

TEST_F(ThreeNodesTest, WithoutAMajorityItSaysSo) {
  start_three();
  auto id = nodes_->submit("b");
  ASSERT_TRUE(id);
  ASSERT_TRUE(eventually([&] { return completed({*id}, "a", "local"); }));
  process("b").kill();
  process("c").kill();
  // Before, a request may reach a leader that is about to go: whether it was done is unknown then (504).
  ASSERT_TRUE(eventually([&] { return nodes_->leader("a").empty(); }));
  auto refused = nodes_->ask("a", "/tasks", R"({"name":"n","task_type":"noop"})", "POST");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_NE(refused->body.find("partition 0 has had no leader"), std::string::npos) << refused->body;
  EXPECT_EQ(nodes_->ask("a", "/tasks/" + *id)->status, 503) << "nobody can say whether it is current";
  EXPECT_TRUE(completed({*id}, "a", "local"));
  process("b").start();
  EXPECT_TRUE(eventually([&] { return nodes_->submit("a").has_value(); }));
}

TEST_F(ThreeNodesTest, ClusterOfOneGrowsAndShrinks) {
  prepare({"a", "b"}, 1);
  nodes_->start({"a"});
  ASSERT_TRUE(eventually([&] { return nodes_->serves("a"); }));
  auto id = nodes_->submit("a");
  ASSERT_TRUE(id);
  nodes_->start({"b"});
  auto added = nodes_->ask("a", "/cluster/nodes/b", "{\"address\":\"" + nodes_->address("b") + "\"}", "PUT");
  ASSERT_TRUE(added);
  EXPECT_EQ(added->status, 200) << added->body;
  ASSERT_TRUE(eventually([&] { return nodes_->voters("a").size() == 2 && nodes_->serves("b"); }));
  EXPECT_TRUE(eventually([&] { return completed({*id}, "b"); })) << "any node answers";
  auto removed = nodes_->ask("b", "/cluster/nodes/b", {}, "DELETE");
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->status, 200) << removed->body;
  EXPECT_TRUE(eventually([&] { return nodes_->voters("a").size() == 1; }));
  EXPECT_TRUE(eventually([&] { return nodes_->submit("a").has_value(); })) << "the rest is a cluster";
}

} // namespace

} // namespace overwatch
