#include "runtime/cli/daemon.hpp"
#include "runtime/cli/node_process.hpp"
#include "tests/cli/command_run.hpp"
#include "tests/cli/stub_node.hpp"
#include "tests/support/process/reserved_port.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <iostream>
#include <sys/prctl.h>
#include <unistd.h>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

class StartTest : public testing::Test {
protected:
  StartTest() {
    char name[] = "/tmp/overwatch-cli-XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~StartTest() override { std::filesystem::remove_all(directory_); }

  void write_pid(pid_t pid) { std::ofstream{directory_ + "/node.pid"} << pid << '\n'; }

  std::string directory_;
};

using StopTest = StartTest;

void block_terminate() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
}

void wait_for_terminate() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  int number = 0;
  sigwait(&signals, &number);
}

// What a node does as far as `start --daemon` and `stop` see it.
int be_a_node(const load_result& config) {
  prctl(PR_SET_NAME, "overwatch");
  block_terminate();
  stub_node node{config.values.http.port};
  node.on("GET /health/ready", {200, "{}"});
  std::ofstream{config.values.node.data_dir + "/node.pid"} << getpid() << '\n';
  wait_for_terminate();
  return 0;
}

} // namespace

TEST_F(StartTest, GivesTheSettingsToTheNode) {
  load_result seen;
  bool seen_daemon = true;
  run_options options;
  options.hooks.start_node = [&](const load_result& config, bool daemon) {
    seen = config;
    seen_daemon = daemon;
    return 7;
  };
  const auto run =
    run_command({"start", "--data-dir", directory_, "--http", "127.0.0.1:9000", "--caf", "127.0.0.1:9001",
                 "--max-tasks", "20", "--log-level", "debug", "--tasks-retention", "1h", "--enable-monitoring"},
                options);
  EXPECT_EQ(run.code, 7);
  EXPECT_THAT(run.err, HasSubstr("--enable-monitoring has no effect"));
  EXPECT_FALSE(seen_daemon);
  EXPECT_EQ(seen.values.node.data_dir, directory_);
  EXPECT_EQ(seen.values.http.port, 9000);
  EXPECT_EQ(seen.values.caf.port, 9001);
  EXPECT_EQ(seen.values.tasks.max_concurrent_tasks, 20u);
  EXPECT_EQ(seen.values.log.level, "debug");
  EXPECT_EQ(seen.values.tasks.retention, std::chrono::hours{1});
}

TEST_F(StartTest, ADaemonIsReadyWhenTheCommandReturnsAndStopEndsIt) {
  const support::reserved_port reserved;
  const auto port = reserved.text();
  run_options options;
  options.hooks.start_node = [](const load_result& config, bool) { return be_a_node(config); };
  const auto start =
    run_command({"start", "--daemon", "--data-dir", directory_, "--http", "127.0.0.1:" + port}, options);
  ASSERT_EQ(start.code, 0) << start.err;
  EXPECT_THAT(start.out, HasSubstr("API   http://127.0.0.1:" + port + "/api/overwatch\n"));
  EXPECT_THAT(start.out, HasSubstr("log   " + directory_ + "/node.log\n"));
  const auto pid = read_pid_file(pid_file_of(directory_));
  ASSERT_TRUE(pid);
  EXPECT_NE(getsid(*pid), getsid(0));

  const auto stop = run_command({"stop", "--data-dir", directory_});
  EXPECT_EQ(stop.code, 0) << stop.err;
  EXPECT_EQ(stop.out, "stopped process " + std::to_string(*pid) + "\n");
  EXPECT_EQ(run_command({"stop", "--data-dir", directory_}).code, 3);
}

TEST_F(StartTest, ADaemonThatDiesIsReportedWithItsLog) {
  run_options options;
  options.hooks.start_node = [](const load_result&, bool) {
    std::cerr << "the port is taken" << std::endl;
    return 1;
  };
  const support::reserved_port port;
  const auto run =
    run_command({"start", "--daemon", "--data-dir", directory_, "--http", "127.0.0.1:" + port.text()}, options);
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, HasSubstr("the node ended while it started"));
  EXPECT_THAT(run.err, HasSubstr("the port is taken"));
}

TEST_F(StartTest, AnotherNodeOnThePortIsNotTakenForOurs) {
  stub_node other;
  other.on("GET /health/ready", {200, "{}"});
  run_options options;
  options.hooks.start_node = [](const load_result&, bool) { return 1; };
  EXPECT_EQ(
    run_command({"start", "--daemon", "--data-dir", directory_, "--http", "127.0.0.1:" + std::to_string(other.port())},
                options)
      .code,
    1);
}

TEST_F(StartTest, ADaemonNeedsAPort) {
  const auto run = run_command({"start", "--daemon", "--data-dir", directory_, "--http-port", "0"});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("fixed port"));
}

TEST_F(StopTest, AProgramThatIsNoNodeIsLeftAlone) {
  write_pid(getpid());
  const auto run = run_command({"stop", "--data-dir", directory_});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.err, HasSubstr("was left alone"));
}

TEST_F(StopTest, TheNodeAtTheUrlNamesItsDirectory) {
  write_pid(getpid());
  stub_node node;
  node.on("GET /status", {200, R"({"node":{"data_dir":")" + directory_ + R"("}})"});
  EXPECT_THAT(run_command({"stop", "--url", node.url()}).err, HasSubstr(directory_ + "/node.pid is out of date"));
}

TEST_F(StopTest, ANodeThatDoesNotEndIsReported) {
  std::string problem;
  const auto node = start_in_background(
    directory_ + "/log",
    [this] {
      prctl(PR_SET_NAME, "overwatch");
      block_terminate();
      write_pid(getpid());
      pause();
      return 0;
    },
    problem);
  ASSERT_TRUE(node) << problem;
  while (!read_pid_file(pid_file_of(directory_)))
    ASSERT_FALSE(node->ended_within(milliseconds{10}));
  const auto run = run_command({"stop", "--data-dir", directory_, "--limit", "1500ms"});
  EXPECT_EQ(run.code, 5);
  EXPECT_THAT(run.err, HasSubstr("waiting for process " + std::to_string(node->pid())));
  EXPECT_THAT(run.err, HasSubstr("still runs after 1500ms"));
  kill(node->pid(), SIGKILL);
  EXPECT_TRUE(node->ended_within(milliseconds{5000}));
}

TEST_F(StopTest, PidFilesOfOtherContentNameNoProcess) {
  for (const auto* text : {"", "abc", "-5", "0", "1"}) {
    std::ofstream{directory_ + "/node.pid"} << text;
    EXPECT_FALSE(read_pid_file(pid_file_of(directory_))) << text;
  }
  EXPECT_EQ(run_command({"stop", "--data-dir", directory_}).code, 3);
}

} // namespace overwatch::cli
