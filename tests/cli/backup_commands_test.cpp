#include "tests/cli/command_run.hpp"
#include "tests/cli/stub_node.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

#include <filesystem>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

struct backed_up {
  command_run run;
  boost::json::value asked;
};

backed_up back_up(std::vector<std::string> arguments, const std::string& status, const std::string& result) {
  stub_node node;
  const auto ended = R"({"id":"b1","status":")" + status + R"(","task_type":"data_backup","result":)" + result + "}";
  node.on("POST /tasks", {200, R"({"id":"b1","status":"queued"})"});
  node.on("GET /tasks/b1?wait=1", {200, ended});
  node.on("GET /tasks/b1?wait=30", {200, ended});
  node.on("GET /tasks/b1/logs?after=0", {200, R"({"entries":[]})"});
  arguments.insert(arguments.end(), {"--url", node.url()});
  auto run = run_command(arguments);
  return {run, boost::json::parse(node.last("POST /tasks").body)};
}

std::string payload_of(const boost::json::value& task) { return boost::json::serialize(task.at("payload")); }

} // namespace

TEST(BackupCommandTest, InAClusterItMayHaveToBeThatNode) {
  auto [run, asked] = back_up({"backup", "create", "--node", "--on", "c"}, "completed", R"({"summary":"done"})");
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(boost::json::serialize(asked.at("placement")), R"({"node":"c"})");
  EXPECT_EQ(payload_of(asked), R"({"action":"create","source":"node"})");
}

TEST(BackupCommandTest, CreateNamesWhatToTakeAndShowsWhatCameOfIt) {
  const auto here = std::filesystem::current_path().string();
  auto [run, asked] = back_up({"backup", "create", "--source", "site", "--exclude", "*.tmp", "--destination", "/mnt/b",
                               "--keep-daily", "7", "--level", "9", "--no-sqlite"},
                              "completed",
                              R"({"action":"create","summary":"3 files","destination":"/mnt/b","backup":"20261122",
      "files":3,"bytes":2097152,"stored_bytes":1048576,
      "problems":{"total":2,"report":"/mnt/b/reports/x","first":[
        {"kind":"unreadable","path":"/srv/\u001b[2J","reason":"Permission denied"}]}})");
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(asked.at("task_type").as_string(), "data_backup");
  EXPECT_EQ(payload_of(asked), R"({"action":"create","destination":"/mnt/b","sources":[")" + here
                                 + R"(/site"],"exclude":["*.tmp"],"level":9,"keep":{"daily":7},"sqlite":false})");
  EXPECT_THAT(run.out, HasSubstr("3 files\n"));
  EXPECT_THAT(run.out, HasSubstr("1.0 MiB\n"));
  EXPECT_THAT(run.out, HasSubstr("unreadable  /srv/\\x1b[2J  Permission denied\n"));
  EXPECT_THAT(run.out, HasSubstr("and 1 more; all of them: /mnt/b/reports/x\n"));
}

TEST(BackupCommandTest, ListIsATable) {
  auto [run, asked] = back_up({"backup", "list"}, "completed",
                              R"({"action":"list","summary":"1 backup","backups":[{"backup":"20261122","host":"van",
      "started":"2026-11-22T03:00:00Z","duration_s":2.5,"files":3,"bytes":2097152,"stored_bytes":1048576,
      "sources":["/etc"],"unreadable":4}]})");
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(payload_of(asked), R"({"action":"list"})");
  EXPECT_THAT(run.out, HasSubstr("van: /etc"));
  EXPECT_THAT(run.out, HasSubstr("4 unreadable"));
}

TEST(BackupCommandTest, DamageIsAnExitCode) {
  auto run = back_up({"backup", "verify"}, "failed",
                     R"({"action":"verify","summary":"1 chunk is damaged","whole":false,"damaged_chunks":1})")
               .run;
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.out, HasSubstr("1 chunk is damaged\n"));
}

TEST(BackupCommandTest, RestoreAsksForOverwritingByName) {
  auto asked = back_up({"backup", "restore", "20261122", "--target", "/tmp/look", "--path", "/etc/*", "--detach"},
                       "completed", "null")
                 .asked;
  EXPECT_EQ(payload_of(asked),
            R"({"action":"restore","backup":"20261122","target":"/tmp/look","paths":["/etc/*"]})");
  asked = back_up({"backup", "restore", "--target", "/", "--overwrite", "--detach"}, "completed", "null").asked;
  EXPECT_EQ(payload_of(asked), R"({"action":"restore","target":"/","overwrite":true})");
}

} // namespace overwatch::cli
