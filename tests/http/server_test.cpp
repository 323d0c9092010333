#include "http/connection.hpp"
#include "tests/http/server_fixture.hpp"

using namespace overwatch;
using testing::HasSubstr;

namespace {

using std::chrono::steady_clock;

class ServerTest : public server_fixture {
protected:
  void SetUp() override {
    options.request_timeout = milliseconds{800};
    options.max_body_bytes = 100'000;
    start();
  }

  http_reply say(const std::string& bytes) {
    raw_client client{server->port()};
    client.send(bytes);
    return client.read();
  }
};

const std::string live = "GET /api/overwatch/health/live HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string post = "POST /api/overwatch/tasks HTTP/1.1\r\nHost: a\r\n";

} // namespace

TEST_F(ServerTest, TakenPortIsNamed) {
  http_options second = options;
  second.port = server->port();
  auto result = http_server::start(system, gateway, second);
  ASSERT_FALSE(result);
  auto error = describe(result.error());
  EXPECT_EQ(error.code, ec::conflict);
  EXPECT_THAT(error.message, HasSubstr("127.0.0.1 port " + std::to_string(server->port())));
}

TEST_F(ServerTest, WrongAddressIsNamed) {
  http_options second = options;
  second.address = "example";
  auto result = http_server::start(system, gateway, second);
  ASSERT_FALSE(result);
  EXPECT_EQ(describe(result.error()).code, ec::invalid);
}

TEST_F(ServerTest, ConnectionStaysForPipelinedRequests) {
  raw_client client{server->port()};
  client.send(live + post + "Content-Length: 12\r\n\r\n{\"name\":\"n\"}" + live);
  EXPECT_EQ(client.read().status, 200);
  EXPECT_THAT(client.read().body, HasSubstr("\"name\":\"n\""));
  auto third = client.read();
  EXPECT_EQ(third.status, 200);
  EXPECT_EQ(third.headers["connection"], "keep-alive");
}

TEST_F(ServerTest, ConnectionEndsWhenTheClientWantsIt) {
  raw_client client{server->port()};
  auto reply = client.request("GET", "/api/overwatch/health/live", {}, "Connection: close\r\n");
  EXPECT_EQ(reply.headers["connection"], "close");
  EXPECT_TRUE(client.ended());
}

TEST_F(ServerTest, MalformedBodiesAreRefusedAndTheConnectionStays) {
  raw_client client{server->port()};
  for (const std::string body : {"{", "\xff", "\xEF\xBB\xBF{}", "{\"name\":NaN}", "nul", "{\"name\":\"\xC3\x28\"}"}) {
    auto reply = client.request("POST", "/api/overwatch/tasks", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(error_code(reply), "malformed");
    EXPECT_THAT(reply.body, HasSubstr("{\"error\""));
  }
  EXPECT_EQ(client.request("POST", "/api/overwatch/tasks", std::string(50'000, '[')).status, 400);
  EXPECT_EQ(client.request("POST", "/api/overwatch/tasks").status, 400);
  EXPECT_EQ(client.request("GET", "/api/overwatch/health/live").status, 200);
}

TEST_F(ServerTest, AmbiguousRequestsAreRefused) {
  for (const std::string head :
       {"Content-Length: 5x\r\n", "Content-Length: -1\r\n", "Content-Length: \r\n",
        "Content-Length: 2\r\nContent-Length: 3\r\n", "Content-Length: 2\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "Host: b\r\n"}) {
    auto reply = say(post + head + "\r\n{}");
    EXPECT_GE(reply.status, 400) << head;
    EXPECT_LT(reply.status, 500) << head;
    EXPECT_EQ(reply.headers["connection"], "close") << head;
    EXPECT_THAT(reply.body, HasSubstr("\"error\"")) << head;
  }
  EXPECT_EQ(say("GET /api/overwatch/health/live HTTP/1.1\r\n\r\n").status, 400);
  EXPECT_EQ(say(post + "Transfer-Encoding: gzip\r\n\r\n").status, 400)
;
  EXPECT_EQ(say(post + "Expect: miracles\r\nContent-Length: 2\r\n\r\n").status, 417);
  std::string many;
  for (int i = 0; i < 70; ++i)
    many += "X-" + std::to_string(i) + ": 1\r\n";
  EXPECT_EQ(say(post + many + "\r\n").status, 431);
}

TEST_F(ServerTest, DamagedHeadsAreAnsweredInJson) {
  for (const std::string head :
       {"NONSENSE\r\n\r\n", "FETCH / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/9.9\r\nHost: a\r\n\r\n"}) {
    auto reply = say(head);
    EXPECT_GE(reply.status, 400) << head;
    EXPECT_EQ(error_code(reply), "malformed") << head;
  }
}

TEST_F(ServerTest, LongBodiesAreRefusedAndTheConnectionEnds) {
  raw_client client{server->port()};
  client.send(post + "Content-Length: 200000\r\n\r\n" + std::string(200'000, ' '));
  auto reply = client.read();
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(error_code(reply), "too_large");
  EXPECT_TRUE(client.ended());
  std::string chunk = "4000\r\n" + std::string(0x4000, ' ') + "\r\n";
  std::string chunks;
  for (int i = 0; i < 8; ++i)
    chunks += chunk;
  EXPECT_EQ(say(post + "Transfer-Encoding: chunked\r\n\r\n" + chunks + "0\r\n\r\n").status, 413);
}

TEST_F(ServerTest, ChunkedBodiesAreRead) {
  EXPECT_EQ(say(post + "Transfer-Encoding: chunked\r\n\r\n7\r\n{\"name\"\r\n5\r\n:\"n\"}\r\n0\r\n\r\n").status, 200);
  EXPECT_EQ(say(post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n").status, 400);
}

TEST_F(ServerTest, ExpectedContinueIsSent) {
  raw_client client{server->port()};
  client.send(post + "Expect: 100-continue\r\nContent-Length: 12\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("{\"name\":\"n\"}");
  EXPECT_EQ(client.read().status, 200);
}

TEST_F(ServerTest, SlowBodiesEndAtADeadline) {
  raw_client stalled{server->port()};
  raw_client dripping{server->port()};
  auto started = steady_clock::now();
  stalled.send(post + "Content-Length: 1000\r\n\r\n{");
  dripping.send(post + "Content-Length: 100000\r\n\r\n");
  std::atomic<bool> answered{false};
  std::thread drip{[&] {
    while (!answered) {
      dripping.send("x");
      std::this_thread::yield();
    }
  }};
  auto slow = dripping.read();
  answered = true;
  drip.join();
  EXPECT_THAT(slow.status, testing::AnyOf(408, 400)); // 400: it came in time after all
  auto reply = stalled.read();
  EXPECT_EQ(reply.status, 408);
  EXPECT_EQ(error_code(reply), "timed_out");
  EXPECT_TRUE(stalled.ended());
  EXPECT_LT(steady_clock::now() - started, std::chrono::seconds{5});
}

TEST_F(ServerTest, BodyThatEndsEarlyDisturbsNobody) {
  { raw_client{server->port()}.send(post + "Content-Length: 1000\r\n\r\n{"); }
  EXPECT_EQ(call("GET", "/health/live").status, 200);
}

TEST_F(ServerTest, SilentRuntimeIsATimeout) {
  {
    std::lock_guard lock{node->mutex};
    node->silent = true;
  }
  auto reply = call("POST", "/tasks", R"({"name":"n"})");
  EXPECT_EQ(reply.status, 504);
  EXPECT_EQ(error_code(reply), "timed_out");
  EXPECT_EQ(call("GET", "/stats").status, 504);
  EXPECT_EQ(json_of(call("GET", "/health")).at("status").as_string(), "unhealthy");
  {
    std::lock_guard lock{node->mutex};
    node->silent = false;
  }
  release(gateway); // the late answers
  EXPECT_EQ(call("POST", "/tasks", R"({"name":"n"})").status, 200);
}

TEST_F(ServerTest, MoreConnectionsThanThreadsAreAllServed) {
  std::vector<std::unique_ptr<raw_client>> clients;
  for (int i = 0; i < 64; ++i) {
    clients.push_back(std::make_unique<raw_client>(server->port()));
    clients.back()->send(live);
  }
  for (auto& client : clients)
    EXPECT_EQ(client->read().status, 200);
}

TEST_F(ServerTest, WaitsAreBounded) {
  {
    std::lock_guard lock{node->mutex};
    node->silent = true;
  }
  std::vector<std::unique_ptr<raw_client>> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(std::make_unique<raw_client>(server->port()));
    waiting.back()->send(
      "GET /api/overwatch/tasks/01935000-0000-7000-8000-00000000002a?wait=20 HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  http_reply refused;
  EXPECT_TRUE(wait_until([&] {
    refused = call("GET", "/events");
    return refused.status == 503;
  }));
  EXPECT_EQ(refused.headers["retry-after"], "1");
  EXPECT_THAT(refused.body, HasSubstr("max_long_requests"));
}

TEST_F(ServerTest, StopAnswersThoseThatWait) {
  {
    std::lock_guard lock{node->mutex};
    node->hold_submits = true;
  }
  raw_client waiting{server->port()};
  raw_client streaming{server->port()};
  raw_client idle{server->port()};
  idle.send(live);
  EXPECT_EQ(idle.read().status, 200);
  streaming.send("GET /api/overwatch/events HTTP/1.1\r\nHost: a\r\n\r\n");
  streaming.read_until("id: ");
  waiting.send(post + "Content-Length: 12\r\n\r\n{\"name\":\"n\"}");
  ASSERT_TRUE(wait_until([&] { return node->submit_count() == 1; }));
  auto started = steady_clock::now();
  server->stop();
  EXPECT_LT(steady_clock::now() - started, std::chrono::seconds{3});
  EXPECT_EQ(waiting.read().status, 504) << "it had reached the gateway";
  EXPECT_THAT(streaming.read_until("}\n\n"), HasSubstr("event: error"));
  EXPECT_TRUE(streaming.ended());
}

TEST(BodyBudgetTest, IsSharedAndGivenBack) {
  http::body_budget budget{100};
  {
    http::received_body first{budget};
    EXPECT_TRUE(first.grow(60));
    http::received_body second{budget};
    EXPECT_FALSE(second.grow(60));
    EXPECT_TRUE(second.grow(40));
  }
  http::received_body third{budget};
  EXPECT_TRUE(third.grow(100));
}
