#include "runtime/handlers/process.hpp"
#include "runtime/handlers/process_memory.hpp"
#include "runtime/handlers/user_task.hpp"
#include "tests/handlers/attempt.hpp"

#include <boost/json.hpp>

#include <gmock/gmock.h>

#include <linux/magic.h>
#include <signal.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

using namespace overwatch;

namespace {

constexpr uint64_t megabyte = 1024 * 1024;

/// Runs `script` to its end.
process_end run(const std::string& script) {
  process_options options;
  options.argv = {"/bin/sh", "-c", script};
  cancellation stop;
  process program;
  EXPECT_EQ(program.start(options), "");
  return program.run(stop.fd(), [](process::stream, std::string_view) {});
}

/// A file system in memory has no storage to read from or write to.
bool temporary_files_are_in_memory() {
  struct statfs found {};
  return ::statfs(std::filesystem::temp_directory_path().c_str(), &found) != 0 || found.f_type == TMPFS_MAGIC;
}

} // namespace

TEST(ProcessUsageTest, WrittenBytesAreThoseOfAllThatWereWaitedFor) {
  if (temporary_files_are_in_memory())
    GTEST_SKIP() << "the temporary directory is in memory";
  auto end =
    run("dd if=/dev/zero of=one bs=1M count=3 2>/dev/null; (dd if=/dev/zero of=two bs=1M count=2 2>/dev/null)");
  EXPECT_TRUE(end.succeeded());
  EXPECT_GE(end.written_bytes, 5 * megabyte);
  EXPECT_LT(end.written_bytes, 8 * megabyte);
}

TEST(ProcessUsageTest, ReadBytesComeFromStorageNotFromMemory) {
  if (temporary_files_are_in_memory())
    GTEST_SKIP() << "the temporary directory is in memory";
  auto end = run("dd if=/dev/zero of=one bs=1M count=4 conv=fsync 2>/dev/null; cat one one one > /dev/null;"
                 "dd if=one of=/dev/null bs=1M iflag=direct 2>/dev/null");
  if (!end.succeeded())
    GTEST_SKIP() << "the file system reads through its cache only";
  EXPECT_GE(end.read_bytes, 4 * megabyte);
  EXPECT_LT(end.read_bytes, 8 * megabyte);
}

TEST(ProcessUsageTest, PeakOfASmallProgramIsSeenBesideALargeNode) {
  std::vector<char> ballast(200 * megabyte, 1); // the copy that fork makes is as large
  auto end = run("sleep 0.3");
  EXPECT_GT(end.peak_memory_bytes, 0u);
  EXPECT_LT(end.peak_memory_bytes, 50 * megabyte);
  EXPECT_EQ(ballast.back(), 1);
}

TEST(ProcessUsageTest, PeakStaysWhenMemoryIsGivenBack) {
  auto before = peak_memory_of(::getpid());
  EXPECT_GT(before, megabyte);
  {
    std::vector<char> large(before + 10 * megabyte, 1);
    EXPECT_GT(peak_memory_of(::getpid()), before);
    before = peak_memory_of(::getpid());
  }
  EXPECT_GT(peak_memory_of(::getpid()), before - megabyte) << "the kernel counts pages in batches";
  EXPECT_EQ(peak_memory_of(-1), 0u);
}

TEST(ProcessUsageTest, LargestDescendantCounts) {
  std::vector<char> large(50 * megabyte, 1);
  auto child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  EXPECT_GE(peak_memory_of(child), 50 * megabyte);
  EXPECT_GE(peak_memory_of(::getpid()), peak_memory_of(child));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(large.back(), 1);
}

TEST(ProcessUsageTest, OutcomeOfANamedCommandSaysWhatItTook) {
  std::map<std::string, named_command> commands;
  commands["do"].argv = {"/bin/sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"};
  commands["fail"].argv = {"/bin/sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; exit 3"};
  for (auto name : {"do", "fail"}) {
    attempt attempt{std::string{R"({"command": ")"} + name + "\"}"};
    auto result = run_user_task(*attempt.context, commands);
    auto usage = boost::json::parse(result.result).as_object();
    auto cpu = usage.at("user_cpu_s").to_number<double>() + usage.at("system_cpu_s").to_number<double>();
    EXPECT_GT(result.usage.cpu_seconds, 0) << name;
    EXPECT_NEAR(result.usage.cpu_seconds, cpu, 1e-5) << name;
    EXPECT_EQ(usage.at("written_bytes").to_number<uint64_t>(), result.usage.written_bytes) << name;
  }
  attempt unknown{R"({"command": "none"})"};
  EXPECT_EQ(run_user_task(*unknown.context, commands).usage.cpu_seconds, 0) << "nothing ran";
}
