// Clients that speak badly, slowly, too much or too many at once.

#include "tests/cluster/node_fixture.hpp"
#include "tests/support/process/eventually.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace overwatch {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::seconds answer_limit{30};

/// A socket to the node that says exactly what it is told.
class raw_connection {
public:
  explicit raw_connection(uint16_t port) : fd_{support::connect_to_loopback(port)} {}
  ~raw_connection() { close(fd_); }
  raw_connection(const raw_connection&) = delete;
  raw_connection& operator=(const raw_connection&) = delete;

  /// False when the node does not listen any more.
  bool send(std::string_view text) {
    while (!text.empty()) {
      auto count = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0)
        return false;
      text.remove_prefix(static_cast<size_t>(count));
    }
    return true;
  }

  /// True when something comes, or the connection ends, within `limit`.
  bool answers_within(std::chrono::milliseconds limit) {
    pollfd readable{fd_, POLLIN, 0};
    return poll(&readable, 1, static_cast<int>(limit.count())) > 0;
  }

  /// The status of the answer that comes; 0 when the connection ends without, -1 when nothing comes in time.
  int status() {
    std::string head;
    char bytes[4096];
    while (head.size() < sizeof("HTTP/1.1 200") - 1) {
      if (!answers_within(answer_limit))
        return -1;
      auto count = recv(fd_, bytes, sizeof(bytes), 0);
      if (count <= 0)
        return 0;
      head.append(bytes, static_cast<size_t>(count));
    }
    return std::atoi(head.c_str() + 9);
  }

private:
  int fd_;
};

class ConnectionFaultTest : public node_fixture {
protected:
  static constexpr const char* submit_head =
    "POST /api/overwatch/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n";

  void start_small(const std::string& more = {}) {
    options_.more_config = "http {\n  threads = 8\n  max-long-requests = 2\n  request-timeout = 1s\n" + more + "}\n";
    start();
  }

  uint64_t submitted() { return client_->object("/stats").at("total_submitted").to_number<uint64_t>(); }
};

TEST_F(ConnectionFaultTest, DamagedHeadsAreRefused) {
  start();
  auto line = std::string{"POST /api/overwatch/tasks HTTP/1.1\r\n"};
  auto good = line + "Host: x\r\n";
  auto body = std::string{"{\"name\":\"x\"}"};
  const std::pair<const char*, std::string> damaged[] = {
    {"no request", "\r\n\r\n\r\n\r\n"},
    {"noise", std::string("\x16\x03\x01\x02\0\x01\0\x01\xFC\x03\x03 GET\r\n\r\n", 20)},
    {"unknown method", "BREW /api/overwatch/tasks HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"no version", "GET /api/overwatch/tasks\r\n\r\n"},
    {"version 9", "GET /api/overwatch/tasks HTTP/9.9\r\nHost: x\r\n\r\n"},
    {"no host", line + "Content-Length: 12\r\n\r\n" + body},
    {"two hosts", good + "Host: y\r\nContent-Length: 12\r\n\r\n" + body},
    {"length with letters", good + "Content-Length: 12x\r\n\r\n" + body},
    {"negative length", good + "Content-Length: -1\r\n\r\n" + body},
    {"endless length", good + "Content-Length: 99999999999999999999\r\n\r\n" + body},
    {"two lengths", good + "Content-Length: 12\r\nContent-Length: 13\r\n\r\n" + body},
    {"length and chunks", good + "Content-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"unknown encoding", good + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
    {"damaged chunk", good + "Transfer-Encoding: chunked\r\n\r\nzz\r\n" + body + "\r\n0\r\n\r\n"},
    {"unknown expectation", good + "Expect: a-miracle\r\nContent-Length: 12\r\n\r\n" + body},
    {"one long header", good + "X: " + std::string(100'000, 'x') + "\r\n\r\n"},
    {"long path", "GET /" + std::string(100'000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"header without colon", good + "nonsense\r\n\r\n"},
    {"large body announced", good + "Content-Length: 70000000\r\n\r\n"},
  };
  for (const auto& [what, text] : damaged) {
    raw_connection connection{node_->http_port()};
    connection.send(text);
    auto status = connection.status();
    EXPECT_TRUE(status == 0 || (status >= 400 && status < 500) || status == 501 || status == 505)
      << what << ": " << status;
  }
  auto many = good;
  for (int i = 0; i < 200; ++i)
    many += "X-" + std::to_string(i) + ": y\r\n";
  raw_connection connection{node_->http_port()};
  connection.send(many + "\r\n");
  EXPECT_EQ(connection.status(), 431);
  EXPECT_EQ(submitted(), 0u);
  expect_working();
}

TEST_F(ConnectionFaultTest, BodiesAboveTheLimitAreRefused) {
  start();
  constexpr size_t limit = 64 << 20;
  std::string piece(1 << 20, ' ');
  raw_connection announced{node_->http_port()};
  announced.send("POST /api/overwatch/tasks/batch HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(limit + 1) +
                 "\r\n\r\n");
  EXPECT_EQ(announced.status(), 413);
  raw_connection single{node_->http_port()}; // one task may have far less
  single.send("POST /api/overwatch/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n");
  EXPECT_EQ(single.status(), 413);

  raw_connection chunked{node_->http_port()};
  chunked.send("POST /api/overwatch/tasks/batch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  auto chunk = "100000\r\n" + piece + "\r\n";
  for (int i = 0; i < 66 && !chunked.answers_within(std::chrono::milliseconds{0}) && chunked.send(chunk); ++i) {
  }
  EXPECT_EQ(chunked.status(), 413);

  auto before = node_->resident_bytes();
  std::string whole(limit, ' ');
  whole.back() = '[';
  EXPECT_EQ(client_->post("/tasks/batch", whole).status, 400); // allowed in size; nothing in it
  EXPECT_LT(node_->resident_bytes(), before + 3 * limit);
  EXPECT_EQ(submitted(), 0u);
  expect_working();
}

TEST_F(ConnectionFaultTest, SlowBodiesEndAndOthersAreServed) {
  start_small();
  std::vector<std::unique_ptr<raw_connection>> slow;
  for (int i = 0; i < 7; ++i) {
    slow.push_back(std::make_unique<raw_connection>(node_->http_port()));
    ASSERT_TRUE(slow.back()->send(std::string{submit_head} + "{\"name\":"));
  }
  EXPECT_EQ(client_->get("/health").status, 200); // by the eighth thread
  for (auto& x : slow)
    EXPECT_EQ(x->status(), 408);

  raw_connection dripping{node_->http_port()}; // never silent for long, and never done
  ASSERT_TRUE(dripping.send(submit_head));
  auto begin = clock::now();
  while (!dripping.answers_within(std::chrono::milliseconds{50}) && clock::now() < begin + answer_limit)
    dripping.send(" ");
  EXPECT_EQ(dripping.status(), 408);
  EXPECT_LT(clock::now() - begin, std::chrono::seconds{10});
  EXPECT_EQ(submitted(), 0u);
  expect_working();
}

TEST_F(ConnectionFaultTest, SlowHeadsAndSilentConnectionsMakeWay) {
  start_small();
  std::vector<std::unique_ptr<raw_connection>> idle;
  for (int i = 0; i < 24; ++i) {
    idle.push_back(std::make_unique<raw_connection>(node_->http_port()));
    if (i % 2 == 0)
      idle.back()->send("GET /api/overwatch/health HT");
  }
  node_client late{node_->http_port()};
  EXPECT_EQ(late.get("/health").status, 200);
  expect_working();
}

TEST_F(ConnectionFaultTest, MoreConnectionsThanThreadsAreServedOrToldToWait) {
  start_small();
  constexpr int connections = 64;
  constexpr int requests = 20;
  std::atomic<int> accepted{0};
  std::atomic<int> refused{0};
  std::atomic<int> other{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < connections; ++i)
    threads.emplace_back([&] {
      node_client client{node_->http_port()};
      for (int j = 0; j < requests; ++j)
        try {
          auto answer = client.post("/tasks", R"({"name":"x","task_type":"noop"})");
          auto told = (answer.status == 503 || answer.status == 429) && !answer.header("retry-after").empty();
          ++(answer.status == 200 ? accepted : told ? refused : other);
        } catch (const support::http_error&) {
          ++other;
        }
    });
  for (auto& x : threads)
    x.join();
  EXPECT_EQ(other, 0);
  EXPECT_EQ(accepted + refused, connections * requests);
  EXPECT_GT(accepted, 0);
  EXPECT_EQ(submitted(), static_cast<uint64_t>(accepted));
  expect_working();
}

TEST_F(ConnectionFaultTest, LongRequestsLeaveThreadsForOthers) {
  start_small();
  auto later = typed_task("noop");
  later["scheduled_at"] = "2099-01-01T00:00:00Z";
  auto id = client_->submit(later);
  std::vector<std::unique_ptr<raw_connection>> waits;
  for (int i = 0; i < 2; ++i) {
    waits.push_back(std::make_unique<raw_connection>(node_->http_port()));
    waits.back()->send("GET /api/overwatch/events HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_EQ(waits.back()->status(), 200);
  }
  auto answer = client_->get("/tasks/" + id + "?wait=30");
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_FALSE(answer.header("retry-after").empty());
  waits.clear();
  EXPECT_TRUE(support::eventually([&] { return client_->get("/tasks/" + id + "?wait=1").status == 200; }))
    << "places of clients that left are free again";
  expect_working();
}

TEST_F(ConnectionFaultTest, ConnectionsThatEndEarlyCostNothing) {
  start_small();
  for (int i = 0; i < 200; ++i) {
    raw_connection gone{node_->http_port()};
    gone.send(i % 2 == 0 ? std::string{submit_head} + "{\"name\":" : std::string{"GET /api/overwatch/eve"});
  }
  EXPECT_EQ(submitted(), 0u);
  expect_working();
}

} // namespace

} // namespace overwatch
