#include "tests/cli/command_run.hpp"
#include "tests/cli/stub_node.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

const std::string nightly =
  R"({"name":"nightly","description":"","cron":"0 3 * * *","interval":null,
  "time_zone":"Europe/Berlin","missed":"once","overlap":"skip","paused":false,"task":{"name":"n"},
  "created_at":"2026-11-22T05:06:16.000000Z","next":"2026-11-23T02:00:00.000000Z",
  "queued":["2026-11-23T02:00:00.000000Z"],
  "last_task":"t1","history":[
  {"time":"2026-11-22T02:00:00.000000Z","outcome":"submitted","by_hand":true,"task":"t1","count":1,"note":null},
  {"time":"2026-11-21T02:00:00.000000Z","outcome":"missed","by_hand":false,"task":null,"count":3,
   "note":"no node ran"}]})";
const std::string pulse = R"({"name":"pulse","cron":null,"interval":300,"time_zone":"UTC","paused":true,"next":null})";

boost::json::value set_with(std::vector<std::string> arguments, const std::string& input = {}) {
  stub_node node;
  node.on("PUT /schedules/s", {200, nightly});
  arguments.insert(arguments.begin(), {"--url", node.url(), "schedules", "set", "s"});
  run_options options;
  options.input = input;
  const auto run = run_command(arguments, options);
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out, "s  next 2026-11-23 02:00:00\n");
  return boost::json::parse(node.last("PUT ").body);
}

} // namespace

TEST(SchedulesTest, AreListed) {
  stub_node node;
  node.on("GET /schedules", {200, R"({"schedules":[)" + nightly + "," + pulse + "]}"});
  EXPECT_EQ(run_command({"schedules", "--url", node.url()}).out,
            "SCHEDULE  WHEN          TIME ZONE      NEXT (UTC)           LAST TASK\n"
            "nightly   0 3 * * *     Europe/Berlin  2026-11-23 02:00:00  t1\n"
            "pulse     every 5m 00s  UTC            paused\n");
}

TEST(SchedulesTest, ShowHasTheNewestSlots) {
  stub_node node;
  node.on("GET /schedules/nightly", {200, nightly});
  const auto run = run_command({"schedules", "show", "nightly", "--url", node.url()});
  EXPECT_THAT(run.out, HasSubstr("slots that wait  1\n"));
  EXPECT_THAT(run.out, HasSubstr("task             {\"name\":\"n\"}\n\n"
                                 "SLOT                 OUTCOME    TASK  NOTE\n"
                                 "2026-11-22 02:00:00  submitted  t1    by hand\n"
                                 "2026-11-21 02:00:00  missed           3 slots, no node ran\n"));
}

TEST(SchedulesTest, SetSendsScheduleAndTask) {
  EXPECT_EQ(set_with({"--cron",
                      "0 3 * * mon-fri",
                      "--time-zone",
                      "Europe/Berlin",
                      "--missed",
                      "all",
                      "--overlap",
                      "queue",
                      "--starts",
                      "2027-01-01T00:00:00Z",
                      "--ends",
                      "2028-01-01T00:00:00Z",
                      "--description",
                      "d",
                      "--paused",
                      "--type",
                      "noop",
                      "--gate",
                      "g",
                      "--timeout",
                      "5m"}),
            boost::json::parse(R"({"cron":"0 3 * * mon-fri","time_zone":"Europe/Berlin","missed":"all",
    "overlap":"queue","description":"d","starts_at":"2027-01-01T00:00:00Z","ends_at":"2028-01-01T00:00:00Z",
    "paused":true,"task":{"task_type":"noop","required_gates":["g"],"timeout":3E2,"name":"s"}})"));
  EXPECT_EQ(set_with({"--every", "5m", "--task-name", "beat"}),
            boost::json::parse(R"({"interval":3E2,"task":{"name":"beat"}})"));
}

TEST(SchedulesTest, OptionsChangeTheTaskOfAFile) {
  EXPECT_EQ(set_with({"--every", "5m", "--task", "-", "--priority", "low"},
                     R"({"name":"n","priority":"high","payload":{"a":1}})"),
            boost::json::parse(R"({"interval":3E2,"task":{"name":"n","priority":"low","payload":{"a":1}}})"));
}

TEST(SchedulesTest, PauseAndResumeSayWhatFollows) {
  stub_node node;
  node.on("POST /schedules/p/pause", {200, pulse});
  node.on("POST /schedules/p/resume", {200, nightly});
  node.on("DELETE /schedules/p", {200, nightly});
  EXPECT_EQ(run_command({"schedules", "pause", "p", "--url", node.url()}).out, "p  paused\n");
  EXPECT_EQ(run_command({"schedules", "resume", "p", "--url", node.url()}).out, "p  next 2026-11-23 02:00:00\n");
  EXPECT_EQ(run_command({"schedules", "delete", "p", "--url", node.url()}).out, "p  deleted\n");
}

TEST(SchedulesTest, RunNamesTheTask) {
  stub_node node;
  node.on("POST /schedules/n/run", {200, nightly});
  node.on("POST /schedules/r/run", {200, R"({"history":[{"outcome":"refused","task":null,"note":"unknown type"}]})"});
  EXPECT_EQ(run_command({"schedules", "run", "n", "--url", node.url()}).out, "task t1  submitted\n");
  const auto refused = run_command({"schedules", "run", "r", "--url", node.url()});
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(refused.out, "r  refused: unknown type\n");
}

TEST(SchedulesTest, NextListsTimes) {
  stub_node node;
  node.on("GET /schedules/n/next?count=2",
          {200, R"({"name":"n","slots":["2026-11-23T02:00:00.000000Z","2026-11-24T02:00:00.000000Z"]})"});
  node.on("GET /schedules/e/next?count=10", {200, R"({"name":"e","slots":[]})"});
  EXPECT_EQ(run_command({"schedules", "next", "n", "--count", "2", "--url", node.url()}).out,
            "2026-11-23 02:00:00\n2026-11-24 02:00:00\n");
  EXPECT_EQ(run_command({"schedules", "next", "e", "--url", node.url()}).out, "no slot comes: it has ended\n");
}

} // namespace overwatch::cli
