// Three real nodes with eight partitions: leaders on all of them, and what belongs to all partitions.

#include "messages/task_id.hpp"
#include "tests/support/process/eventually.hpp"
#include "tests/support/process/node_group.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace overwatch {

namespace {

namespace json = boost::json;
using support::eventually;
using support::text_at;

partition_id partition_of(const std::string& id) { return parse_task_id(id).value().partition(); }

class PartitionsTest : public ::testing::Test {
protected:
  static constexpr size_t partitions = 8;

  void SetUp() override {
    support::group_options options;
    options.names = {"a", "b", "c"};
    options.cluster_config = "  partitions = " + std::to_string(partitions) + "\n";
    nodes_ = std::make_unique<support::node_group>(options);
    nodes_->start();
    ASSERT_TRUE(eventually([&] { return nodes_->is_whole(); }));
  }

  void TearDown() override {
    if (HasFailure())
      nodes_->print_logs();
  }

  /// How many partitions each node leads, as `asked` knows it.
  std::map<std::string, size_t> led(const std::string& asked) const {
    std::map<std::string, size_t> result;
    for (size_t i = 0; i < partitions; ++i)
      ++result[text_at(nodes_->group(asked, i), "leader")];
    return result;
  }

  std::string submit(const std::string& to, const std::string& more = {}) const {
    auto answer = nodes_->ask(to, "/tasks", R"({"name":"n","task_type":"noop")" + more + "}", "POST");
    if (!answer || answer->status >= 300) {
      ADD_FAILURE() << (answer ? answer->body : "no answer");
      return {};
    }
    return text_at(json::parse(answer->body).as_object(), "id");
  }

  json::object task(const std::string& asked, const std::string& id) const {
    auto answer = nodes_->ask(asked, "/tasks/" + id);
    return answer && answer->status == 200 ? json::parse(answer->body).as_object() : json::object{};
  }

  bool has_status(const std::set<std::string>& ids, const std::string& asked, const std::string& status) const {
    return std::all_of(ids.begin(), ids.end(),
                       [&](const auto& id) { return text_at(task(asked, id), "status") == status; });
  }

  std::unique_ptr<support::node_group> nodes_;
};

TEST_F(PartitionsTest, LeadershipIsSpreadAndMovesOnWhenANodeDies) {
  ASSERT_TRUE(eventually([&] {
    auto now = led("a");
    return now["a"] >= 2 && now["b"] >= 2 && now["c"] >= 2;
  }));
  std::set<std::string> ids;
  std::set<partition_id> used;
  for (int i = 0; i < 48; ++i) {
    ids.insert(submit(std::string{"abc"[i % 3]}));
    used.insert(partition_of(*ids.rbegin()));
  }
  EXPECT_EQ(used.size(), partitions);
  nodes_->process("c").kill();
  for (int i = 0; i < 24; ++i)
    ids.insert(submit(std::string{"ab"[i % 2]}));
  EXPECT_TRUE(eventually([&] { return has_status(ids, "a", "completed"); }));
  auto listed = nodes_->ask("b", "/tasks?limit=1000");
  ASSERT_TRUE(listed && listed->status == 200);
  EXPECT_EQ(json::parse(listed->body).as_array().size(), ids.size());
  nodes_->process("c").start();
  EXPECT_TRUE(eventually([&] { return nodes_->is_whole() && has_status(ids, "c", "completed"); }));
}

TEST_F(PartitionsTest, GateIsClosedEverywhereOnceThatIsAcknowledged) {
  auto set_gate = [&](const std::string& node, const std::string& open) {
    auto answer = nodes_->ask(node, "/gates/deploy", R"({"by":"test","reason":"test","open":)" + open + "}", "PUT");
    ASSERT_TRUE(answer && answer->status < 300) << (answer ? answer->body : "no answer");
  };
  set_gate("b", "false");
  std::set<std::string> ids;
  for (int i = 0; i < 24; ++i)
    ids.insert(submit(std::string{"abc"[i % 3]}, R"(,"required_gates":["deploy"],"on_closed_gate":"wait")"));
  EXPECT_TRUE(has_status(ids, "a", "pending")) << "none has started";
  nodes_->process(nodes_->current_leader()).kill();
  std::string alive{"a"};
  for (const auto* name : {"b", "c"})
    if (!nodes_->ask(alive, "/health"))
      alive = name;
  EXPECT_TRUE(eventually([&] { return has_status(ids, alive, "pending"); }));
  EXPECT_TRUE(eventually([&] {
    auto answer = nodes_->ask(alive, "/gates/deploy", R"({"by":"test","reason":"test","open":true})", "PUT");
    return answer && answer->status < 300;
  }));
  EXPECT_TRUE(eventually([&] { return has_status(ids, alive, "completed"); }));
}

TEST_F(PartitionsTest, DrainedNodeLeadsNothing) {
  auto drained = nodes_->ask("a", "/cluster/nodes/b/drain", "{}", "POST");
  ASSERT_TRUE(drained && drained->status < 300) << (drained ? drained->body : "no answer");
  EXPECT_TRUE(eventually([&] {
    auto now = led("c");
    return now["a"] >= 3 && now["b"] == 0 && now["c"] >= 3;
  }));
  auto resumed = nodes_->ask("b", "/cluster/nodes/b/resume", "{}", "POST");
  ASSERT_TRUE(resumed && resumed->status < 300) << (resumed ? resumed->body : "no answer");
  EXPECT_TRUE(eventually([&] { return led("a")["b"] >= 2; }));
}

TEST_F(PartitionsTest, ParentsMayBeInOtherPartitions) {
  std::vector<std::string> ids;
  std::string parents;
  std::set<partition_id> places;
  for (int i = 0; i < 5; ++i) {
    auto id = submit(std::string{"abc"[i % 3]}, R"(,"scheduled_at":")" + std::string{"2099-01-01T00:00:00Z"} + '"');
    places.insert(partition_of(id));
    ids.push_back(id);
    parents += (parents.empty() ? "\"" : ",\"") + id + '"';
  }
  EXPECT_GT(places.size(), 1u);
  auto child = submit("a", ",\"depends_on\":[" + parents + ']');
  EXPECT_EQ(text_at(task("b", child), "status"), "pending");
  for (const auto& id : ids) {
    auto changed = nodes_->ask("c", "/tasks/" + id, R"({"scheduled_at":null})", "PATCH");
    ASSERT_TRUE(changed && changed->status == 200) << (changed ? changed->body : "no answer");
  }
  EXPECT_TRUE(eventually([&] { return text_at(task("b", child), "status") == "completed"; }))
    << json::serialize(task("b", child));
}

} // namespace

} // namespace overwatch
