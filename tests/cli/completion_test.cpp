#include "tests/cli/command_run.hpp"

#include <cstdio>
#include <gmock/gmock.h>
#include <memory>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

// The exit status of a shell that gets `script` on standard input, and what it says.
std::pair<int, std::string> run_bash(const std::string& arguments, const std::string& script) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file{std::tmpfile(), std::fclose};
  fwrite(script.data(), 1, script.size(), file.get());
  fflush(file.get());
  const auto command = "bash " + arguments + " < /proc/self/fd/" + std::to_string(fileno(file.get())) + " 2>&1";
  rewind(file.get());
  FILE* shell = popen(command.c_str(), "r");
  std::string output;
  char buffer[256];
  for (size_t count = 0; (count = fread(buffer, 1, sizeof(buffer), shell)) > 0;)
    output.append(buffer, count);
  return {pclose(shell), output};
}

std::string bash_script() { return run_command({"completion", "bash"}).out; }

// What bash offers for the last of these words.
std::string complete(const std::string& words) {
  const auto script = bash_script() + "\nCOMP_WORDS=(" + words +
                      ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_overwatch\n" + "echo \"${COMPREPLY[*]}\"\n";
  const auto [status, output] = run_bash("", script);
  EXPECT_EQ(status, 0) << output;
  return output;
}

} // namespace

TEST(CompletionTest, TheBashScriptIsValid) {
  const auto [status, output] = run_bash("-n", bash_script());
  EXPECT_EQ(status, 0) << output;
  EXPECT_EQ(output, "");
}

TEST(CompletionTest, BashOffersCommandsAndFlags) {
  EXPECT_EQ(complete("overwatch create"), "create-task\n");
  EXPECT_EQ(complete("overwatch config re"), "reference\n");
  EXPECT_EQ(complete("overwatch create-task --max-a"), "--max-attempts\n");
  EXPECT_EQ(complete("overwatch start --data"), "--data-dir\n");
  EXPECT_EQ(complete("overwatch --url http://x status --js"), "--json\n");
}

TEST(CompletionTest, BashOffersGroups) {
  EXPECT_EQ(complete("overwatch gates o"), "open\n");
  EXPECT_EQ(complete("overwatch schedules re"), "resume\n");
  EXPECT_EQ(complete("overwatch keys put --f"), "--file\n");
  EXPECT_EQ(complete("overwatch gates set g --kind w"), "window\n");
  EXPECT_EQ(complete("overwatch gates set g --kind health --metric disk"), "disk_percent\n");
  EXPECT_EQ(complete("overwatch rules set r --on gate_"), "gate_opened gate_closed\n");
  EXPECT_EQ(complete("overwatch patch t1 --priority h"), "high\n");
}

TEST(CompletionTest, BashOffersValues) {
  EXPECT_EQ(complete("overwatch list-tasks --status c"), "completed cancelled\n");
  EXPECT_EQ(complete("overwatch completion z"), "zsh\n");
  EXPECT_EQ(complete("overwatch create-task x --priority h"), "high\n");
  EXPECT_EQ(complete("overwatch start --log-level w"), "warning\n");
}

TEST(CompletionTest, OtherShellsGetEveryCommand) {
  for (const auto* shell : {"zsh", "fish"}) {
    const auto script = run_command({"completion", shell}).out;
    for (const auto* command : {"start", "create-task", "set-slots", "reference", "workflow", "history"})
      EXPECT_THAT(script, HasSubstr(command)) << shell;
    EXPECT_THAT(script, HasSubstr("data-dir")) << shell;
  }
}

TEST(CompletionTest, FishTellsACommandFromOneOfAGroup) {
  const auto script = run_command({"completion", "fish"}).out;
  EXPECT_THAT(script, HasSubstr("'__fish_seen_subcommand_from show; and not __fish_seen_subcommand_from "));
  EXPECT_THAT(script, HasSubstr("'__fish_seen_subcommand_from gates; and __fish_seen_subcommand_from show'"));
}

} // namespace overwatch::cli
