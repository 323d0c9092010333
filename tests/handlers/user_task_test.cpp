#include "runtime/handlers/user_task.hpp"

#include "tests/handlers/attempt.hpp"
#include "runtime/handlers/procfs.hpp"

#include <boost/json.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

using namespace overwatch;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
namespace json = boost::json;

namespace {

struct task_end {
  outcome result;
  attempt_report::content said;
};

/// Runs `script` as the command "do" of a task.
task_end run_script(const std::string& script, std::string payload = R"({"command": "do"})") {
  std::map<std::string, named_command> commands;
  commands["do"].argv = {"/bin/sh", "-c", script};
  attempt attempt{std::move(payload)};
  auto result = run_user_task(*attempt.context, commands);
  return {std::move(result), attempt.report->take()};
}

uint64_t peak_memory_kb() {
  return procfs::parse_keyed(procfs::read_file("/proc/self/status").value_or(""), "VmHWM:").value_or(0);
}

} // namespace

TEST(UserTaskTest, OutputBecomesTheLogInOrder) {
  auto [result, said] = run_script("echo one; echo two; printf three; echo bad >&2");
  EXPECT_EQ(result.kind, violation::none) << result.message;
  EXPECT_THAT(lines_at(said, log_level::info), StartsWith("one\ntwo\nthree\n"));
  EXPECT_EQ(lines_at(said, log_level::warning), "bad\n");
}

TEST(UserTaskTest, ResultsOfParentsAreInAFileThatGoesAway) {
  std::map<std::string, named_command> commands;
  commands["do"].argv = {"/bin/sh", "-c", "echo \"$OVERWATCH_PARENTS\" >&2; cat \"$OVERWATCH_PARENTS\""};
  auto of = task_id_generator{2}.next(now(), 0);
  attempt attempt{R"({"command": "do"})", "child",
                  {{"build", of, task_status::completed, std::make_shared<const std::string>(R"({"n":1})")},
                   {"test", of, task_status::failed, nullptr}}};
  auto result = run_user_task(*attempt.context, commands);
  auto parents = json::parse(result.result).as_array();
  ASSERT_EQ(parents.size(), 2u) << result.message;
  EXPECT_EQ(parents[0].at("name").as_string(), "build");
  EXPECT_EQ(parents[0].at("id").as_string(), to_string(of).c_str());
  EXPECT_EQ(parents[0].at("result").at("n").as_int64(), 1);
  EXPECT_EQ(parents[1].at("status").as_string(), "failed");
  EXPECT_TRUE(parents[1].at("result").is_null());
  auto path = lines_at(attempt.report->take(), log_level::warning);
  path.pop_back(); // the end of the line
  EXPECT_FALSE(path.empty());
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(UserTaskTest, CommandKnowsItsNode) {
  std::map<std::string, named_command> commands;
  commands["do"].argv = {"/bin/sh", "-c", "echo \"[\\\"$OVERWATCH_API\\\", \\\"$OVERWATCH_PARENTS\\\"]\""};
  attempt attempt{R"({"command": "do"})"};
  EXPECT_EQ(run_user_task(*attempt.context, commands, "http://127.0.0.1:1").result, R"(["http://127.0.0.1:1", ""])");
}

TEST(UserTaskTest, ProgressLinesSetProgressAndAreNoOutput) {
  auto [result, said] = run_script("echo '{\"n\": 1}'; echo '::progress 40 half way'");
  EXPECT_TRUE(said.has_progress);
  EXPECT_DOUBLE_EQ(said.percent, 40);
  EXPECT_EQ(said.message, "half way");
  EXPECT_THAT(lines_at(said, log_level::info), testing::Not(HasSubstr("progress")));
  EXPECT_EQ(result.result, R"({"n": 1})");
}

TEST(UserTaskTest, LastLineOfJsonIsTheResult) {
  EXPECT_EQ(run_script("echo working; echo '  [1, 2.50] '").result.result, "[1, 2.50]");
  EXPECT_EQ(run_script("printf 42").result.result, "42");
  EXPECT_EQ(run_script("echo '{\"a\": 1}'; echo").result.result, R"({"a": 1})") << "a blank line is no last line";
}

TEST(UserTaskTest, OtherwiseTheResultIsTheUsage) {
  for (auto script : {"true", "echo '{\"a\": 1}'; echo done", "echo '{broken'"}) {
    auto result = run_script(script).result;
    ASSERT_EQ(result.kind, violation::none) << script;
    auto usage = json::parse(result.result).as_object();
    EXPECT_EQ(usage.at("exit_status"), 0);
    EXPECT_TRUE(usage.at("signal").is_null());
    EXPECT_GE(usage.at("user_cpu_s").to_number<double>(), 0);
    EXPECT_GE(usage.at("system_cpu_s").to_number<double>(), 0);
    EXPECT_GT(usage.at("elapsed_s").to_number<double>(), 0);
    EXPECT_TRUE(usage.contains("peak_memory_bytes"));
  }
}

TEST(UserTaskTest, UsageIsInTheLogToo) {
  auto said = run_script("echo 1").said;
  ASSERT_FALSE(said.lines.empty());
  EXPECT_EQ(said.lines.back().message, "command \"do\" ended with exit status 0");
  EXPECT_EQ(json::parse(said.lines.back().data).at("exit_status"), 0);
}

TEST(UserTaskTest, ExitStatusFailsWithTheLastWords) {
  auto result = run_script("echo '{}'; echo first >&2; echo 'disk on fire' >&2; exit 3").result;
  EXPECT_EQ(result.kind, violation::exception);
  EXPECT_EQ(result.message, "command \"do\" ended with exit status 3: disk on fire");
  EXPECT_TRUE(result.retryable);
  EXPECT_EQ(json::parse(result.result).at("exit_status"), 3);
}

TEST(UserTaskTest, SignalFailsWithItsName) {
  auto result = run_script("kill -SEGV $$").result;
  EXPECT_EQ(result.message, "command \"do\" was ended by signal 11 (SIGSEGV)");
  EXPECT_EQ(json::parse(result.result).at("signal"), 11);
}

TEST(UserTaskTest, UnknownCommandSaysWhatIsConfigured) {
  std::map<std::string, named_command> commands{{"backup", {}}, {"clean", {}}};
  for (auto payload : {"{}", R"({"command": 5})", R"({"command": "bakup"})"}) {
    attempt attempt{payload};
    auto result = run_user_task(*attempt.context, commands);
    EXPECT_EQ(result.kind, violation::exception);
    EXPECT_FALSE(result.retryable);
    EXPECT_THAT(result.message, AllOf(StartsWith("payload.command"), HasSubstr("(configured: backup, clean)"),
                                      HasSubstr("commands { NAME { argv")));
  }
  attempt attempt{R"({"command": "x"})"};
  EXPECT_THAT(run_user_task(*attempt.context, {}).message, HasSubstr("(configured: none)"));
}

TEST(UserTaskTest, PayloadIsStandardInput) {
  auto payload = std::string{R"({"command": "do", "files": ["a", "b"]})"};
  EXPECT_EQ(run_script("cat", payload).result.result, payload);
}

TEST(UserTaskTest, EnvironmentTellsTheTask) {
  auto info = lines_at(run_script("echo $OVERWATCH_TASK_ID; echo $OVERWATCH_ATTEMPT; echo $OVERWATCH_TASK_NAME").said,
                       log_level::info);
  EXPECT_EQ(info.find('-'), 8u) << "an id: " << info;
  EXPECT_THAT(info, HasSubstr("\n3\na task\n"));
}

TEST(UserTaskTest, MissingProgramFailsWithASentence) {
  std::map<std::string, named_command> commands;
  commands["do"].argv = {"/no/such/program"};
  attempt attempt{R"({"command": "do"})"};
  auto result = run_user_task(*attempt.context, commands);
  EXPECT_EQ(result.kind, violation::exception);
  EXPECT_THAT(result.message, AllOf(StartsWith("command \"do\" did not start"), HasSubstr("/no/such/program"),
                                    EndsWith("No such file or directory")));
}

TEST(UserTaskTest, LimitsComeFromTheCommand) {
  std::map<std::string, named_command> commands;
  commands["do"].argv = {"/bin/sh", "-c", "ulimit -v; ulimit -n; ulimit -t"};
  commands["do"].memory_mb = 512;
  commands["do"].open_files = 99;
  commands["do"].cpu_seconds = 7;
  attempt attempt{R"({"command": "do"})"};
  auto result = run_user_task(*attempt.context, commands);
  EXPECT_EQ(result.kind, violation::none) << result.message;
  EXPECT_THAT(lines_at(attempt.report->take(), log_level::info), StartsWith("524288\n99\n7\n"));
}

TEST(UserTaskTest, FloodStaysBounded) {
  auto before = peak_memory_kb();
  auto [result, said] = run_script("yes | head -c 200M; echo '{\"last\": true}'");
  EXPECT_EQ(result.result, R"({"last": true})");
  EXPECT_EQ(said.lines.size(), attempt_report::max_lines);
  EXPECT_THAT(lines_at(said, log_level::warning), HasSubstr("lines came too fast and were not kept"));
  EXPECT_LT(peak_memory_kb() - before, 32u * 1024);
}

TEST(UserTaskTest, HugeLineIsCut) {
  auto before = peak_memory_kb();
  auto [result, said] = run_script("head -c 50M /dev/zero | tr '\\0' x; echo; echo end");
  EXPECT_EQ(result.kind, violation::none) << result.message;
  EXPECT_EQ(said.lines.front().level, log_level::debug);
  ASSERT_GE(said.lines.size(), 3u);
  EXPECT_EQ(said.lines[1].message.size(), task_limits::message_bytes);
  EXPECT_THAT(said.lines[1].message, AllOf(StartsWith("xxx"), EndsWith("x...")));
  EXPECT_EQ(said.lines[2].message, "end");
  EXPECT_LT(peak_memory_kb() - before, 32u * 1024);
}

TEST(UserTaskTest, HugePlainLastLineIsNoResult) {
  auto result = run_script("head -c 5M /dev/zero | tr '\\0' x").result;
  EXPECT_EQ(result.kind, violation::none) << result.message;
  EXPECT_EQ(json::parse(result.result).at("exit_status"), 0);
}

TEST(UserTaskTest, HugeResultIsRefused) {
  auto result = run_script("printf '\"'; head -c 104857598 /dev/zero | tr '\\0' x; echo '\"'").result;
  EXPECT_EQ(result.kind, violation::exception);
  EXPECT_FALSE(result.retryable);
  EXPECT_EQ(result.result, "");
  EXPECT_EQ(result.message, "the result of command \"do\" (its last line of output) has 104857600 bytes; "
                            "at most 1048576 are allowed");
}

TEST(UserTaskTest, LargestResultIsKept) {
  auto result = run_script("printf '\"'; head -c 1048574 /dev/zero | tr '\\0' x; echo '\"'").result;
  EXPECT_EQ(result.kind, violation::none) << result.message;
  EXPECT_EQ(result.result.size(), task_limits::result_bytes);
}

TEST(UserTaskTest, InvalidUtf8IsReplaced) {
  auto said = run_script("printf 'a\\377z\\n'; printf '\\376\\n' >&2; exit 1").said;
  EXPECT_THAT(lines_at(said, log_level::info), StartsWith("a\xEF\xBF\xBDz\n"));
  EXPECT_EQ(lines_at(said, log_level::warning), "\xEF\xBF\xBD\n");
}

TEST(UserTaskTest, JsonWithInvalidUtf8IsNoResult) {
  auto result = run_script("printf '\"\\377\"\\n'").result;
  EXPECT_EQ(json::parse(result.result).at("exit_status"), 0);
}

TEST(UserTaskTest, StopEndsARunningCommand) {
  auto folder = (std::filesystem::temp_directory_path() / "overwatch-test-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  auto pipe = folder + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::map<std::string, named_command> commands;
  commands["do"].argv = {"/bin/sh", "-c", "echo up > " + pipe + "; exec sleep 1000"};
  attempt attempt{R"({"command": "do"})"};
  outcome result;
  std::thread worker{[&] { result = run_user_task(*attempt.context, commands); }};
  procfs::read_file(pipe); // returns when the command has written
  attempt.stop->request(cancellation::cause::cancelled);
  worker.join();
  std::filesystem::remove_all(folder);
  EXPECT_EQ(result.kind, violation::exception);
  EXPECT_EQ(result.message, "command \"do\" was stopped; it was ended by signal 15 (SIGTERM)");
}

TEST(UserTaskTest, SeveralAtOnceDoNotMixUp) {
  std::map<std::string, named_command> commands;
  commands["do"].argv = {"/bin/sh", "-c", "cat; (setsid sleep 1000 >/dev/null 2>&1 &)"};
  std::vector<std::thread> workers;
  std::vector<std::string> results(8);
  for (size_t i = 0; i < results.size(); ++i)
    workers.emplace_back([&, i] {
      attempt attempt{R"({"command": "do", "n": )" + std::to_string(i) + "}"};
      results[i] = run_user_task(*attempt.context, commands).result;
    });
  for (auto& worker : workers)
    worker.join();
  for (size_t i = 0; i < results.size(); ++i)
    EXPECT_EQ(json::parse(results[i]).at("n"), i);
}
