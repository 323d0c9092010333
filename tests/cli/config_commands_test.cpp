#include "tests/cli/command_run.hpp"

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

struct config_file {
  explicit config_file(const std::string& text) {
    char name[] = "/tmp/overwatch-cli-XXXXXX";
    directory = mkdtemp(name);
    path = directory + "/node.conf";
    std::ofstream{path} << text;
  }
  ~config_file() { std::filesystem::remove_all(directory); }

  std::string directory;
  std::string path;
};

} // namespace

TEST(ConfigCheckTest, AGoodFileIsGood) {
  const config_file file{"http { port = 9000 }\n"};
  const auto run = run_command({"config", "check", file.path});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out, file.path + " is good\n");
}

TEST(ConfigCheckTest, AWrongValueIsNamedWithItsLine) {
  const config_file file{"http {\n  port = 70000\n}\n"};
  const auto run = run_command({"config", "check", file.path});
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, HasSubstr("error: " + file.path + ":2:"));
  const auto json = boost::json::parse(run_command({"config", "check", file.path, "--json"}).out);
  EXPECT_FALSE(json.at("ok").as_bool());
  EXPECT_EQ(json.at("problems").at(0).at("line").to_number<int>(), 2);
}

TEST(ConfigShowTest, SaysWhereEachSettingComesFrom) {
  const config_file file{"http { port = 9000 }\n"};
  setenv("OVERWATCH_LOG_LEVEL", "debug", 1);
  const auto run = run_command({"config", "show", "--config-file", file.path, "--max-tasks", "7", "--json"});
  unsetenv("OVERWATCH_LOG_LEVEL");
  EXPECT_EQ(run.code, 0) << run.err;
  const auto json = boost::json::parse(run.out);
  EXPECT_EQ(json.at("http.port").at("value").as_string(), "9000");
  EXPECT_THAT(std::string{json.at("http.port").at("source").as_string().c_str()}, HasSubstr("node.conf:1"));
  EXPECT_EQ(json.at("log.level").at("value").as_string(), "debug");
  EXPECT_EQ(json.at("log.level").at("source").as_string(), "environment OVERWATCH_LOG_LEVEL");
  EXPECT_EQ(json.at("tasks.max-concurrent-tasks").at("value").as_string(), "7");
  EXPECT_EQ(json.at("node.data-dir").at("source").as_string(), "default");
}

TEST(ConfigShowTest, PrintsATable) {
  const auto run = run_command({"config", "show", "--http", "127.0.0.1:9001"});
  EXPECT_THAT(run.out, HasSubstr("OPTION"));
  EXPECT_THAT(run.out, testing::ContainsRegex("http.port +9001 +command line"));
}

TEST(ConfigReferenceTest, HasEveryOption) {
  EXPECT_THAT(run_command({"config", "reference"}).out, HasSubstr("tasks.max-concurrent-tasks"));
}

} // namespace overwatch::cli
