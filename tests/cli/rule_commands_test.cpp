#include "tests/cli/command_run.hpp"
#include "tests/cli/stub_node.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

const std::string hot = R"({"name":"hot","description":"too hot","enabled":true,"built_in":false,
  "condition":"local x = 1\nreturn x > 0 -- \u001b[2J","make":null,"task":{"name":"look"},"for":60,
  "cooldown":600,"on":["task_failed"],"holds_since":"2026-11-22T05:06:16.000000Z",
  "fired_at":"2026-11-22T05:07:16.000000Z","fired":1234,"created":2,"error":null,"tasks":["t1","t2"]})";
const std::string broken = R"({"name":"x","enabled":true,"error":"condition: line 1","fired":0,"created":0})";
const std::string off = R"({"name":"y","description":"d","enabled":false,"built_in":true,"fired":0,"created":0})";

struct set_rule {
  explicit set_rule(std::vector<std::string> arguments, const std::string& input = {}) {
    node.on("PUT /rules/r", {200, R"({"name":"r","enabled":true,"error":null})"});
    arguments.insert(arguments.begin(), {"--url", node.url(), "rules"});
    run_options options;
    options.input = input;
    const auto run = run_command(arguments, options);
    EXPECT_EQ(run.code, 0) << run.err;
    EXPECT_EQ(run.out, "r  on\n");
    sent = boost::json::parse(node.last("PUT ").body);
  }

  stub_node node;
  boost::json::value sent;
};

} // namespace

TEST(RulesTest, AreListed) {
  stub_node node;
  node.on("GET /rules", {200, R"({"rules":[)" + hot + "," + broken + "," + off + "]}"});
  EXPECT_EQ(run_command({"rules", "list", "--url", node.url()}).out,
            "RULE  STATE  FIRED  TASKS  LAST FIRED           DESCRIPTION OR ERROR\n"
            "hot   holds  1,234      2  2026-11-22 05:07:16  too hot\n"
            "x     error      0      0                       condition: line 1\n"
            "y     off        0      0                       d\n");
}

TEST(RulesTest, ShowHasTheChunks) {
  stub_node node;
  node.on("GET /rules/hot", {200, hot});
  const auto run = run_command({"rules", "show", "hot", "--url", node.url()});
  EXPECT_THAT(run.out, HasSubstr("for            1m 00s\ncooldown       10m 00s\njudged on      task_failed\n"));
  EXPECT_THAT(run.out, HasSubstr("newest tasks   t1, t2\ncondition\n  local x = 1\n  return x > 0 -- \\x1b[2J\n"
                                 "task\n  {\n    \"name\": \"look\"\n  }\n"));
}

TEST(RulesTest, SetSendsTheOptions) {
  EXPECT_EQ((set_rule{{"set", "r", "--condition", "true", "--make", "-", "--for", "1m", "--cooldown", "10m", "--on",
                       "task_failed,gate_closed", "--on", "task_violation", "--description", "d", "--disabled"},
                      "return {}"}
               .sent),
            boost::json::parse(R"({"description":"d","condition":"true","make":"return {}","for":6E1,"cooldown":6E2,
    "on":["task_failed","gate_closed","task_violation"],"enabled":false})"));
}

TEST(RulesTest, OptionsChangeTheFile) {
  EXPECT_EQ((set_rule{{"set", "r", "--file", "-", "--cooldown", "1s"}, R"({"make":"return {}","cooldown":5})"}.sent),
            boost::json::parse(R"({"make":"return {}","cooldown":1E0})"));
  EXPECT_EQ((set_rule{{"set", "r", "--task", "-"}, R"({"name":"look"})"}.sent),
            boost::json::parse(R"({"task":{"name":"look"}})"));
}

TEST(RulesTest, EnableAndDisableChangeNothingElse) {
  EXPECT_EQ((set_rule{{"enable", "r"}}.sent), boost::json::parse(R"({"enabled":true})"));
  EXPECT_EQ((set_rule{{"disable", "r"}}.sent), boost::json::parse(R"({"enabled":false})"));
}

TEST(RulesTest, TestShowsWhatItWouldDo) {
  stub_node node;
  node.on("POST /rules/r/test", {200, R"({"holds":true,"would_fire":false,"why":"It fired a minute ago.",
    "tasks":[{"name":"look"}],"error":null,"printed":["a\u001b[2J","b"]})"});
  const auto run = run_command({"rules", "test", "r", "--url", node.url()});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out, "holds       yes\nwould fire  no\nwhy         It fired a minute ago.\ntasks       1\n"
                     "task\n  {\n    \"name\": \"look\"\n  }\nprinted\n  a\\x1b[2J\n  b\n");
  EXPECT_EQ(node.last("POST ").body, "");
}

TEST(RulesTest, TestTriesWhatIsNotStored) {
  stub_node node;
  node.on("POST /rules/test",
          {200, R"({"holds":false,"would_fire":false,"why":"","tasks":[],"error":"make: line 1"})"});
  node.on("POST /rules/r/test", {200, R"({"holds":false,"would_fire":false,"error":null})"});
  const auto run = run_command({"rules", "test", "--make", "x(", "--url", node.url()});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.out, HasSubstr("error       make: line 1\n"));
  EXPECT_EQ(node.last("POST /rules/test").body, R"({"make":"x("})");
  EXPECT_EQ(run_command({"rules", "test", "r", "--condition", "false", "--url", node.url()}).code, 0);
  EXPECT_EQ(node.last("POST /rules/r/test").body, R"({"condition":"false"})");
}

TEST(RulesTest, ABuiltInRuleStays) {
  stub_node node;
  node.on("DELETE /rules/x", {409, R"({"error":{"code":"conflict","message":"it is built in: disable it"}})"});
  const auto run = run_command({"rules", "delete", "x", "--url", node.url()});
  EXPECT_EQ(run.code, 4);
  EXPECT_THAT(run.err, HasSubstr("disable it"));
}

} // namespace overwatch::cli
