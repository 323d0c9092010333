#include "config/loader.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace overwatch;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

namespace {

class LoaderTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "overwatch-config-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    file_ = directory_ / "node.conf";
  }

  void TearDown() override { std::filesystem::remove_all(directory_); }

  load_result load(const std::string& text, const std::map<std::string, std::string>& environment = {},
                   const std::map<std::string, std::string>& command_line = {}) {
    std::ofstream{file_} << text;
    return load_settings(file_.string(), environment, command_line);
  }

  /// Problems as `line:column: message`.
  std::vector<std::string> problems(const std::string& text) {
    std::vector<std::string> result;
    for (auto& one : load(text).problems) {
      EXPECT_EQ(one.file, file_.string());
      result.push_back(one.to_string().substr(file_.string().size() + 1));
    }
    return result;
  }

  std::filesystem::path directory_;
  std::filesystem::path file_;
};

} // namespace

TEST_F(LoaderTest, WithoutAnythingTheDefaultsHold) {
  auto result = load_settings("", {}, {});
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.values.http.port, settings{}.http.port);
  EXPECT_EQ(result.sources["http.port"], "default");
}

TEST_F(LoaderTest, LaterSourcesWin) {
  auto file = "tasks {\n max-concurrent-tasks = 2\n max-lost = 2\n ageing-step = 2min\n}\n";
  std::map<std::string, std::string> environment{{"OVERWATCH_MAX_CONCURRENT_TASKS", "3"},
                                                 {"OVERWATCH_TASKS_MAX_LOST", "3"}};
  auto result = load(file, environment, {{"tasks.max-lost", "4"}});
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_EQ(result.values.tasks.ageing_step, std::chrono::minutes{2});
  EXPECT_EQ(result.values.tasks.max_concurrent_tasks, 3u);
  EXPECT_EQ(result.values.tasks.max_lost, 4u);
  EXPECT_EQ(result.sources["tasks.ageing-step"], file_.string() + ":4");
  EXPECT_EQ(result.sources["tasks.max-concurrent-tasks"], "environment OVERWATCH_MAX_CONCURRENT_TASKS");
  EXPECT_EQ(result.sources["tasks.max-lost"], "command line --tasks-max-lost");
}

TEST_F(LoaderTest, AWrongValueIsReportedThoughALaterSourceSetsTheOption) {
  auto result = load("http { port = 70000 }", {}, {{"http.port", "80"}});
  EXPECT_EQ(result.problems.size(), 1u);
}

TEST_F(LoaderTest, TheVariablesOfTheFirstOverwatchWork) {
  auto result = load_settings("",
                              {{"OVERWATCH_MAX_CONCURRENT_TASKS", "20"},
                               {"OVERWATCH_GENERATION_INTERVAL", "90"},
                               {"OVERWATCH_LOG_LEVEL", "WARNING"}},
                              {});
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.values.tasks.max_concurrent_tasks, 20u);
  EXPECT_EQ(result.values.tasks.generation_interval.count(), 90);
  EXPECT_EQ(result.values.log.level, "warning");
}

TEST_F(LoaderTest, EveryProblemOfAFileIsReportedWithItsPlace) {
  auto found = problems("http {\n"
                        "  port = 70000\n"
                        "  thread = 3\n"
                        "  max_body_mb = 3\n"
                        "  threads = \"x\"\n"
                        "  threads = 5\n"
                        "  request-timeout = 1500ms\n"
                        "}\n"
                        "htp { }\n"
                        "port = 3\n"
                        "[tasks]\n"
                        "slots { noop = 0 }\n"
                        "task-types = [\"a\", 3]\n"
                        "max-lost = true\n"
                        "retention = \"x\"\n");
  EXPECT_THAT(found,
              ElementsAre("2:10: `http.port` must be a whole number from 0 to 65535, not 70000",
                          "3:3: `http.thread` is not an option; did you mean `http.threads`?",
                          "4:3: `max_body_mb` is not an option: names have dashes, write `max-body-mb`",
                          "5:13: `http.threads` must be a whole number from 4 to 4096, not the text \"x\"",
                          "6:3: `http.threads` is set twice: first in line 5",
                          "7:21: `http.request-timeout` must be whole seconds: a duration from 1s to 1h",
                          "9:1: `htp` is not a section: there are commands, node, http, caf, cluster, scheduler, log, "
                          "tasks, storage, resources, workers, snapshots, rules, maintenance, "
                          "backup, security; did you mean `http`?",
                          "10:1: `port` stands outside of a section; did you mean `http.port`?",
                          "12:7: `tasks.slots` must be task types with whole numbers from 1 to 65536; \"noop\" has 0",
                          "13:14: `tasks.task-types` must be a list of task types; one entry is 3",
                          "14:12: `tasks.max-lost` must be a whole number from 1 to 100, not true",
                          "15:13: `tasks.retention` must be a duration from 0s to 87600h, not the text \"x\""));
}

TEST_F(LoaderTest, AnOptionInTheWrongSectionIsSentToTheRightOne) {
  EXPECT_THAT(
    problems("http { max-concurrent-tasks = 3 }"),
    ElementsAre("1:8: `http.max-concurrent-tasks` is not an option; did you mean `tasks.max-concurrent-tasks`?"));
}

TEST_F(LoaderTest, AnOptionSetInTwoOpeningsOfItsSectionIsADuplicate) {
  EXPECT_THAT(problems("http { port = 1 }\n[http]\nport = 2\n"),
              ElementsAre("3:1: `http.port` is set twice: first in line 1"));
}

TEST_F(LoaderTest, SectionsOfCafAreRefusedWithTheReason) {
  EXPECT_THAT(problems("middleman { heartbeat-interval = 1s }"), ElementsAre(HasSubstr("only scheduler.max-threads")));
  EXPECT_THAT(problems("scheduler { max-threads = 2, policy = 'sharing' }"), IsEmpty());
}

TEST_F(LoaderTest, CommandsAreRead) {
  auto result = load("commands {\n  backup_db {\n    argv = [\"/bin/sh\", \"-c\"], description = \"Saves\"\n"
                     "    environment { A = \"b\" }\n    cpu-seconds = 10\n  }\n}\n");
  ASSERT_THAT(result.problems, IsEmpty());
  auto& command = result.values.commands.at("backup_db");
  EXPECT_THAT(command.argv, ElementsAre("/bin/sh", "-c"));
  EXPECT_EQ(command.description, "Saves");
  EXPECT_EQ(command.environment, (std::map<std::string, std::string>{{"A", "b"}}));
  EXPECT_EQ(command.cpu_seconds, 10u);
  EXPECT_EQ(command.open_files, 1024u);
}

TEST_F(LoaderTest, ProblemsOfCommandsHaveTheirPlace) {
  EXPECT_THAT(problems("commands {\n"
                       "  a { }\n"
                       "  b { argv = [\"x/y\"] }\n"
                       "  c = 3\n"
                       "  d { argv = \"/bin/sh\", cpu_seconds = 3 }\n"
                       "  e { argv = [\"true\"], environment { OVERWATCH_X = \"b\" } }\n"
                       "  e { argv = [\"true\"], colour = 1 }\n"
                       "}\n"),
              ElementsAre(HasSubstr("4:3: `commands.c` must be a command"),
                          HasSubstr("5:14: `commands.d.argv` must be a list of texts"),
                          HasSubstr("5:25: `cpu_seconds` is not an option: names have dashes, write `cpu-seconds`"),
                          "7:3: `commands.e` is set twice: first in line 6",
                          HasSubstr("2:3: `commands.a.argv` must name a program"),
                          HasSubstr("3:14: `commands.b.argv` \"x/y\" must be an absolute path"),
                          HasSubstr("6:36: `commands.e.environment` \"OVERWATCH_X\" is set by the node")));
}

TEST_F(LoaderTest, AMissingFileAndADirectoryAreProblems) {
  auto missing = load_settings((directory_ / "none").string(), {}, {});
  ASSERT_EQ(missing.problems.size(), 1u);
  EXPECT_THAT(missing.problems[0].to_string(), HasSubstr("none: cannot be read: No such file or directory"));
  auto directory = load_settings(directory_.string(), {}, {});
  ASSERT_EQ(directory.problems.size(), 1u);
  EXPECT_THAT(directory.problems[0].message, HasSubstr("cannot be read: Is a directory"));
}

TEST_F(LoaderTest, ProblemsOfVariablesAndFlagsNameThem) {
  auto result = load_settings("", {{"OVERWATCH_HTTP_THREADS", "huge"}}, {{"log.level", "loud"}, {"http.prt", "1"}});
  std::vector<std::string> found;
  for (auto& one : result.problems)
    found.push_back(one.to_string());
  EXPECT_THAT(found, ElementsAre("environment OVERWATCH_HTTP_THREADS: `http.threads` must be a whole number from 4 to "
                                 "4096, not the text \"huge\"",
                                 "command line: `http.prt` is not an option",
                                 "command line --log-level: `log.level` must be one of trace, debug, info, warning, "
                                 "error, not the text \"loud\""));
}

TEST_F(LoaderTest, OnlyLikelyMistakesInVariablesAreWarnedOf) {
  auto result = load_settings("", {{"OVERWATCH_HTTP_PRT", "1"}, {"OVERWATCH_URL", "x"}, {"HOME", "/"}}, {});
  EXPECT_TRUE(result.ok());
  ASSERT_EQ(result.warnings.size(), 1u);
  EXPECT_THAT(result.warnings[0].to_string(), HasSubstr("OVERWATCH_HTTP_PRT: is not an option"));
  EXPECT_THAT(result.warnings[0].to_string(), HasSubstr("did you mean OVERWATCH_HTTP_PORT?"));
}

TEST_F(LoaderTest, TwoVariablesOfOneOptionMustAgree) {
  std::map<std::string, std::string> both{{"OVERWATCH_MAX_CONCURRENT_TASKS", "3"},
                                          {"OVERWATCH_TASKS_MAX_CONCURRENT_TASKS", "4"}};
  EXPECT_EQ(load_settings("", both, {}).problems.size(), 1u);
  both["OVERWATCH_TASKS_MAX_CONCURRENT_TASKS"] = "3";
  EXPECT_TRUE(load_settings("", both, {}).ok());
}

TEST_F(LoaderTest, AnEmptyVariableIsNotSet) {
  auto result = load_settings("", {{"OVERWATCH_HTTP_PORT", ""}}, {});
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.sources["http.port"], "default");
}

TEST_F(LoaderTest, AnAddressFlagSetsAddressAndPort) {
  auto result = load_settings("", {}, {{"http", "127.0.0.2:8080"}, {"caf", "[::1]:9000"}});
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_EQ(result.values.http.address, "127.0.0.2");
  EXPECT_EQ(result.values.http.port, 8080);
  EXPECT_EQ(result.values.caf.address, "::1");
  EXPECT_EQ(result.values.caf.port, 9000);
  EXPECT_EQ(load_settings("", {}, {{"http", "localhost"}}).values.http.address, "127.0.0.1");
  for (auto wrong : {"", ":80", "127.0.0.1:", "127.0.0.1:x", "nowhere:80", "127.0.0.1:99999"})
    EXPECT_FALSE(load_settings("", {}, {{"http", wrong}}).ok()) << wrong;
}

TEST_F(LoaderTest, LongRequestsFollowTheThreadsUnlessSet) {
  EXPECT_EQ(load_settings("", {}, {{"http.threads", "8"}}).values.http.max_long_requests, 6u);
  EXPECT_FALSE(load_settings("", {}, {{"http.threads", "8"}, {"http.max-long-requests", "8"}}).ok());
}

TEST_F(LoaderTest, CrossChecksPointAtTheValueThatBreaksThem) {
  EXPECT_THAT(problems("caf {\n  address = \"0.0.0.0\"\n}\n"),
              ElementsAre(HasSubstr("2:13: `caf.address` must be a loopback address")));
  auto open = load("http { address = \"0.0.0.0\" }");
  EXPECT_TRUE(open.ok());
  ASSERT_EQ(open.warnings.size(), 1u);
  EXPECT_THAT(open.warnings[0].to_string(), HasSubstr(":1:18: `http.address` the API has no authentication yet"));
}

TEST_F(LoaderTest, MaintenanceRulesHaveNames) {
  auto result = load("maintenance {\n  roots = [\"/srv\"]\n  cleanup {\n"
                     "    uploads { path = \"/srv/up\", older-than = 48h, directories = \"remove-empty\" }\n  }\n"
                     "  rotate {\n    site { path = \"/srv/log\", max-mb = 1, method = \"copytruncate\" }\n  }\n}\n");
  EXPECT_THAT(result.problems, IsEmpty());
  const auto& cleanup = result.values.maintenance.cleanup.at("uploads");
  EXPECT_EQ(cleanup.path, "/srv/up");
  EXPECT_EQ(cleanup.older_than, std::chrono::hours{48});
  EXPECT_EQ(cleanup.directories, "remove-empty");
  EXPECT_EQ(result.values.maintenance.rotate.at("site").method, "copytruncate");
}

TEST_F(LoaderTest, MaintenanceRulesThatWouldDoHarmAreRefused) {
  EXPECT_THAT(problems("maintenance {\n"
                       "  roots = [\"/\"]\n"
                       "  actions = [\"polish\"]\n"
                       "  cleanup {\n"
                       "    all { path = \"/srv\" }\n"
                       "    near { path = \"srv\", keep-newest = 1 }\n"
                       "    odd { path = \"/srv\", keep_newest = 1, older-than = 1h }\n"
                       "  }\n"
                       "  rotate { log = 3 }\n"
                       "}\n"),
              UnorderedElementsAre(
                HasSubstr("2:11: `maintenance.roots` \"/\" must not be the whole file system"),
                HasSubstr("3:13: `maintenance.actions` \"polish\" is not an action: there are retention"),
                HasSubstr("5:5: `maintenance.cleanup.all` would remove every file"),
                HasSubstr("6:19: `maintenance.cleanup.near.path` must be an absolute path"),
                HasSubstr("7:26: `keep_newest` is not an option: names have dashes"),
                HasSubstr("9:12: `maintenance.rotate.log` must be a rule")));
}
