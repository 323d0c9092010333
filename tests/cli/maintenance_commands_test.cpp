#include "tests/cli/command_run.hpp"
#include "tests/cli/stub_node.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

const std::string ended = R"({"id":"m1","status":"completed","task_type":"maintenance","result":{"dry_run":false,
  "freed_bytes":1048576,"removed":3,"report":"/data/node.maintenance/m1.jsonl","report_lines":4,"actions":[
  {"action":"cleanup","status":"done","removed":3,"freed_bytes":1048576,"left_count":2,
   "left":[{"what":"/srv/\u001b[2J and 1 more","why":"a symbolic link"}],"details":{"rules":[{"rule":"uploads"}]}},
  {"action":"compact","status":"done","removed":0,"freed_bytes":0,"left_count":0,"left":[],
   "details":{"before_bytes":2097152,"after_bytes":1048576}},
  {"action":"trim","status":"skipped","removed":0,"freed_bytes":0,"left_count":1,
   "left":[{"what":"file systems","why":"fstrim needs root"}],"details":{}}]}})";

struct maintained {
  command_run run;
  boost::json::value asked;
};

maintained maintain(std::vector<std::string> arguments) {
  stub_node node;
  node.on("POST /tasks", {200, R"({"id":"m1","status":"queued"})"});
  node.on("GET /tasks/m1?wait=1", {200, ended});
  node.on("GET /tasks/m1/logs?after=0", {200, R"({"entries":[]})"});
  arguments.insert(arguments.end(), {"--url", node.url()});
  auto run = run_command(arguments);
  return {run, boost::json::parse(node.last("POST /tasks").body)};
}

} // namespace

TEST(MaintenanceCommandTest, SubmitsFollowsAndShowsATable) {
  auto [run, asked] = maintain({"maintenance", "run"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(asked.at("task_type").as_string(), "maintenance");
  EXPECT_TRUE(asked.at("payload").as_object().empty());
  EXPECT_THAT(run.out, HasSubstr("ACTION   STATUS   REMOVED    FREED  LEFT  REMARK\n"
                                 "cleanup  done           3  1.0 MiB     2  1 rule\n"
                                 "compact  done           0      0 B     0  store 2.0 MiB, now 1.0 MiB\n"
                                 "trim     skipped        0      0 B     1\n"));
  EXPECT_THAT(run.out, HasSubstr("cleanup  /srv/\\x1b[2J and 1 more  a symbolic link\n"));
  EXPECT_THAT(run.out, HasSubstr("all of it: /data/node.maintenance/m1.jsonl (4 lines)\n"));
}

TEST(MaintenanceCommandTest, NamesTheActionsThatWereAskedFor) {
  auto asked =
    maintain({"maintenance", "run", "--dry-run", "--action", "cleanup", "--action", "updates", "--detach"}).asked;
  EXPECT_EQ(boost::json::serialize(asked.at("payload")), R"({"dry_run":true,"actions":["cleanup","updates"]})");
}

TEST(MaintenanceCommandTest, RefusesAnActionThatThereIsNot) {
  auto run = run_command({"maintenance", "run", "--action", "polish"});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("polish"));
}

} // namespace overwatch::cli
