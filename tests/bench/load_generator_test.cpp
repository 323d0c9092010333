#include "tests/bench/load_generator.hpp"

#include "tests/support/process/http_client.hpp"

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace overwatch::bench {

namespace {

/// Accepts `connections` connections on a free port and answers each whole request with what `answer` makes
/// of its number on that connection: pieces that are sent one by one; none closes the connection.
class answering_server {
public:
  using answer_function = std::function<std::vector<std::string>(int request)>;

  answering_server(int connections, size_t request_size, answer_function answer) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 16) != 0)
      throw std::runtime_error{"cannot listen"};
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    for (int i = 0; i < connections; ++i)
      threads_.emplace_back([this, request_size, answer] { serve(request_size, answer); });
  }

  ~answering_server() {
    shutdown(listener_, SHUT_RDWR);
    for (auto& x : threads_)
      x.join();
    close(listener_);
  }

  uint16_t port() const { return port_; }

private:
  void serve(size_t request_size, const answer_function& answer) const {
    int fd = accept(listener_, nullptr, nullptr);
    if (fd < 0)
      return;
    int on = 1; // pieces must not wait for each other
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    std::string bytes(request_size, 0);
    for (int request = 0; recv(fd, bytes.data(), bytes.size(), MSG_WAITALL) == static_cast<ssize_t>(bytes.size());
         ++request) {
      auto pieces = answer(request);
      if (pieces.empty())
        break;
      for (const auto& piece : pieces)
        send(fd, piece.data(), piece.size(), MSG_NOSIGNAL);
    }
    close(fd);
  }

  int listener_;
  uint16_t port_ = 0;
  std::vector<std::thread> threads_;
};

class counting_script : public load_script {
public:
  counting_script(std::string request, uint64_t requests) : request_{std::move(request)}, left_{requests} {}

  std::string_view next() override {
    if (left_ == 0)
      return {};
    --left_;
    return request_;
  }

  void answered(int status, std::string_view body) override {
    if (status != 200)
      throw std::runtime_error{"refused"};
    bodies.emplace_back(body);
  }

  bool finished() const override { return left_ == 0; }

  std::vector<std::string> bodies;

private:
  std::string request_;
  uint64_t left_;
};

const std::string small_request = support::http_request_text("GET", "/");
const std::string answer_ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

load_options options_for(const answering_server& server, uint32_t connections) {
  load_options options;
  options.port = server.port();
  options.connections = connections;
  options.tick_interval = std::chrono::milliseconds{1};
  options.answer_limit = std::chrono::seconds{20};
  return options;
}

} // namespace

TEST(LoadGeneratorTest, EveryRequestIsAnsweredOnce) {
  answering_server server{4, small_request.size(), [](int) { return std::vector{answer_ok}; }};
  counting_script script{small_request, 1000};
  auto result = run_load(options_for(server, 4), script);
  EXPECT_EQ(script.bodies.size(), 1000u);
  EXPECT_EQ(result.answers, 1000u);
  EXPECT_EQ(result.latencies.total(), 1000u);
  EXPECT_GT(result.per_second(), 0);
}

TEST(LoadGeneratorTest, AnswersMayComeInPieces) {
  answering_server server{1, small_request.size(), [](int) {
                            std::vector<std::string> pieces;
                            for (char c : std::string{"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world"})
                              pieces.emplace_back(1, c);
                            return pieces;
                          }};
  counting_script script{small_request, 20};
  run_load(options_for(server, 1), script);
  EXPECT_EQ(script.bodies, std::vector<std::string>(20, "hello world"));
}

TEST(LoadGeneratorTest, RequestsLargerThanTheSocketsBuffersArriveWhole) {
  auto large = support::http_request_text("POST", "/", "text/plain", std::string(8'000'000, 'x'));
  answering_server server{2, large.size(), [](int) { return std::vector{answer_ok}; }};
  counting_script script{large, 6};
  run_load(options_for(server, 2), script);
  EXPECT_EQ(script.bodies.size(), 6u);
}

TEST(LoadGeneratorTest, AWrongStatusAbortsTheRun) {
  answering_server server{1, small_request.size(), [](int request) {
                            return std::vector{request < 3 ? answer_ok
                                                           : "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"};
                          }};
  counting_script script{small_request, 100};
  EXPECT_THROW(run_load(options_for(server, 1), script), std::runtime_error);
  EXPECT_EQ(script.bodies.size(), 3u);
}

TEST(LoadGeneratorTest, ALostConnectionAbortsTheRunUnlessTheServerMayEnd) {
  auto three = [](int request) { return request < 3 ? std::vector{answer_ok} : std::vector<std::string>{}; };
  answering_server server{2, small_request.size(), three};
  counting_script strict{small_request, 100};
  EXPECT_THROW(run_load(options_for(server, 1), strict), std::runtime_error);
  counting_script lenient{small_request, 100};
  auto options = options_for(server, 1);
  options.server_may_end = true;
  EXPECT_EQ(run_load(options, lenient).answers, 3u);
  EXPECT_EQ(lenient.bodies.size(), 3u);
}

TEST(LoadGeneratorTest, ASilentServerFailsTheRun) {
  answering_server server{1, small_request.size(), [](int) { return std::vector<std::string>{"HTTP/1.1 200"}; }};
  counting_script script{small_request, 1};
  auto options = options_for(server, 1);
  options.answer_limit = std::chrono::seconds{1};
  EXPECT_THROW(run_load(options, script), std::runtime_error);
}

} // namespace overwatch::bench
