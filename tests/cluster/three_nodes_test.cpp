// Clusters of real nodes on loopback: kill -9, lost disks, lost majorities, members that come and go.

#include "tests/cluster/node_client.hpp"
#include "tests/support/process/eventually.hpp"
#include "tests/support/process/node_process.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <set>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

namespace json = boost::json;
using support::eventually;

class ThreeNodesTest : public ::testing::Test {
protected:
  struct member {
    uint16_t caf_port = 0;
    std::unique_ptr<support::node_process> process;
  };

  /// Prepares nodes of which the first `listed` know each other.
  void prepare(const std::vector<std::string>& names, size_t listed) {
    for (const auto& name : names)
      members_[name].caf_port = support::free_port();
    std::string list;
    for (size_t i = 0; i < listed; ++i)
      list += (i > 0 ? ", " : "") + entry(names[i]);
    for (size_t i = 0; i < names.size(); ++i) {
      auto& x = members_[names[i]];
      support::node_options options;
      options.binary = support::built_node_binary();
      options.waits_for_others = true;
      options.more_config = "node { name = \"" + names[i] + "\" }\ncaf { port = " + std::to_string(x.caf_port) + " }\n";
      auto nodes = i < listed ? list : entry(names[0]) + ", " + entry(names[i]);
      if (names.size() > listed && i < listed)
        nodes.clear(); // it begins alone
      if (!nodes.empty())
        options.more_config += "cluster { nodes = [" + nodes + "] }\n";
      x.process = std::make_unique<support::node_process>(options);
    }
  }

  std::string entry(const std::string& name) const {
    return '"' + name + "=127.0.0.1:" + std::to_string(members_.at(name).caf_port) + '"';
  }

  support::node_process& process(const std::string& name) { return *members_.at(name).process; }

  /// What a node answers, or nothing when it does not.
  std::optional<support::http_answer> ask(const std::string& name, const std::string& path, std::string_view body = {},
                                          std::string_view method = "GET") {
    try {
      support::http_client http{process(name).http_port(), 40s};
      return http.send(support::http_request_text(method, "/api/overwatch" + path,
                                                  body.empty() ? "" : "application/json", body));
    } catch (const support::http_error&) {
      return std::nullopt;
    }
  }

  json::object cluster(const std::string& asked) {
    auto answer = ask(asked, "/cluster");
    return answer && answer->status == 200 ? json::parse(answer->body).as_object() : json::object{};
  }

  json::object group(const std::string& asked) {
    auto all = cluster(asked);
    if (!all.contains("partitions") || all["partitions"].as_array().empty())
      return {};
    return all["partitions"].as_array()[0].as_object();
  }

  std::string leader(const std::string& asked) { return text_at(group(asked), "leader"); }

  /// Node and id of all that have a vote.
  std::map<std::string, std::string> voters(const std::string& asked) {
    std::map<std::string, std::string> result;
    auto x = group(asked);
    if (x.contains("members"))
      for (const auto& one : x["members"].as_array())
        if (text_at(one.as_object(), "role") == "voter")
          result[text_at(one.as_object(), "node")] = text_at(one.as_object(), "id");
    return result;
  }

  bool serves(const std::string& name) {
    auto answer = ask(name, "/health/ready");
    return answer && answer->status == 200;
  }

  void start(const std::vector<std::string>& names) {
    for (const auto& name : names)
      process(name).start();
  }

  void start_three() {
    prepare({"a", "b", "c"}, 3);
    start({"a", "b", "c"});
    for (const auto* name : {"a", "b", "c"}) {
      ASSERT_TRUE(eventually([&] { return serves(name) && voters(name).size() == 3; })) << name;
    }
  }

  /// The id, when it was acknowledged.
  std::optional<std::string> submit(const std::string& to) {
    auto answer = ask(to, "/tasks", R"({"name":"n","task_type":"noop"})", "POST");
    if (!answer || answer->status != 200)
      return std::nullopt;
    return text_at(json::parse(answer->body).as_object(), "id");
  }

  /// These tasks are completed, as this node says.
  bool completed(const std::set<std::string>& ids, const std::string& asked, const std::string& consistency = "current") {
    for (const auto& id : ids) {
      auto answer = ask(asked, "/tasks/" + id + "?consistency=" + consistency);
      if (!answer || answer->status != 200 || text_at(json::parse(answer->body).as_object(), "status") != "completed")
        return false;
    }
    return true;
  }

  void TearDown() override {
    if (HasFailure())
      for (const auto& [name, x] : members_)
        std::cout << "the log of node " << name << " ends with:\n" << x.process->log_tail() << std::endl;
  }

  std::map<std::string, member> members_;
};

TEST_F(ThreeNodesTest, NothingIsLostWhenTheLeaderIsKilled) {
  start_three();
  std::set<std::string> acknowledged;
  std::string victim;
  for (int i = 0; i < 90; ++i) {
    std::string to{"abc"[i % 3]};
    if (i == 30) {
      victim = leader(to);
      ASSERT_FALSE(victim.empty());
      process(victim).kill();
    }
    if (to == victim)
      continue;
    auto id = submit(to);
    ASSERT_TRUE(id) << "a majority is up: request " << i << " to " << to;
    EXPECT_TRUE(acknowledged.insert(*id).second);
  }
  process(victim).start();
  for (const auto* name : {"a", "b", "c"}) {
    EXPECT_TRUE(eventually([&] { return completed(acknowledged, name); })) << name;
  }
  auto stats = json::parse(ask("a", "/stats")->body).as_object();
  EXPECT_EQ(stats.at("total_completed").to_number<size_t>(), acknowledged.size()) << json::serialize(stats);
}

TEST_F(ThreeNodesTest, EmptyDiskCatchesUp) {
  start_three();
  std::set<std::string> ids;
  for (int i = 0; i < 30; ++i)
    ids.insert(submit("a").value_or(""));
  auto before = voters("a");
  process("c").kill();
  std::filesystem::remove_all(process("c").data_directory());
  process("c").start();
  EXPECT_TRUE(eventually([&] {
    auto now = voters("a");
    return now.size() == 3 && now["c"] != before["c"] && now["a"] == before["a"];
  })) << "it is a voter again, with another id";
  EXPECT_TRUE(eventually([&] { return completed(ids, "c", "local"); })) << "and has all by itself";
  process("b").kill();
  EXPECT_TRUE(eventually([&] { return submit("a").has_value(); })) << "its vote counts";
}

TEST_F(ThreeNodesTest, WithoutAMajorityItSaysSo) {
  start_three();
  auto id = submit("b");
  ASSERT_TRUE(id);
  ASSERT_TRUE(eventually([&] { return completed({*id}, "a", "local"); }));
  process("b").kill();
  process("c").kill();
  auto refused = ask("a", "/tasks", R"({"name":"n","task_type":"noop"})", "POST");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_NE(refused->body.find("partition 0 has had no leader"), std::string::npos) << refused->body;
  EXPECT_EQ(ask("a", "/tasks/" + *id)->status, 503) << "nobody can say whether it is current";
  EXPECT_TRUE(completed({*id}, "a", "local"));
  process("b").start();
  EXPECT_TRUE(eventually([&] { return submit("a").has_value(); }));
}

TEST_F(ThreeNodesTest, ClusterOfOneGrowsAndShrinks) {
  prepare({"a", "b"}, 1);
  start({"a"});
  ASSERT_TRUE(eventually([&] { return serves("a"); }));
  auto id = submit("a");
  ASSERT_TRUE(id);
  start({"b"});
  auto added = ask("a", "/cluster/nodes/b", "{\"address\":\"127.0.0.1:" + std::to_string(members_["b"].caf_port) + "\"}", "PUT");
  ASSERT_TRUE(added);
  EXPECT_EQ(added->status, 200) << added->body;
  ASSERT_TRUE(eventually([&] { return voters("a").size() == 2 && serves("b"); }));
  EXPECT_TRUE(eventually([&] { return completed({*id}, "b"); })) << "any node answers";
  auto removed = ask("b", "/cluster/nodes/b", {}, "DELETE");
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->status, 200) << removed->body;
  EXPECT_TRUE(eventually([&] { return voters("a").size() == 1; }));
  EXPECT_TRUE(eventually([&] { return submit("a").has_value(); })) << "the rest is a cluster";
}

} // namespace

} // namespace overwatch
