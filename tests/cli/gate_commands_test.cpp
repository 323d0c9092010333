#include "tests/cli/command_run.hpp"
#include "tests/cli/stub_node.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

const std::string deploy =
  R"({"name":"deploy","kind":"manual","open":false,"description":"","by":"ann","reason":"bad \u001b[2J",
  "since":"2026-11-22T05:06:16.000000Z","condition":null,"windows":[],"time_zone":"UTC","history":[
  {"time":"2026-11-22T05:06:16.000000Z","open":false,"by":"ann","reason":"bad"},
  {"time":"2026-11-21T05:06:16.000000Z","open":true,"by":null,"reason":null}]})";

boost::json::value put_by(std::vector<std::string> arguments) {
  stub_node node;
  node.on("PUT /gates/g", {200, R"({"name":"g","kind":"manual","open":true})"});
  arguments.insert(arguments.end(), {"--by", "ann", "--url", node.url()});
  const auto run = run_command(arguments);
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out, "g  open\n");
  return boost::json::parse(node.last("PUT /gates/g").body);
}

} // namespace

TEST(GatesTest, AreListed) {
  stub_node node;
  node.on("GET /gates", {200, R"({"gates":[)" + deploy + R"(,{"name":"eyes","kind":"approval","open":false}]})"});
  for (const auto& arguments : {std::vector<std::string>{"gates"}, {"gates", "list"}}) {
    auto line = arguments;
    line.insert(line.end(), {"--url", node.url()});
    const auto run = run_command(line);
    EXPECT_EQ(run.code, 0);
    EXPECT_EQ(run.out, "GATE    STATE     KIND      SINCE                BY   REASON\n"
                       "deploy  closed    manual    2026-11-22 05:06:16  ann  bad \\x1b[2J\n"
                       "eyes    per task  approval\n");
  }
}

TEST(GatesTest, NoneIsSaid) {
  stub_node node;
  node.on("GET /gates", {200, R"({"gates":[]})"});
  EXPECT_EQ(run_command({"gates", "--url", node.url()}).out, "no gates are declared: all count as open\n");
  EXPECT_EQ(run_command({"gates", "--json", "--url", node.url()}).out, "{\"gates\":[]}\n");
}

TEST(GatesTest, ShowSaysWhatOpensIt) {
  stub_node node;
  node.on("GET /gates/deploy", {200, deploy});
  node.on("GET /gates/calm", {200, R"({"name":"calm","kind":"health","open":true,"description":"d",
    "condition":{"metric":"cpu_percent","above":9.0E1,"margin":5E0,"for":30},"windows":[],"time_zone":"UTC"})"});
  node.on("GET /gates/night", {200, R"({"name":"night","kind":"window","open":true,"condition":null,
    "windows":[{"days":["mon","tue"],"from":"22:00","to":"06:00"}],"time_zone":"Europe/Berlin"})"});
  EXPECT_EQ(run_command({"gates", "show", "deploy", "--url", node.url()}).out,
            "gate    deploy\nkind    manual\nstate   closed\nsince   2026-11-22 05:06:16\nby      ann\n"
            "reason  bad \\x1b[2J\n");
  EXPECT_THAT(run_command({"gates", "show", "calm", "--url", node.url()}).out,
              HasSubstr("closes while  cpu_percent is at or above 90 for 30.0 s; opens again below 85\n"));
  EXPECT_THAT(run_command({"gates", "show", "night", "--url", node.url()}).out,
              HasSubstr("open in    mon,tue 22:00-06:00\ntime zone  Europe/Berlin\n"));
}

TEST(GatesTest, HistoryIsATable) {
  stub_node node;
  node.on("GET /gates/deploy", {200, deploy});
  EXPECT_EQ(run_command({"gates", "history", "deploy", "--url", node.url()}).out,
            "TIME                 STATE   BY   REASON\n"
            "2026-11-22 05:06:16  closed  ann  bad\n"
            "2026-11-21 05:06:16  open\n");
  EXPECT_THAT(run_command({"gates", "history", "deploy", "--json", "--url", node.url()}).out,
              HasSubstr(R"([{"time":"2026-11-22T05:06:16.000000Z","open":false)"));
}

TEST(GatesTest, SwitchesNameWhoAndWhy) {
  EXPECT_EQ(put_by({"gates", "open", "g", "--reason", "release"}),
            boost::json::parse(R"({"by":"ann","reason":"release","open":true})"));
  EXPECT_EQ(put_by({"gates", "close", "g", "--reason", "release"}),
            boost::json::parse(R"({"by":"ann","reason":"release","open":false})"));
}

TEST(GatesTest, SetDefinesEachKind) {
  EXPECT_EQ(put_by({"gates", "set", "g", "--kind", "manual", "--closed", "--reason", "r"}),
            boost::json::parse(R"({"by":"ann","reason":"r","kind":"manual","open":false})"));
  EXPECT_EQ(put_by({"gates", "set", "g", "--kind", "health", "--metric", "queue_depth", "--below", "-1.5", "--margin",
                    "5", "--for", "30s", "--description", "d"}),
            boost::json::parse(R"({"by":"ann","kind":"health","description":"d",
    "condition":{"metric":"queue_depth","below":-1.5,"margin":5E0,"for":3E1}})"));
  EXPECT_EQ(put_by({"gates", "set", "g", "--kind", "window", "--window", "mon-fri 08:00-18:00", "--window",
                    "10:00-12:00", "--time-zone", "Europe/Berlin"}),
            boost::json::parse(R"({"by":"ann","kind":"window","time_zone":"Europe/Berlin",
    "windows":[{"days":"mon-fri","from":"08:00","to":"18:00"},{"from":"10:00","to":"12:00"}]})"));
}

TEST(GatesTest, DeleteSaysWhatFollows) {
  stub_node node;
  node.on("DELETE /gates/a%2Fb", {200, deploy});
  EXPECT_EQ(run_command({"gates", "delete", "a/b", "--url", node.url()}).out, "a/b  deleted: it counts as open\n");
}

TEST(GatesTest, AGateMayHaveTheNameOfACommand) {
  stub_node node;
  node.on("GET /gates/list", {200, deploy});
  EXPECT_EQ(run_command({"gates", "show", "list", "--url", node.url()}).code, 0);
}

} // namespace overwatch::cli
