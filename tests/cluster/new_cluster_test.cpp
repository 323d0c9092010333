// A backup of one node of a cluster becomes a cluster of its own, on other nodes, while the old one goes on.

#include "tests/support/process/eventually.hpp"
#include "tests/support/process/node_group.hpp"
#include "tests/support/process/program_run.hpp"
#include "tests/support/process/scratch_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>

namespace overwatch {

namespace {

namespace json = boost::json;
using support::eventually;
using support::text_at;

constexpr size_t partitions = 4;

class NewClusterTest : public ::testing::Test {
protected:
  NewClusterTest() {
    auto options = options_of({"a", "b", "c"});
    options.cluster_config = "  partitions = " + std::to_string(partitions) + "\n";
    old_ = std::make_unique<support::node_group>(options);
    old_->start();
  }

  support::group_options options_of(std::vector<std::string> names) const {
    support::group_options options;
    options.names = std::move(names);
    options.node.more_config = "backup { roots = [\"" + place_.path() + "\"] }\n";
    options.node.commands = {{"hold", {"/bin/sleep", "3600"}}};
    return options;
  }

  static json::object send(const support::node_group& to, const std::string& node, const std::string& method,
                           const std::string& path, const std::string& body) {
    auto answer = to.ask(node, path, body, method);
    if (!answer || answer->status >= 300) {
      ADD_FAILURE() << method << ' ' << path << ": " << (answer ? answer->body : "no answer");
      return {};
    }
    return json::parse(answer->body).as_object();
  }

  std::string submit(const std::string& to, const std::string& task) const {
    return text_at(send(*old_, to, "POST", "/tasks", task), "id");
  }

  static std::string status(const support::node_group& of, const std::string& node, const std::string& id) {
    auto answer = of.ask(node, "/tasks/" + id);
    return answer && answer->status == 200 ? text_at(json::parse(answer->body).as_object(), "status") : "(none)";
  }

  static bool reaches(const support::node_group& of, const std::string& node, const std::string& id,
                      const std::string& wanted) {
    return eventually([&] { return status(of, node, id) == wanted; });
  }

  /// Of the store of node c.
  void back_up() const {
    auto id = submit("a", R"({"name":"backup","task_type":"data_backup","placement":{"node":"c"},"payload":)"
                          R"({"source":"node","destination":")" + backups() + "\"}}");
    EXPECT_TRUE(reaches(*old_, "a", id, "completed")) << old_->ask("a", "/tasks/" + id)->body;
  }

  support::program_end restore(const std::string& directory, bool new_cluster) const {
    std::vector<std::string> command{
      support::built_node_binary(), "restore", "--from", backups(), "--data-dir", directory};
    if (new_cluster)
      command.emplace_back("--new-cluster");
    return support::run_program(command);
  }

  std::string backups() const { return place_.path() + "/backups"; }

  void TearDown() override {
    if (!HasFailure())
      return;
    old_->print_logs();
    if (new_)
      new_->print_logs();
  }

  support::scratch_directory place_;
  std::unique_ptr<support::node_group> old_;
  std::unique_ptr<support::node_group> new_;
};

} // namespace

TEST_F(NewClusterTest, BackupOfOneNodeBecomesAClusterThatGoesOnWithAllThatWasAcknowledged) {
  ASSERT_TRUE(eventually([&] { return old_->is_whole(); }));
  send(*old_, "a", "PUT", "/keys/colour", R"({"value":"blue"})");
  send(*old_, "b", "PUT", "/gates/deploy", R"({"open":false,"reason":"frozen"})");
  send(*old_, "c", "PUT", "/schedules/nightly",
       R"({"cron":"0 3 * * *","task":{"name":"n","task_type":"noop"}})");
  std::map<std::string, std::string> statuses; // by id
  for (int i = 0; i < 40; ++i)
    statuses[submit({"abc"[i % 3]}, R"({"name":"n","task_type":"noop"})")] = "completed";
  auto waiting = submit("a", R"({"name":"w","task_type":"noop","required_gates":["deploy"],"on_closed_gate":"wait"})");
  auto child = submit("b", R"({"name":"d","task_type":"noop","depends_on":[")" + waiting + "\"]}");
  auto later = submit("c", R"({"name":"l","task_type":"noop","scheduled_at":"2099-01-01T00:00:00Z"})");
  auto running = submit("a", R"({"name":"r","task_type":"user_task","payload":{"command":"hold"}})");
  ASSERT_TRUE(reaches(*old_, "a", running, "running"));
  for (const auto& [id, wanted] : statuses)
    ASSERT_TRUE(reaches(*old_, "b", id, wanted)) << id;
  statuses[waiting] = statuses[child] = statuses[later] = "pending";
  back_up();

  auto options = options_of({"x", "y", "z"});
  options.data_dirs["x"] = place_.path() + "/restored";
  auto refused = restore(options.data_dirs["x"], false);
  EXPECT_EQ(refused.exit_status, 4) << refused.output;
  EXPECT_NE(refused.output.find("node c, which was in one cluster with a, b"), std::string::npos) << refused.output;
  EXPECT_FALSE(std::filesystem::exists(options.data_dirs["x"]));
  auto restored = restore(options.data_dirs["x"], true);
  ASSERT_EQ(restored.exit_status, 0) << restored.output;

  new_ = std::make_unique<support::node_group>(options);
  new_->start();
  ASSERT_TRUE(eventually([&] { return new_->is_whole(); }));
  EXPECT_NE(text_at(new_->cluster("y"), "cluster_id"), text_at(old_->cluster("a"), "cluster_id"));
  EXPECT_EQ(new_->cluster("z")["partitions"].as_array().size(), partitions);
  for (const auto& [id, wanted] : statuses)
    EXPECT_EQ(status(*new_, "z", id), wanted) << id;
  EXPECT_EQ(text_at(send(*new_, "y", "GET", "/keys/colour", {}), "value"), "blue");
  EXPECT_EQ(new_->ask("z", "/schedules/nightly")->status, 200);
  EXPECT_TRUE(eventually([&] { // on a node that is gone for this cluster: lost, and tried again
    auto task = json::parse(new_->ask("x", "/tasks/" + running)->body).as_object();
    return text_at(task, "status") == "running" && task["attempt"].to_number<int>() > 1;
  }));

  send(*new_, "z", "PUT", "/gates/deploy", R"({"open":true,"reason":"thawed"})");
  EXPECT_TRUE(reaches(*new_, "x", waiting, "completed"));
  EXPECT_TRUE(reaches(*new_, "y", child, "completed"));
  EXPECT_TRUE(new_->submit("y"));

  EXPECT_EQ(status(*old_, "a", waiting), "pending") << "the old cluster knows nothing of it";
  EXPECT_EQ(status(*old_, "b", running), "running");
  EXPECT_TRUE(old_->is_whole());
  EXPECT_TRUE(old_->submit("c"));
}

} // namespace overwatch
