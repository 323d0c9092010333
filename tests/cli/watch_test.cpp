#include "runtime/cli/watch_view.hpp"

#include "runtime/cli/text.hpp"
#include "tests/cli/command_run.hpp"
#include "tests/cli/stub_node.hpp"
#include "tests/support/process/reserved_port.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <sstream>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

const std::string status = R"({"running":true,"uptime":3900.0,"node":{"name":"n1"}})";

watch_sample sample_at(const char* time, const std::string& stats) {
  watch_sample result;
  result.time = *parse_api_time(time);
  result.status = boost::json::parse(status);
  result.stats = boost::json::parse(stats);
  result.running =
    boost::json::parse(R"([{"task_type":"resize","name":"evil \u001b[2J","started_at":"2026-11-22T05:06:00Z",
    "progress":{"percent":50.0,"message":"half"}}])");
  result.ended = boost::json::parse(R"([{"status":"failed","task_type":"noop","name":"n","execution_time":0.5,
    "error_message":"boom"}])");
  return result;
}

watch_sample before() {
  return sample_at("2026-11-22T05:06:10Z", R"({"queue_size":5,"total_completed":100,"total_submitted":110})");
}

watch_sample after() {
  return sample_at(
    "2026-11-22T05:06:12Z",
    R"({"queue_size":3,"currently_running":1,"total_completed":400,"total_failed":1,"total_submitted":111})");
}

std::vector<std::string> screen(size_t width, size_t rows) {
  std::istringstream in;
  std::ostringstream out;
  const console plain{in, out, out, true, false, width};
  return watch_screen(plain, rows, after(), before());
}

} // namespace

TEST(WatchTest, BarsShowTheShare) {
  EXPECT_EQ(progress_bar(0, 12), "[----------]");
  EXPECT_EQ(progress_bar(50, 12), "[#####-----]");
  EXPECT_EQ(progress_bar(250, 12), "[##########]");
  EXPECT_EQ(progress_bar(-1, 4), "[--]");
}

TEST(WatchTest, ALineHasCountersAndRates) {
  EXPECT_EQ(watch_line(after(), before()),
            "05:06:12  dispatching  queued 3  running 1  completed 400 (150/s)  failed 1 "
            "(0.5/s)  submitted 0.5/s");
}

TEST(WatchTest, CountersOfAnotherNodeGiveNoRate) {
  EXPECT_THAT(watch_line(before(), after()), HasSubstr("completed 100 (0.0/s)"));
}

TEST(WatchTest, TheScreenShowsWhatRunsAndWhatEnded) {
  const auto lines = screen(120, 20);
  ASSERT_EQ(lines.size(), 8u);
  EXPECT_EQ(lines[0], "overwatch n1  dispatching  up 1h 05m  05:06:12 UTC  Ctrl-C ends");
  EXPECT_EQ(lines[3], "running");
  EXPECT_EQ(lines[4], "resize              [##########----------]  50 %    12.0 s  evil \\x1b[2J: half");
  EXPECT_EQ(lines[7], "failed      noop                  500 ms  n: boom");
}

TEST(WatchTest, TheScreenFitsTheTerminal) {
  for (const size_t width : {20, 40, 80})
    for (const size_t rows : {1, 3, 6, 7, 24}) {
      const auto lines = screen(width, rows);
      EXPECT_LE(lines.size(), rows);
      for (const auto& line : lines)
        EXPECT_LE(display_width(line), width) << line;
    }
}

TEST(WatchTest, AProblemTakesThePlaceOfTheCounters) {
  auto broken = after();
  broken.problem = "no node answers";
  std::istringstream in;
  std::ostringstream out;
  EXPECT_EQ(watch_screen({in, out, out, true, false, 80}, 20, broken, before())[1], "no node answers");
}

TEST(WatchTest, WithoutATerminalItPrintsLines) {
  stub_node node;
  node.on("GET /status", {200, status});
  node.on("GET /stats", {200, R"({"queue_size":3})"});
  node.on("GET /tasks?status=running&limit=50", {200, "[]"});
  node.on("GET /tasks?status=completed,failed,cancelled&limit=50", {200, "[]"});
  const auto run = run_command({"watch", "--interval", "200ms", "--count", "2", "--url", node.url()});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 2);
  EXPECT_THAT(run.out, HasSubstr("queued 3"));
}

TEST(WatchTest, TheTerminalIsPutBack) {
  stub_node node;
  node.on("GET /status", {200, status});
  node.on("GET /stats", {200, "{}"});
  node.on("GET /tasks?status=running&limit=50", {200, "[]"});
  node.on("GET /tasks?status=completed,failed,cancelled&limit=50", {200, "[]"});
  run_options options;
  options.terminal = true;
  const auto run = run_command({"watch", "--count", "1", "--url", node.url()}, options);
  EXPECT_EQ(run.out.rfind("\x1b[?1049h\x1b[?25l", 0), 0u);
  const std::string leave = "\x1b[?25h\x1b[?1049l";
  EXPECT_EQ(run.out.substr(run.out.size() - leave.size()), leave);
}

TEST(WatchTest, ANodeThatIsNotThereEndsIt) {
  const support::reserved_port unused;
  EXPECT_EQ(run_command({"watch", "--url", "127.0.0.1:" + unused.text()}).code, 3);
}

} // namespace overwatch::cli
