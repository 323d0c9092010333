#include "tests/cli/command_run.hpp"
#include "tests/cli/stub_node.hpp"
#include "tests/support/process/reserved_port.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

constexpr int checks = 11;

// A node that does everything right: three tasks are made, the third request is for the same key again.
void answer_well(stub_node& node) {
  node.on("GET /health/live", {200, "{}"});
  node.on("GET /health/ready", {200, "{}"});
  node.on("GET /status", {200, R"({"running":true})"});
  for (const auto* id : {"t1", "t2", "t3", "t3"})
    node.on("POST /tasks", {200, std::string{R"({"id":")"} + id + R"("})"});
  node.on("POST /tasks", {422, R"({"error":{"message":"priority: expected one of ..."}})"});
  for (const std::string id : {"t1", "t2"}) {
    node.on("GET /tasks/" + id + "?wait=30", {200, R"({"status":"completed","result":{"verdict":"good"}})"});
    node.on("GET /tasks/" + id + "/logs", {200, R"({"entries":[]})"});
  }
  node.on("GET /tasks/t3/why", {200, R"({"kind":"time","sentence":"It waits for its time."})"});
  node.on("POST /tasks/t3/cancel", {200, R"({"status":"cancelled"})"});
  for (const auto* id : {"t1", "t2", "t3"})
    node.on(std::string{"DELETE /tasks/"} + id, {200, "{}"});
}

} // namespace

TEST(SelfTestTest, AGoodNodePasses) {
  stub_node node;
  answer_well(node);
  const auto run = run_command({"test", "--url", node.url()});
  EXPECT_EQ(run.code, 0) << run.out << run.err;
  EXPECT_THAT(run.out, HasSubstr("all " + std::to_string(checks) + " checks passed"));
  EXPECT_EQ(run.out.find("FAILED"), std::string::npos);
}

TEST(SelfTestTest, JsonHasEachCheck) {
  stub_node node;
  answer_well(node);
  const auto report = boost::json::parse(run_command({"test", "--json", "--url", node.url()}).out);
  EXPECT_TRUE(report.at("passed").as_bool());
  EXPECT_EQ(report.at("checks").as_array().size(), static_cast<size_t>(checks));
}

TEST(SelfTestTest, EachFaultFailsItsCheck) {
  stub_node node;
  node.on("GET /health/live", {200, "{}"});
  node.on("GET /health/ready", {503, "{}"});
  node.on("GET /status", {200, R"({"running":false})"});
  node.on("POST /tasks", {200, R"({"id":"t1"})"});
  node.on("GET /tasks/t1?wait=1", {200, R"({"status":"queued"})"});
  node.on("GET /tasks/t1/why", {200, R"({"kind":"pause","sentence":"Dispatch is stopped."})"});
  node.on("POST /tasks/t1/cancel", {200, R"({"status":"running"})"});
  node.on("DELETE /tasks/t1", {409, R"({"error":{"message":"it has not ended"}})"});
  const auto run = run_command({"test", "--limit", "1ms", "--url", node.url()});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.out, HasSubstr("/health/ready answers 503"));
  EXPECT_THAT(run.out, HasSubstr("`overwatch resume` goes on"));
  EXPECT_THAT(run.out, HasSubstr("it is queued after 1 ms at most: Dispatch is stopped."));
  EXPECT_THAT(run.out, HasSubstr("it names 'pause' instead of time"));
  EXPECT_THAT(run.out, HasSubstr("the answer is 200"));
  EXPECT_THAT(run.out, HasSubstr("the node refused: it has not ended"));
  EXPECT_THAT(run.out, HasSubstr("9 of 11 checks failed"));
}

TEST(SelfTestTest, WithoutANodeThereIsNothingToCheck) {
  const support::reserved_port unused;
  EXPECT_EQ(run_command({"test", "--url", "127.0.0.1:" + unused.text()}).code, 3);
}

} // namespace overwatch::cli
