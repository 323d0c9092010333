#include "tests/cli/command_run.hpp"

#include <gmock/gmock.h>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

const std::vector<std::string> all_commands{
  "start",      "stop",    "status",    "stats", "pause",    "resume",     "generate", "metrics",  "create-task",
  "list-tasks", "show",    "logs",      "why",   "cancel",   "retry",      "delete",   "watch",    "events",
  "pools",      "workers", "set-slots", "test",  "config",   "completion", "version",  "approve",  "rollback",
  "snapshot",   "patch",   "gates",     "keys",  "workflow", "schedules",  "rules",    "resources"};

const std::vector<std::pair<std::string, std::vector<std::string>>> groups{
  {"gates", {"list", "show", "open", "close", "set", "delete", "history"}},
  {"keys", {"list", "get", "put", "delete"}},
  {"workflow", {"list", "submit", "show", "cancel"}},
  {"schedules", {"list", "show", "set", "delete", "pause", "resume", "run", "next"}},
  {"rules", {"list", "show", "set", "delete", "enable", "disable", "test"}}};

} // namespace

TEST(UsageTest, NoCommandPrintsTheWholeHelp) {
  const auto run = run_command({});
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.err, "");
  for (const auto& command : all_commands)
    EXPECT_THAT(run.out, HasSubstr("\n  " + command + " ")) << command;
  EXPECT_THAT(run.out, HasSubstr("Exit codes:"));
}

TEST(UsageTest, EachCommandHasHelpWithAnExample) {
  for (const auto& command : all_commands) {
    const auto run = run_command({command, "--help"});
    EXPECT_EQ(run.code, 0) << command;
    EXPECT_THAT(run.out, HasSubstr("overwatch " + command)) << command;
  }
}

TEST(UsageTest, EachCommandOfAGroupHasHelpWithAnExample) {
  for (const auto& [group, commands] : groups)
    for (const auto& command : commands) {
      const auto run = run_command({group, command, "--help"});
      EXPECT_EQ(run.code, 0) << group << ' ' << command;
      EXPECT_THAT(run.out, HasSubstr("overwatch " + group + " " + command)) << command;
    }
}

TEST(UsageTest, WrongCommandLinesAreRefused) {
  const std::vector<std::vector<std::string>> wrong{
    {"no-such-command"},
    {"--no-such-flag"},
    {"status", "extra"},
    {"create-task"},
    {"create-task", "x", "--priority", "soon"},
    {"create-task", "x", "--priority", "5"},
    {"create-task", "x", "--payload", "{"},
    {"create-task", "x", "--payload", "[1]"},
    {"create-task", "x", "--payload", "@/no/such/file"},
    {"create-task", "x", "--context", "novalue"},
    {"create-task", "x", "--timeout", "5 parsecs"},
    {"create-task", "x", "--at", "+soon"},
    {"create-task", "x", "--max-attempts", "0"},
    {"create-task", "x", "--backoff", "random"},
    {"create-task", "x", "--backoff", "fixed:1s:2s:3s"},
    {"create-task", "x", "--wait", "long"},
    {"list-tasks", "--limit", "0"},
    {"list-tasks", "--limit", "1001"},
    {"list-tasks", "--status", "done"},
    {"list-tasks", "--from=-soon"},
    {"show"},
    {"cancel"},
    {"set-slots", "user_task"},
    {"set-slots", "user_task", "-1"},
    {"watch", "--interval", "1ms"},
    {"test", "--limit", "x"},
    {"stop", "--limit", "x"},
    {"config"},
    {"config", "check"},
    {"completion", "tcsh"},
    {"status", "--timeout", "0"},
    {"create-task", "x", "--on-closed-gate", "maybe"},
    {"create-task", "x", "--cpu", "2"},
    {"create-task", "x", "--memory-mb", "-1"},
    {"create-task", "x", "--concurrency-limit", "2"},
    {"create-task", "x", "--concurrency-key", "k", "--concurrency-limit", "0"},
    {"create-task", "x", "--rate", "mail"},
    {"create-task", "x", "--rate", "mail=0/1m"},
    {"create-task", "x", "--rate", "mail=many/1m"},
    {"create-task", "x", "--rate", "mail=1/soon"},
    {"create-task", "x", "--cache", "report"},
    {"create-task", "x", "--cache", "report=long"},
    {"create-task", "x", "--keep-snapshot", "long"},
    {"approve", "t1"},
    {"approve", "--reason", "r"},
    {"rollback"},
    {"patch", "t1"},
    {"patch", "t1", "--priority", "soon"},
    {"patch", "t1", "--tag", "a", "--no-tags"},
    {"gates", "no-such"},
    {"gates", "open", "g"},
    {"gates", "set", "g"},
    {"gates", "set", "g", "--kind", "moody"},
    {"gates", "set", "g", "--kind", "health", "--metric", "weather"},
    {"gates", "set", "g", "--kind", "health", "--above", "1", "--below", "2"},
    {"gates", "set", "g", "--kind", "window", "--window", "mon-fri"},
    {"gates", "set", "g", "--kind", "manual", "--open", "--closed"},
    {"keys", "put", "k"},
    {"keys", "put", "k", "v", "--file", "f"},
    {"keys", "put", "k", "--file", "/no/such/file"},
    {"keys", "put", "k", "--file", "/"},
    {"keys", "put", "k", "v", "--version", "new"},
    {"keys", "list", "--limit", "0"},
    {"workflow", "submit"},
    {"workflow", "submit", "/no/such/file"},
    {"schedules", "set", "s"},
    {"schedules", "set", "s", "--cron", "0 3 * * *", "--every", "5m"},
    {"schedules", "set", "s", "--every", "often"},
    {"schedules", "set", "s", "--every", "5m", "--overlap", "maybe"},
    {"schedules", "next", "s", "--count", "101"},
    {"rules", "set", "r"},
    {"rules", "set", "r", "--make", "x", "--task", "f"},
    {"rules", "set", "r", "--on", "full_moon"},
    {"rules", "test"},
    {"start", "--http-port", "many"},
    {"start", "--http", "nowhere:"},
    {"start", "--config-file", "/no/such/file"},
  };
  for (const auto& arguments : wrong) {
    const auto run = run_command(arguments);
    EXPECT_EQ(run.code, 2) << testing::PrintToString(arguments);
    EXPECT_NE(run.err, "") << testing::PrintToString(arguments);
    EXPECT_EQ(run.out, "") << testing::PrintToString(arguments);
  }
}

TEST(UsageTest, AWrongPriorityListsTheRightOnes) {
  EXPECT_EQ(run_command({"create-task", "x", "--priority", "soon"}).err,
            "overwatch: --priority: 'soon' is none of critical (0), high (1), normal (2), low (3), background (4)\n");
}

TEST(UsageTest, AMistypedCommandGetsASuggestion) {
  const auto run = run_command({"lst-tasks"});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("did you mean `overwatch list-tasks`?"));
  EXPECT_THAT(run_command({"create-task"}).err, HasSubstr("overwatch: NAME is required\n"));
}

TEST(UsageTest, VersionIsTold) {
  EXPECT_EQ(run_command({"version"}).out, "overwatch " OVERWATCH_VERSION "\n");
  EXPECT_EQ(run_command({"--version"}).out, "overwatch " OVERWATCH_VERSION "\n");
  EXPECT_EQ(run_command({"version", "--json"}).out, "{\"version\":\"" OVERWATCH_VERSION "\"}\n");
}

} // namespace overwatch::cli
