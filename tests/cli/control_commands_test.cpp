#include "tests/cli/command_run.hpp"
#include "tests/cli/stub_node.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <pwd.h>
#include <unistd.h>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

boost::json::value body_of(const stub_node& node, const std::string& request) {
  return boost::json::parse(node.last(request).body);
}

} // namespace

TEST(ApproveTest, SaysWhoAndWhy) {
  stub_node node;
  node.on("POST /tasks/t1/approve",
          {200, R"({"id":"t1","status":"pending","waits_for":"gate:calm","approvals":[{"gate":"four-eyes"}]})"});
  const auto run =
    run_command({"approve", "t1", "--gate", "four-eyes", "--reason", "seen", "--by", "ann", "--url", node.url()});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out, "t1  approved for gate four-eyes, pending, waits for gate:calm\n");
  EXPECT_EQ(body_of(node, "POST /tasks/t1/approve"),
            boost::json::parse(R"({"by":"ann","reason":"seen","gate":"four-eyes"})"));
}

TEST(ApproveTest, WhoeverRunsTheProgramApproves) {
  const auto* user = getpwuid(geteuid());
  stub_node node;
  node.on("POST /tasks/t1/approve", {200, R"({"status":"queued","approvals":[{"gate":"g"}]})"});
  EXPECT_EQ(run_command({"approve", "t1", "--reason", "seen", "--url", node.url()}).out,
            "t1  approved for gate g, queued\n");
  EXPECT_EQ(body_of(node, "POST /tasks/t1/approve").at("by").as_string(),
            user != nullptr ? std::string{user->pw_name} : "user " + std::to_string(geteuid()));
  EXPECT_FALSE(body_of(node, "POST /tasks/t1/approve").as_object().contains("gate"));
}

TEST(RollbackTest, EndsWithWhatBecameOfIt) {
  stub_node node;
  node.on("POST /tasks/t1/rollback", {200, R"({"rollback":"done","rollback_message":null})"});
  node.on("POST /tasks/t2/rollback", {200, R"({"rollback":"failed","rollback_message":"disk full"})"});
  node.on("POST /tasks/t3/rollback", {409, R"({"error":{"code":"conflict","message":"it is running"}})"});
  const auto done = run_command({"rollback", "t1", "--by", "ann", "--url", node.url()});
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(done.out, "t1  rolled back\n");
  EXPECT_EQ(body_of(node, "POST /tasks/t1/rollback"), boost::json::parse(R"({"by":"ann"})"));
  const auto failed = run_command({"rollback", "t2", "--reason", "wrong", "--url", node.url()});
  EXPECT_EQ(failed.code, 1);
  EXPECT_EQ(failed.out, "t2  could not be rolled back: disk full\n");
  EXPECT_EQ(run_command({"rollback", "t3", "--url", node.url()}).code, 4);
  EXPECT_EQ(run_command({"rollback", "t2", "--json", "--url", node.url()}).code, 1);
}

TEST(SnapshotTest, PrintsWhatWasCaptured) {
  stub_node node;
  node.on("GET /tasks/t1/snapshot", {200, R"({"id":"t1","attempt":2,"stored":true,
    "kept_until":"2026-11-23T05:06:16.000000Z","entries":2,"bytes":1536,
    "files":[{"path":"/srv/a","kind":"file","bytes":1536,"mode":"0640"},
             {"path":"/srv/b","kind":"absent","bytes":0,"mode":"0000"}],
    "keys":[{"key":"app/mode","version":17,"bytes":4}],"truncated":true,"handler_state":true})"});
  const auto run = run_command({"snapshot", "t1", "--url", node.url()});
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.out, "task        t1\nattempt     2\nkept        yes\nkept until  2026-11-23 05:06:16\n"
                     "files       2, 1.5 KiB\nkeys        1\nhandler     its own hook captured something\n"
                     "PATH    KIND       SIZE  MODE\n"
                     "/srv/a  file    1.5 KiB  0640\n"
                     "/srv/b  absent\n"
                     "KEY       VERSION  SIZE\n"
                     "app/mode       17   4 B\n");
  EXPECT_THAT(run.err, HasSubstr("not complete"));
}

TEST(PatchTest, SendsOnlyWhatChanges) {
  stub_node node;
  node.on("PATCH /tasks/t1", {200, R"({"id":"t1","status":"queued","priority":"high","tags":["a","b"],
    "scheduled_at":"2026-11-23T05:06:16.000000Z","deadline":null})"});
  const auto run = run_command({"patch", "t1", "--priority", "1", "--tag", "a", "--tag", "b", "--url", node.url()});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out, "id         t1\nstatus     queued\npriority   high\nscheduled  2026-11-23 05:06:16\n"
                     "deadline   none\ntags       a, b\n");
  EXPECT_EQ(body_of(node, "PATCH /tasks/t1"), boost::json::parse(R"({"priority":"high","tags":["a","b"]})"));
}

TEST(PatchTest, WordsClearTimes) {
  stub_node node;
  node.on("PATCH /tasks/t1", {200, R"({"id":"t1"})"});
  run_command({"patch", "t1", "--at", "now", "--deadline", "none", "--no-tags", "--url", node.url()});
  EXPECT_EQ(body_of(node, "PATCH /tasks/t1"), boost::json::parse(R"({"scheduled_at":null,"deadline":null,"tags":[]})"));
  run_command({"patch", "t1", "--at", "2027-01-01T00:00:00Z", "--deadline", "+1h", "--url", node.url()});
  const auto sent = body_of(node, "PATCH /tasks/t1");
  EXPECT_EQ(sent.at("scheduled_at").as_string(), "2027-01-01T00:00:00Z");
  EXPECT_EQ(sent.at("deadline").as_string().size(), 27u);
}

} // namespace overwatch::cli
