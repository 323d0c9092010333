#include "runtime/handlers/process.hpp"

#include "actors/cancellation.hpp"
#include "runtime/handlers/procfs.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

using namespace overwatch;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

struct run_result {
  std::string error;
  process_end end;
  std::string output, errors;
};

process_options shell(std::string script) {
  process_options result;
  result.argv = {"/bin/sh", "-c", std::move(script)};
  return result;
}

/// Runs it to its end. When the output holds a whole line `ready`, it is told to stop.
run_result run(const process_options& options) {
  run_result result;
  cancellation stop;
  process program;
  result.error = program.start(options);
  if (!result.error.empty())
    return result;
  result.end = program.run(stop.fd(), [&](process::stream from, std::string_view bytes) {
    (from == process::stream::output ? result.output : result.errors).append(bytes);
    if (result.output.find("ready\n") != std::string::npos)
      stop.request(cancellation::cause::cancelled);
  });
  return result;
}

bool is_running(pid_t pid) {
  auto process = procfs::read_process_stat(pid);
  return process && process->state != 'Z' && process->state != 'X';
}

} // namespace

TEST(ProcessTest, OutputErrorsAndExitStatus) {
  auto result = run(shell("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.output, "out\n");
  EXPECT_EQ(result.errors, "err\n");
  EXPECT_EQ(result.end.exit_status, 3);
  EXPECT_FALSE(result.end.succeeded());
  EXPECT_FALSE(result.end.stopped);
}

TEST(ProcessTest, SignalThatEndedIt) {
  auto result = run(shell("kill -KILL $$"));
  EXPECT_EQ(result.end.signal, SIGKILL);
  EXPECT_FALSE(result.end.succeeded());
}

TEST(ProcessTest, LargeInputArrivesWhole) {
  process_options options;
  options.argv = {"cat"};
  options.input = std::string(1024 * 1024, 'x') + "end";
  EXPECT_EQ(run(options).output, options.input);
}

TEST(ProcessTest, InputThatNobodyReadsHarmsNobody) {
  auto options = shell("exec <&-; echo fine");
  options.input = std::string(1024 * 1024, 'x');
  auto result = run(options);
  EXPECT_EQ(result.output, "fine\n");
  EXPECT_TRUE(result.end.succeeded());
}

TEST(ProcessTest, EnvironmentIsClean) {
  ::setenv("OVERWATCH_TEST_SECRET", "secret", 1);
  process_options options;
  options.argv = {"env"};
  options.environment["COLOUR"] = "blue";
  auto output = run(options).output;
  ::unsetenv("OVERWATCH_TEST_SECRET");
  EXPECT_EQ(std::count(output.begin(), output.end(), '\n'), 5);
  EXPECT_THAT(output, StartsWith("OVERWATCH_ATTEMPT_TOKEN="));
  EXPECT_THAT(output, HasSubstr("\nCOLOUR=blue\n"));
  EXPECT_THAT(output, HasSubstr("\nPATH=/usr/local/sbin:"));
  EXPECT_THAT(output, HasSubstr("\nHOME=/"));
  EXPECT_THAT(output, HasSubstr("\nLANG=C.UTF-8\n"));
}

TEST(ProcessTest, DescriptorsOfTheNodeAreClosed) {
  owned_fd inherited{::open("/dev/null", O_RDONLY)}; // without O_CLOEXEC
  process_options options;
  options.argv = {"ls", "/proc/self/fd"};
  EXPECT_EQ(run(options).output, "0\n1\n2\n3\n") << "3 is the folder that ls reads";
}

TEST(ProcessTest, SignalsAreAsAfterBoot) {
  auto before = ::signal(SIGPIPE, SIG_IGN);
  sigset_t usr, mask;
  ::sigemptyset(&usr);
  ::sigaddset(&usr, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &usr, &mask);
  process_options options;
  options.argv = {"grep", "-E", "Sig(Blk|Ign|Cgt)", "/proc/self/status"};
  auto output = run(options).output;
  ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  ::signal(SIGPIPE, before);
  EXPECT_THAT(output, HasSubstr("SigBlk:\t0000000000000000"));
  EXPECT_THAT(output, HasSubstr("SigIgn:\t0000000000000000"));
}

TEST(ProcessTest, HasItsOwnSessionAndGroup) {
  process_options options;
  options.argv = {"cat", "/proc/self/stat"};
  auto process = procfs::parse_process_stat(run(options).output);
  ASSERT_TRUE(process);
  EXPECT_EQ(process->session, process->pid);
  EXPECT_EQ(process->group, process->pid);
}

TEST(ProcessTest, TemporaryDirectoryIsRemoved) {
  auto result = run(shell("pwd; mkdir -p a/b; touch a/b/file"));
  ASSERT_TRUE(result.end.succeeded()) << result.errors;
  auto path = result.output.substr(0, result.output.size() - 1);
  EXPECT_THAT(path, HasSubstr("overwatch-"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ProcessTest, GivenDirectoryIsKept) {
  auto options = shell("pwd");
  options.directory = "/usr";
  EXPECT_EQ(run(options).output, "/usr\n");
  options.directory = "/no/such/directory";
  EXPECT_EQ(run(options).error,
            "working directory \"/no/such/directory\" cannot be entered: No such file or directory");
}

TEST(ProcessTest, WhatCannotBeRunIsSaid) {
  process_options options;
  EXPECT_EQ(run(options).error, "the command names no program");
  options.argv = {"/no/such/program"};
  EXPECT_EQ(run(options).error, "program \"/no/such/program\" cannot be run: No such file or directory");
  options.argv = {"/etc/passwd"};
  EXPECT_EQ(run(options).error, "program \"/etc/passwd\" cannot be run: Permission denied");
  options.argv = {"surely-no-such-program"};
  options.environment["PATH"] = "/bin:/usr/bin";
  EXPECT_EQ(run(options).error, "program \"surely-no-such-program\" is not in PATH (/bin:/usr/bin)");
}

TEST(ProcessTest, AnotherUserNeedsRoot) {
  process_options options;
  options.argv = {"sh", "-c", "id -u; id -G; touch file && echo writable"};
  options.user = "nobody";
  auto result = run(options);
  if (::geteuid() == 0) {
    EXPECT_THAT(result.output, StartsWith("65534\n65534\n"));
    EXPECT_THAT(result.output, HasSubstr("writable")) << "the temporary directory is the user's";
  } else {
    EXPECT_THAT(result.error, HasSubstr("runs as root"));
  }
  options.user = "surely-no-such-user";
  EXPECT_EQ(run(options).error, "user \"surely-no-such-user\" is unknown on this machine");
}

TEST(ProcessTest, LimitOfOpenFiles) {
  auto options = shell("ulimit -n");
  options.open_files = 64;
  EXPECT_EQ(run(options).output, "64\n");
}

TEST(ProcessTest, LimitOfFileSize) {
  process_options options;
  options.argv = {"dd", "if=/dev/zero", "of=file", "bs=64k", "count=100"};
  options.file_bytes = 1024 * 1024;
  EXPECT_EQ(run(options).end.signal, SIGXFSZ);
}

TEST(ProcessTest, LimitOfProcessorTime) {
  auto options = shell("while :; do :; done");
  options.cpu_seconds = 1;
  auto end = run(options).end;
  EXPECT_EQ(end.signal, SIGXCPU);
  EXPECT_GT(end.user_cpu_s + end.system_cpu_s, 0.8);
}

TEST(ProcessTest, LimitOfMemory) {
  auto options = shell("head -c 200M /dev/zero | tail > /dev/null");
  options.memory_bytes = 100 * 1024 * 1024;
  auto result = run(options);
  EXPECT_FALSE(result.end.succeeded());
  EXPECT_THAT(result.errors, HasSubstr("memory exhausted"));
}

TEST(ProcessTest, UsageCountsChildren) {
  auto end = run(shell("head -c 300M /dev/zero | tail > /dev/null")).end;
  EXPECT_TRUE(end.succeeded());
  EXPECT_GT(end.peak_memory_bytes, 290u * 1024 * 1024);
  EXPECT_GT(end.user_cpu_s + end.system_cpu_s, 0);
  EXPECT_GT(end.elapsed_s, 0);
}

TEST(ProcessTest, StopIsPoliteFirst) {
  auto result = run(shell("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 1; done"));
  EXPECT_TRUE(result.end.stopped);
  EXPECT_EQ(result.output, "ready\nbye\n");
  EXPECT_EQ(result.end.exit_status, 7);
}

TEST(ProcessTest, WhoIgnoresTheSignalIsKilled) {
  auto result = run(shell("trap '' TERM; echo ready; while :; do sleep 1000; done"));
  EXPECT_TRUE(result.end.stopped);
  EXPECT_EQ(result.end.signal, SIGKILL);
  EXPECT_GE(result.end.elapsed_s, 5);
  EXPECT_LT(result.end.elapsed_s, 9);
}

TEST(ProcessTest, StopReachesGrandchildrenInOtherSessions) {
  auto result = run(shell("setsid sh -c 'echo $$; echo ready; exec sleep 1000' & wait"));
  EXPECT_TRUE(result.end.stopped);
  EXPECT_EQ(result.end.survivors, 0u);
  auto grandchild = std::stoi(result.output);
  EXPECT_FALSE(is_running(grandchild));
}

TEST(ProcessTest, StopReachesDescendantsWithoutTheMark) {
  auto result = run(shell("env -i setsid sh -c 'echo $$; echo ready; exec sleep 1000' & wait"));
  EXPECT_TRUE(result.end.stopped);
  EXPECT_FALSE(is_running(std::stoi(result.output)));
}

TEST(ProcessTest, OrphanWithoutTheMarkIsNotForgottenAfterStop) {
  auto result = run(shell("env -i setsid sh -c 'trap \"\" TERM; echo $$; echo ready; exec sleep 1000' & wait"));
  EXPECT_TRUE(result.end.stopped);
  EXPECT_EQ(result.end.survivors, 0u);
  EXPECT_FALSE(is_running(std::stoi(result.output)));
}

TEST(ProcessTest, StubbornDaemonIsKilledAfterStop) {
  auto result = run(shell("setsid sh -c 'trap \"\" TERM; echo $$; echo ready; while :; do sleep 1000; done' & wait"));
  EXPECT_TRUE(result.end.stopped);
  EXPECT_EQ(result.end.survivors, 0u);
  EXPECT_FALSE(is_running(std::stoi(result.output)));
}

TEST(ProcessTest, DaemonsDoNotOutliveTheProgram) {
  // A daemon by the book: its parent is gone, it has a session of its own and no streams.
  auto result = run(shell("setsid sh -c 'setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $!' ; exit 0"));
  ASSERT_TRUE(result.end.succeeded());
  EXPECT_EQ(result.end.survivors, 0u);
  EXPECT_FALSE(is_running(std::stoi(result.output)));
}

TEST(ProcessTest, BackgroundChildThatHoldsTheOutputDoesNotHoldTheEnd) {
  auto result = run(shell("sleep 1000 & echo done"));
  EXPECT_TRUE(result.end.succeeded());
  EXPECT_EQ(result.output, "done\n");
}

TEST(ProcessTest, ClosedOutputIsNotTheEnd) {
  auto result = run(shell("exec >&- 2>&-; sleep 0.2; exit 4"));
  EXPECT_EQ(result.end.exit_status, 4);
}

TEST(ProcessTest, NobodySurvivesTheObject) {
  pid_t child = -1;
  {
    auto program = std::make_unique<process>();
    ASSERT_EQ(program->start(shell("exec sleep 1000")), "");
    for (auto pid : procfs::process_ids())
      if (auto found = procfs::read_process_stat(pid); found && found->parent == ::getpid())
        child = pid;
    ASSERT_TRUE(is_running(child));
  }
  EXPECT_FALSE(is_running(child));
}

TEST(ProcessTest, FloodArrivesInBoundedPieces) {
  cancellation stop;
  process program;
  ASSERT_EQ(program.start(shell("yes | head -c 200M")), "");
  uint64_t bytes = 0;
  size_t largest = 0;
  auto end = program.run(stop.fd(), [&](process::stream, std::string_view piece) {
    bytes += piece.size();
    largest = std::max(largest, piece.size());
  });
  EXPECT_TRUE(end.succeeded());
  EXPECT_EQ(bytes, 200u * 1024 * 1024);
  EXPECT_LE(largest, 64u * 1024);
}
