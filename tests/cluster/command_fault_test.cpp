// Commands of user_task that misbehave, and what the node makes of them.

#include "tests/cluster/node_fixture.hpp"
#include "tests/support/process/eventually.hpp"

#include <csignal>
#include <fstream>

namespace overwatch {

namespace {

namespace json = boost::json;
using clock = std::chrono::steady_clock;

std::vector<std::string> shell(const std::string& script) { return {"/bin/sh", "-c", script}; }

/// Process ids that a command has written, one a line.
std::vector<pid_t> pids_in(const std::string& path) {
  std::vector<pid_t> result;
  std::ifstream file{path};
  for (pid_t pid = 0; file >> pid;)
    result.push_back(pid);
  return result;
}

bool is_gone(pid_t pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
  std::string line;
  std::getline(file, line);
  auto state = line.find(") ");
  return line.empty() || (state != std::string::npos && line[state + 2] == 'Z');
}

class CommandFaultTest : public node_fixture {
protected:
  support::scratch_directory files_;

  std::string pid_file() const { return files_.path() + "/pids"; }

  void start_with(const std::string& script) {
    options_.commands = {{"faulty", shell(script)}};
    start();
  }

  json::object run(json::object task = command_task("faulty")) { return client_->ended(client_->submit(task)); }

  /// Starts the command and returns when it has written `count` process ids.
  std::string submit_and_await_pids(size_t count, const json::object& task = command_task("faulty")) {
    auto id = client_->submit(task);
    EXPECT_TRUE(support::eventually([&] { return pids_in(pid_file()).size() >= count; }));
    return id;
  }

  void expect_all_gone() {
    for (auto pid : pids_in(pid_file()))
      EXPECT_TRUE(support::eventually([&] { return is_gone(pid); })) << "process " << pid << " lives on";
  }
};

TEST_F(CommandFaultTest, FloodOfOutputKeepsTheNewestLines) {
  start_with("seq 1 2000000; seq 1 500000 >&2; echo '{\"done\":true}'");
  auto id = client_->submit(command_task("faulty"));
  auto task = client_->ended(id);
  EXPECT_EQ(text_at(task, "status"), "completed");
  EXPECT_EQ(json::serialize(task.at("result")), R"({"done":true})");
  auto entries = client_->object("/tasks/" + id + "/logs?limit=1000").at("entries").as_array();
  EXPECT_GT(entries.size(), 10u);
  EXPECT_LE(entries.size(), 100u);
  EXPECT_LT(node_->resident_bytes(), 500u << 20);
  expect_working();
}

TEST_F(CommandFaultTest, LineWithoutEndAndDamagedTextAreLogged) {
  start_with("head -c 30000000 /dev/zero | tr '\\0' x; printf '\\377\\376\\000\\033[31m\\n'; exit 3");
  auto id = client_->submit(command_task("faulty"));
  auto task = client_->ended(id);
  EXPECT_EQ(text_at(task, "status"), "failed");
  EXPECT_NE(text_at(task, "error", "message").find("exit status 3"), std::string::npos);
  EXPECT_NE(client_->log_of(id), ""); // which had to be JSON
  expect_working();
}

TEST_F(CommandFaultTest, HugeResultFailsTheTask) {
  start_with("printf '\"'; head -c 100000000 /dev/zero | tr '\\0' x; printf '\"\\n'");
  auto task = command_task("faulty");
  task["retry"] = {{"max_attempts", 3}};
  auto ended = run(task);
  EXPECT_EQ(text_at(ended, "status"), "failed");
  EXPECT_NE(text_at(ended, "error", "message").find("1048576"), std::string::npos) << json::serialize(ended);
  EXPECT_EQ(ended.at("attempt").to_number<int>(), 1);
  EXPECT_LT(node_->resident_bytes(), 300u << 20);
  expect_working();
}

TEST_F(CommandFaultTest, ChildrenThatOutliveItAreKilled) {
  start_with("sleep 1000 & echo $! >>" + pid_file() + "; setsid sleep 1000 & echo $! >>" + pid_file() +
             "; (trap '' TERM HUP; sleep 1000) & echo $! >>" + pid_file() + "; exit 0");
  auto begin = clock::now();
  EXPECT_EQ(text_at(run(), "status"), "completed");
  EXPECT_LT(clock::now() - begin, std::chrono::seconds{20}) << "it waited for the children's output";
  ASSERT_EQ(pids_in(pid_file()).size(), 3u);
  expect_all_gone();
  expect_working();
}

TEST_F(CommandFaultTest, TimeoutKillsWhatIgnoresSigterm) {
  start_with("trap '' TERM; echo $$ >>" + pid_file() + "; sleep 1000 & echo $! >>" + pid_file() +
             "; while :; do wait; done");
  auto task = command_task("faulty");
  task["timeout"] = "500ms";
  auto ended = run(task);
  EXPECT_EQ(text_at(ended, "status"), "failed");
  EXPECT_EQ(text_at(ended, "error", "kind"), "timeout");
  ASSERT_EQ(pids_in(pid_file()).size(), 2u);
  expect_all_gone();
  expect_working();
}

TEST_F(CommandFaultTest, EndBySignalIsNamed) {
  start_with("kill -SEGV $$");
  auto ended = run();
  EXPECT_EQ(text_at(ended, "status"), "failed");
  EXPECT_EQ(text_at(ended, "error", "kind"), "exception");
  EXPECT_NE(text_at(ended, "error", "message").find("SIGSEGV"), std::string::npos);
  expect_working();
}

TEST_F(CommandFaultTest, MissingProgramIsNamed) {
  options_.commands = {{"faulty", {"/nonexistent/program"}}};
  start();
  auto ended = run();
  EXPECT_EQ(text_at(ended, "status"), "failed");
  EXPECT_NE(text_at(ended, "error", "message").find("/nonexistent/program"), std::string::npos);
  expect_working();
}

TEST_F(CommandFaultTest, CancelStopsARunningCommand) {
  start_with("echo $$ >>" + pid_file() + "; sleep 1000 & echo $! >>" + pid_file() + "; wait");
  auto id = submit_and_await_pids(2);
  auto answer = client_->post("/tasks/" + id + "/cancel", R"({"reason":"no longer needed"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  auto ended = client_->ended(id);
  EXPECT_EQ(text_at(ended, "status"), "cancelled");
  EXPECT_EQ(text_at(ended, "cancel_reason"), "no longer needed");
  expect_all_gone();
  expect_working();
}

TEST_F(CommandFaultTest, NodeThatIsKilledTakesItsCommandsAlong) {
  start_with("echo $$ >>" + pid_file() + "; exec sleep 1000");
  auto id = submit_and_await_pids(1);
  node_->kill();
  expect_all_gone();
  start();
  EXPECT_TRUE(support::eventually([&] { return pids_in(pid_file()).size() == 2; })) << "it was not tried again";
  EXPECT_EQ(client_->post("/tasks/" + id + "/cancel").status, 200);
  EXPECT_EQ(text_at(client_->ended(id), "status"), "cancelled");
  expect_working();
}

} // namespace

} // namespace overwatch
