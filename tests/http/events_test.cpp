#include "tests/http/server_fixture.hpp"

using namespace overwatch;
using testing::HasSubstr;

namespace {

class EventsTest : public server_fixture {
protected:
  void SetUp() override {
    options.event_heartbeat = milliseconds{100};
    start();
  }

  void publish(event_kind kind, partition_id partition = 0) {
    auto spec = std::make_shared<task_spec>();
    spec->name = "line\nbreak";
    std::lock_guard lock{node->mutex};
    event x;
    x.cursor = {partition, node->events.size() + 1, 0};
    x.kind = kind;
    if (kind != event_kind::gap)
      x.spec = spec;
    node->events.push_back(x);
  }

  static std::string get(const std::string& query, const std::string& headers = {}) {
    return "GET /api/overwatch/events" + query + " HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n";
  }
};

} // namespace

TEST_F(EventsTest, StreamsFromNowOn) {
  publish(event_kind::task_created);
  raw_client client{server->port()};
  client.send(get(""));
  EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("Content-Type: text/event-stream"));
  EXPECT_THAT(client.read_until("id: 0.1.0\n\n"), testing::Not(HasSubstr("task_created")));
  publish(event_kind::task_started);
  auto text = client.read_until("}\n\n");
  EXPECT_THAT(text, HasSubstr("id: 0.2.0\nevent: task_started\ndata: {"));
  auto start = text.find("data: ") + 6;
  auto data = boost::json::parse(text.substr(start, text.find('\n', start) - start));
  EXPECT_EQ(data.at("cursor").as_string(), "0.2.0");
  EXPECT_EQ(data.at("task").at("name").as_string(), "line\nbreak");
  EXPECT_EQ(data.at("rollback").as_string(), "none");
}

TEST_F(EventsTest, ResumesAfterACursor) {
  for (int i = 0; i < 3; ++i)
    publish(event_kind::task_created);
  raw_client by_parameter{server->port()};
  by_parameter.send(get("?from=0.1.0"));
  EXPECT_THAT(by_parameter.read_until("id: 0.3.0"), HasSubstr("id: 0.2.0"));
  raw_client by_header{server->port()};
  by_header.send(get("?from=0.1.0", "Last-Event-ID: 0.2.0\r\n"));
  EXPECT_THAT(by_header.read_until("id: 0.3.0"), testing::Not(HasSubstr("id: 0.2.0")));
}

TEST_F(EventsTest, EveryMessageCarriesThePositionInAllPartitions) {
  for (partition_id partition : {0, 1, 2})
    publish(event_kind::task_created, partition);
  publish(event_kind::task_started, 1);
  raw_client client{server->port()};
  client.send(get("?from=0.1.0-1.1.0"));
  auto text = client.read_until("event: task_started\ndata: {\"cursor\":\"0.1.0-1.4.0-2.3.0\"");
  EXPECT_THAT(text, HasSubstr("id: 0.1.0-1.2.0-2.3.0\nevent: task_created"));
  EXPECT_THAT(text, HasSubstr("id: 0.1.0-1.4.0-2.3.0\nevent: task_started"));
  raw_client again{server->port()};
  again.send(get("", "Last-Event-ID: 0.1.0-1.2.0-2.3.0\r\n"));
  EXPECT_THAT(again.read_until("}\n\n"), testing::Not(HasSubstr("task_created")));
}

TEST_F(EventsTest, FiltersReachTheGatewayAndGapsTheClient) {
  publish(event_kind::gap);
  raw_client client{server->port()};
  client.send(get("?from=0.0.0&kinds=gap,task_failed&task=01935000-0000-7000-8000-00000000002a"));
  EXPECT_THAT(client.read_until("}\n\n"), HasSubstr("event: gap\ndata: {"));
  std::lock_guard lock{node->mutex};
  EXPECT_THAT(node->polls.front().kinds, testing::ElementsAre(event_kind::gap, event_kind::task_failed));
  EXPECT_TRUE(node->polls.front().task);
}

TEST_F(EventsTest, HeartbeatsCarryThePosition) {
  raw_client client{server->port()};
  client.send(get("?from=0.7.0"));
  EXPECT_THAT(client.read_until(": heartbeat\nid: 0.7.0\n\n"), HasSubstr("retry: "));
  EXPECT_THAT(client.read_until(": heartbeat\nid: 0.7.0\n\n"), HasSubstr("heartbeat"));
}

TEST_F(EventsTest, WrongParametersAreRefused) {
  for (const auto* query : {"?from=x", "?from=0.1.0-", "?from=1.1.0-0.1.0", "?kinds=bad", "?task=x", "?form=0.0.0"})
    EXPECT_EQ(call("GET", std::string{"/events"} + query).status, 422) << query;
}

TEST_F(EventsTest, StreamEndsWhenTheClientGoesAway) {
  auto long_requests = [this] {
    auto text = call("GET", "/metrics").body;
    return text.substr(text.find("\noverwatch_http_long_requests ") + 30, 1);
  };
  {
    raw_client client{server->port()};
    client.send(get(""));
    client.read_until("id: ");
    EXPECT_EQ(long_requests(), "1");
  }
  EXPECT_TRUE(wait_until([&] { return long_requests() == "0"; }));
}

TEST_F(EventsTest, FailureOfTheRuntimeEndsTheStream) {
  raw_client client{server->port()};
  client.send(get(""));
  client.read_until("id: ");
  {
    std::lock_guard lock{node->mutex};
    node->error = {ec::unavailable, "", "restarting"};
  }
  EXPECT_THAT(client.read_until("}\n\n"), HasSubstr("event: error\ndata: {\"code\":\"unavailable\""));
  EXPECT_TRUE(client.ended());
}
