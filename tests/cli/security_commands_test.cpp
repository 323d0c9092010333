#include "tests/cli/command_run.hpp"
#include "tests/cli/stub_node.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

#include <chrono>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

namespace json = boost::json;

std::string task_with(const std::string& counts) {
  return R"({"id":"t1","status":"completed","task_type":"security_scan","result":{"score":80,"counts":)" + counts +
         R"(,"findings":[
        {"id":"world-writable-file:/etc/a\u001b[2J","severity":"high","check":"files","what":"Everybody may change it",
         "where":"/etc/a","detail":"mode 0666","why":"anybody can","mend":"chmod o-w FILE","new":true},
        {"id":"listening:tcp 0.0.0.0:22","severity":"info","check":"sockets","what":"A program can be reached",
         "where":"x","why":"w","mend":"m","new":false}],
      "findings_left_out":3,"suppressed":[{"id":"unowned-file:/srv","reason":"moving","by":"ann"}],
      "difference":{"compared_with":"t0 of yesterday","new":1,"gone":2,"same":1},
      "not_looked_at":[{"what":"/etc/shadow","why":"Permission denied"}],
      "looked_at":{"files":1234,"directories":5,"hashed_bytes":2048,"seconds":{"files":1.5,"sshd":0.5}},
      "report":"/data/report.json"}})";
}

const std::string one_high = task_with(R"({"high":1,"medium":0,"low":0,"info":1,"suppressed":1})");

command_run scan(stub_node& node, const std::string& task, std::vector<std::string> arguments = {}) {
  node.on("POST /tasks", {200, R"({"id":"t1","status":"queued"})"});
  node.on("GET /tasks/t1?wait=1", {200, task});
  node.on("GET /tasks/t1/logs?after=0", {200, R"({"entries":[]})"});
  arguments.insert(arguments.begin(), {"--url", node.url(), "security", "scan"});
  return run_command(arguments);
}

std::string key_with(const std::string& value, int version) {
  return json::serialize(json::object{{"key", "security/suppressions"}, {"value", value}, {"version", version}});
}

} // namespace

TEST(SecurityTest, AScanShowsWhatItFoundAndHowToMendIt) {
  stub_node node;
  const auto run = scan(node, one_high);
  EXPECT_EQ(run.code, 1) << run.err;
  EXPECT_THAT(run.out, HasSubstr("score           80 of 100\n"));
  EXPECT_THAT(run.out, HasSubstr("1 high, 0 medium, 0 low, 1 info; 1 suppressed\n"));
  EXPECT_THAT(run.out, HasSubstr("1 new, 2 gone, 1 as before (task t0 of yesterday)\n"));
  EXPECT_THAT(run.out, HasSubstr("1,234 files in 5 directories, 2.0 KiB compared, in 2.00 s\n"));
  EXPECT_THAT(
    run.out,
    HasSubstr("high      world-writable-file:/etc/a\\x1b[2J  Everybody may change it (new)  mode 0666\n"));
  EXPECT_THAT(run.out, HasSubstr("3 more are in the report\n"));
  EXPECT_THAT(run.out, HasSubstr("world-writable-file  chmod o-w FILE -- anybody can\n"));
  EXPECT_THAT(run.out, HasSubstr("unowned-file:/srv  moving\n"));
  EXPECT_THAT(run.out, HasSubstr("/etc/shadow  Permission denied\n"));
}

TEST(SecurityTest, TheExitCodeFollowsTheSeverityThatWasAskedFor) {
  const auto code_of = [](const std::string& task, const std::vector<std::string>& arguments) {
    stub_node node;
    return scan(node, task, arguments).code;
  };
  const auto low = task_with(R"({"high":0,"medium":0,"low":2,"info":0,"suppressed":0})");
  EXPECT_EQ(code_of(low, {}), 0);
  EXPECT_EQ(code_of(low, {"--fail-on", "low"}), 1);
  EXPECT_EQ(code_of(low, {"--fail-on", "medium"}), 0);
  EXPECT_EQ(code_of(one_high, {"--fail-on", "never"}), 0);
  EXPECT_EQ(code_of(R"({"id":"t1","status":"failed"})", {"--fail-on", "never"}), 1);
  EXPECT_EQ(code_of(low, {"--fail-on", "often"}), 2);
}

TEST(SecurityTest, OptionsBecomeThePayload) {
  stub_node node;
  scan(node, one_high,
       {"--check", "files", "--check", "sshd", "--path", "/srv", "--exclude", "*/tmp", "--root", "/mnt",
        "--cross-file-systems"});
  EXPECT_EQ(
    json::parse(node.last("POST /tasks").body).at("payload"),
    json::parse(
      R"({"checks":["files","sshd"],"paths":["/srv"],"exclude":["*/tmp"],"root":"/mnt","cross_file_systems":true})"));
}

TEST(SecurityTest, BaselineUpdateAcceptsTrees) {
  stub_node node;
  scan(node, one_high);
  node.on("POST /tasks", {200, R"({"id":"t1","status":"queued"})"});
  const auto run = run_command({"--url", node.url(), "security", "baseline", "update", "/etc", "--detach"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out, "task t1\n");
  EXPECT_EQ(json::parse(node.last("POST /tasks").body).at("payload"),
            json::parse(R"({"checks":["baseline"],"baseline":["/etc"],"update_baseline":true})"));
}

TEST(SecurityTest, AloneItShowsTheNewestScan) {
  const char* newest = "GET /tasks?task_type=security_scan&status=completed&limit=1";
  stub_node fresh;
  fresh.on(newest, {200, R"({"tasks":[]})"});
  EXPECT_THAT(run_command({"security", "--url", fresh.url()}).out, HasSubstr("there was no scan yet"));
  stub_node node;
  node.on(newest, {200, R"({"tasks":[{"id":"t1"}]})"});
  node.on("GET /tasks/t1", {200, one_high});
  EXPECT_THAT(run_command({"security", "--url", node.url()}).out, HasSubstr("80 of 100"));
}

TEST(SecurityTest, SuppressionsAreChangedWithoutLosingOthers) {
  stub_node node;
  node.on("GET /keys/security%2Fsuppressions", {200, key_with(R"({"a":{"reason":"old","until":null}})", 7)});
  node.on("GET /keys/security%2Fsuppressions", {200, key_with(R"({"b":{"reason":"new","until":null}})", 8)});
  node.on("PUT /keys/security%2Fsuppressions?version=7",
          {409, R"({"error":{"code":"conflict","message":"another version"}})"});
  node.on("PUT /keys/security%2Fsuppressions?version=8", {200, key_with("", 9)});
  const auto run =
    run_command({"--url", node.url(), "security", "suppress", "c", "--reason", "why", "--by", "ann", "--for", "1h"});
  EXPECT_EQ(run.code, 0) << run.err;
  const auto sent = json::parse(node.last("PUT ").body).as_object();
  EXPECT_TRUE(sent.contains("b"));
  EXPECT_EQ(sent.at("c").at("reason"), "why");
  EXPECT_EQ(sent.at("c").at("by"), "ann");
  EXPECT_GT(sent.at("c").at("until").as_int64(), 1'700'000'000);
}

TEST(SecurityTest, SuppressionsAreListedWithTheirEnd) {
  stub_node node;
  EXPECT_EQ(run_command({"--url", node.url(), "security", "suppressions"}).out, "nothing is suppressed\n");
  node.on("GET /keys/security%2Fsuppressions",
          {200, key_with(R"({"a":{"reason":"r","by":"ann","until":null},"b":{"reason":"s","until":1000000000}})", 7)});
  const auto run = run_command({"--url", node.url(), "security", "suppressions"});
  EXPECT_THAT(run.out, HasSubstr("a        for ever"));
  EXPECT_THAT(run.out, HasSubstr("b        2001-09-09 01:46:40 (expired: it counts again)"));
}

TEST(SecurityTest, UnsuppressSaysWhenThereWasNothing) {
  stub_node node;
  node.on("GET /keys/security%2Fsuppressions", {200, key_with(R"({"a":{"reason":"r","until":null}})", 7)});
  node.on("PUT /keys/security%2Fsuppressions?version=7", {200, key_with("", 8)});
  EXPECT_EQ(run_command({"--url", node.url(), "security", "unsuppress", "a"}).out, "a  counts again\n");
  const auto run = run_command({"--url", node.url(), "security", "unsuppress", "z"});
  EXPECT_EQ(run.code, 4);
  EXPECT_THAT(run.err, HasSubstr("nothing suppresses z"));
  EXPECT_THAT(run_command({"--url", node.url(), "security", "suppress", "z"}).code, 2) << "a reason is needed";
}

} // namespace overwatch::cli
