#include "runtime/cli/rest_client.hpp"

#include "tests/cli/command_run.hpp"
#include "tests/cli/stub_node.hpp"
#include "tests/support/process/reserved_port.hpp"

#include <cstdlib>
#include <gmock/gmock.h>

namespace overwatch::cli {

using testing::HasSubstr;

TEST(RestClientTest, NoNodeSaysTheWayOut) {
  const support::reserved_port unused;
  const auto url = "http://127.0.0.1:" + unused.text();
  const auto run = run_command({"status", "--url", url});
  EXPECT_EQ(run.code, 3);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err, "overwatch: no node answers at " + url +
                       ": start one with `overwatch start`, or name another with --url\n");
}

TEST(RestClientTest, ASilentNodeIsATimeout) {
  stub_node node;
  node.on("GET /status", {200, "", "", true});
  const auto run = run_command({"--timeout", "0.2", "--url", node.url(), "status"});
  EXPECT_EQ(run.code, 5);
  EXPECT_THAT(run.err, HasSubstr("did not answer in time"));
}

TEST(RestClientTest, RefusalsNameTheFields) {
  stub_node node;
  node.on("POST /tasks", {422, R"({"error":{"code":"invalid","message":"2 fields are wrong","errors":[
    {"field":"/name","message":"expected 1 to 256 bytes, got \u001b[2J"},{"field":"/zz","message":"unknown field"}]},
    "detail":[]})"});
  const auto run = run_command({"create-task", "x", "--url", node.url()});
  EXPECT_EQ(run.code, 4);
  EXPECT_EQ(run.err, "overwatch: the node refused: 2 fields are wrong\n"
                     "  /name: expected 1 to 256 bytes, got \\x1b[2J\n  /zz: unknown field\n");
}

TEST(RestClientTest, AnOverloadSaysWhenToTryAgain) {
  stub_node node;
  node.on("POST /tasks",
          {503, R"({"error":{"code":"unavailable","message":"the node is stopping"}})", "Retry-After: 2\r\n"});
  const auto run = run_command({"create-task", "x", "--url", node.url()});
  EXPECT_EQ(run.code, 5);
  EXPECT_EQ(run.err, "overwatch: the node failed: the node is stopping\n  try again in 2 s\n");
}

TEST(RestClientTest, AnotherServerIsNoNode) {
  stub_node node;
  node.on("GET /status", {200, "<html>"});
  node.on("GET /stats", {404, "<html>"});
  EXPECT_EQ(run_command({"status", "--url", node.url()}).code, 5);
  const auto run = run_command({"stats", "--url", node.url()});
  EXPECT_EQ(run.code, 4);
  EXPECT_THAT(run.err, HasSubstr("it answered 404 without a reason"));
}

TEST(RestClientTest, OneFaultIsToldOnce) {
  stub_node node;
  node.on("GET /status", {422, R"({"error":{"code":"invalid","message":"/to: no time of day","errors":[
    {"field":"/to","message":"no time of day"}]}})"});
  EXPECT_EQ(run_command({"status", "--url", node.url()}).err, "overwatch: the node refused: /to: no time of day\n");
}

TEST(RestClientTest, RedirectsAreNotFollowed) {
  stub_node elsewhere;
  stub_node node;
  node.on("GET /status", {302, "", "Location: " + elsewhere.url() + "/api/overwatch/status\r\n"});
  EXPECT_EQ(run_command({"status", "--url", node.url()}).code, 5);
  EXPECT_TRUE(elsewhere.requests().empty());
}

TEST(RestClientTest, NoProxyBetweenTwoEndsOfOneMachine) {
  stub_node proxy;
  stub_node node;
  node.on("GET /health/ready", {200, "{}"});
  setenv("http_proxy", proxy.url().c_str(), 1);
  const auto reply = rest_client{node.url(), milliseconds{2000}}.send("GET", "/health/ready");
  unsetenv("http_proxy");
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(proxy.requests().empty());
}

TEST(RestClientTest, UrlsMayBeShort) {
  stub_node node;
  node.on("GET /health/ready", {200, "{}"});
  EXPECT_EQ((rest_client{"127.0.0.1:" + std::to_string(node.port()) + "/", milliseconds{2000}}
               .send("GET", "/health/ready")
               .status),
            200);
}

TEST(RestClientTest, WhatIsNoUrlIsAUsageError) {
  for (const auto* url : {"http://", "ftp://127.0.0.1:1", "http://a b"}) {
    const auto run = run_command({"status", "--url", url});
    EXPECT_EQ(run.code, 2) << url;
    EXPECT_THAT(run.err, HasSubstr("is no URL of a node"));
  }
}

TEST(RestClientTest, HeadersHaveLowerCaseNames) {
  stub_node node;
  node.on("GET /tasks", {200, "[]", "Overwatch-Next-Cursor:  abc \r\n"});
  const auto reply = rest_client{node.url(), milliseconds{2000}}.send("GET", "/tasks");
  EXPECT_EQ(reply.headers.at("overwatch-next-cursor"), "abc");
}

} // namespace overwatch::cli
