// How a node ends, and how it starts again.

#include "tests/cluster/node_fixture.hpp"
#include "tests/support/process/eventually.hpp"
#include "tests/support/process/program_run.hpp"

#include <csignal>
#include <fstream>

namespace overwatch {

namespace {

namespace json = boost::json;
using clock = std::chrono::steady_clock;

/// The number of lines that runs of a command have appended to a file.
size_t lines_in(const std::string& path) {
  std::ifstream file{path};
  size_t count = 0;
  for (std::string line; std::getline(file, line);)
    ++count;
  return count;
}

class StopTest : public node_fixture {
protected:
  support::scratch_directory files_;

  std::string record() const { return files_.path() + "/record"; }

  void use_command(const std::string& script) {
    options_.commands = {{"long", {"/bin/sh", "-c", script}}};
  }

  std::string submit_running() {
    auto id = client_->submit(command_task("long"));
    EXPECT_TRUE(support::eventually([&] { return lines_in(record()) == 1; }));
    return id;
  }
};

TEST_F(StopTest, IdleNodeEndsAtOnce) {
  start();
  auto id = client_->submit(typed_task("noop"));
  client_->ended(id);
  auto begin = clock::now();
  node_->stop();
  EXPECT_LT(clock::now() - begin, std::chrono::seconds{5});
  start();
  EXPECT_EQ(text_at(client_->task(id), "status"), "completed");
  expect_working();
}

TEST_F(StopTest, RunningCommandIsQueuedAgainWithoutUsingAnAttempt) {
  use_command("echo run >>" + record() + "; test $(wc -l <" + record() + ") -gt 1 || exec sleep 30");
  options_.more_config = "node { drain-timeout = 1s }";
  start();
  auto id = submit_running(); // retry.max_attempts is 1: a used attempt would end it
  auto begin = clock::now();
  node_->stop();
  EXPECT_GE(clock::now() - begin, std::chrono::seconds{1});
  EXPECT_LT(clock::now() - begin, std::chrono::seconds{15});
  start();
  auto ended = client_->ended(id);
  EXPECT_EQ(text_at(ended, "status"), "completed") << json::serialize(ended);
  EXPECT_EQ(lines_in(record()), 2u);
  expect_working();
}

TEST_F(StopTest, ShortCommandMayEndWithinTheDrainTimeout) {
  use_command("echo run >>" + record() + "; sleep 1; echo '{\"ended\":true}'");
  start();
  auto id = submit_running();
  auto begin = clock::now();
  node_->stop();
  EXPECT_LT(clock::now() - begin, std::chrono::seconds{9}) << "it waited for the whole drain timeout";
  start();
  EXPECT_EQ(json::serialize(client_->ended(id).at("result")), R"({"ended":true})");
  EXPECT_EQ(lines_in(record()), 1u);
}

TEST_F(StopTest, NewWorkIsRefusedWhileItStops) {
  use_command("echo run >>" + record() + "; exec sleep 30");
  options_.more_config = "node { drain-timeout = 3s }";
  start();
  submit_running();
  ::kill(node_->pid(), SIGTERM);
  auto refused = false;
  EXPECT_TRUE(support::eventually([&] {
    try {
      auto answer = client_->post("/tasks", R"({"name":"late","task_type":"noop"})");
      refused = answer.status == 503;
      EXPECT_TRUE(answer.status == 503 || answer.status == 200) << answer.status;
      return refused;
    } catch (const support::http_error&) {
      return true; // gone
    }
  }));
  EXPECT_TRUE(refused);
  node_->stop();
}

TEST_F(StopTest, TakenPortIsNamed) {
  start();
  support::node_options options = options_;
  support::node_process second{options};
  auto arguments = second.command_line();
  arguments.back() = "127.0.0.1:" + std::to_string(node_->http_port());
  auto end = support::run_program(arguments);
  EXPECT_EQ(end.exit_status, 1);
  EXPECT_NE(end.output.find(std::to_string(node_->http_port())), std::string::npos) << end.output;
  EXPECT_NE(end.output.find("http.port"), std::string::npos) << end.output;
  EXPECT_LT(end.took, std::chrono::seconds{10});
  expect_working();
}

TEST_F(StopTest, StopCommandEndsANode) {
  start();
  auto pid = node_->pid();
  auto end = support::run_program({options_.binary, "stop", "--data-dir", node_->data_directory()});
  EXPECT_EQ(end.exit_status, 0) << end.output;
  EXPECT_NE(end.output.find(std::to_string(pid)), std::string::npos) << end.output;
  node_->stop(); // reaps it, and sees that it ended with 0
  end = support::run_program({options_.binary, "stop", "--data-dir", node_->data_directory()});
  EXPECT_NE(end.exit_status, 0);
  start();
  expect_working();
}

TEST_F(StopTest, DaemonStartsAnswersAndStops) {
  node_ = std::make_unique<support::node_process>(options_);
  auto arguments = node_->command_line();
  arguments.push_back("--daemon");
  auto end = support::run_program(arguments);
  ASSERT_EQ(end.exit_status, 0) << end.output;
  {
    node_client client{node_->http_port()}; // at once: the command returns when the node is ready
    EXPECT_EQ(text_at(client.ended(client.submit(typed_task("noop"))), "status"), "completed");
    EXPECT_EQ(support::run_program(arguments).exit_status, 1) << "a second one was started on its directory";
  }
  end = support::run_program({options_.binary, "stop", "--data-dir", node_->data_directory()});
  EXPECT_EQ(end.exit_status, 0) << end.output;
}

TEST_F(StopTest, WrongConfigurationIsRefusedWithItsPlace) {
  options_.more_config = "http {\n  prot = 1\n}\n";
  node_ = std::make_unique<support::node_process>(options_);
  auto end = support::run_program(node_->command_line());
  EXPECT_EQ(end.exit_status, 2) << end.output;
  EXPECT_NE(end.output.find("overwatch.conf:"), std::string::npos) << end.output;
  EXPECT_NE(end.output.find("prot"), std::string::npos) << end.output;
}

} // namespace

} // namespace overwatch
