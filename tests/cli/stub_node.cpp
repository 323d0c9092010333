#include "tests/cli/stub_node.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace overwatch::cli {

namespace {

constexpr int poll_ms = 20; // how soon the end of the test is seen
constexpr int receive_limit_ms = 5000;

int listen_on(uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 || listen(listener, 16) != 0) {
    ADD_FAILURE() << "cannot listen on port " << port;
    close(listener);
    return -1;
  }
  return listener;
}

uint16_t port_of(int listener) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

std::string reason_of(int status) { return status < 300 ? "OK" : "Not OK"; }

size_t length_of_body(const std::string& head) {
  const auto at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
}

// Reads until `done` says that `text` is complete; false when the client is gone or too slow.
template <class Done>
bool receive(int connection, std::string& text, Done done) {
  while (!done()) {
    pollfd readable{connection, POLLIN, 0};
    char buffer[4096];
    if (poll(&readable, 1, receive_limit_ms) <= 0)
      return false;
    const auto count = recv(connection, buffer, sizeof(buffer), 0);
    if (count <= 0)
      return false;
    text.append(buffer, static_cast<size_t>(count));
  }
  return true;
}

} // namespace

stub_node::stub_node(uint16_t port) : listener_{listen_on(port)} {
  port_ = port_of(listener_);
  thread_ = std::thread{[this] { serve(); }};
}

stub_node::~stub_node() {
  stop_ = true;
  thread_.join();
  close(listener_);
}

void stub_node::on(const std::string& method_and_target, answer x) {
  const std::lock_guard guard{mutex_};
  answers_[method_and_target].push_back(std::move(x));
}

std::vector<stub_node::request> stub_node::requests() const {
  const std::lock_guard guard{mutex_};
  return requests_;
}

stub_node::request stub_node::last(const std::string& method_and_target) const {
  const auto all = requests();
  for (auto i = all.rbegin(); i != all.rend(); ++i)
    if ((i->method + " " + i->target).rfind(method_and_target, 0) == 0)
      return *i;
  ADD_FAILURE() << "nobody asked for " << method_and_target;
  return {};
}

stub_node::answer stub_node::answer_for(const request& asked) {
  const std::lock_guard guard{mutex_};
  requests_.push_back(asked);
  const auto found = answers_.find(asked.method + " " + asked.target);
  if (found == answers_.end())
    return {404, R"({"error":{"code":"not_found","message":"no such thing"}})", "", false};
  auto result = found->second.front();
  if (found->second.size() > 1)
    found->second.erase(found->second.begin());
  return result;
}

void stub_node::serve_one(int connection) {
  std::string text;
  if (!receive(connection, text, [&] { return text.find("\r\n\r\n") != std::string::npos; }))
    return;
  const auto end_of_head = text.find("\r\n\r\n") + 4;
  const auto length = length_of_body(text.substr(0, end_of_head));
  if (!receive(connection, text, [&] { return text.size() >= end_of_head + length; }))
    return;
  const auto first = text.find(' ');
  const auto second = text.find(' ', first + 1);
  request asked{text.substr(0, first), text.substr(first + 1, second - first - 1), text.substr(0, end_of_head),
                text.substr(end_of_head)};
  const std::string prefix = "/api/overwatch";
  if (asked.target.rfind(prefix, 0) == 0)
    asked.target.erase(0, prefix.size());
  const auto reply = answer_for(asked);
  if (reply.silent) {
    receive(connection, text, [&] { return stop_.load(); }); // until the client gives up
    return;
  }
  const auto answer = "HTTP/1.1 " + std::to_string(reply.status) + " " + reason_of(reply.status) +
                      "\r\nConnection: close\r\n" + reply.headers + "\r\n" + reply.body;
  send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
}

void stub_node::serve() {
  while (!stop_) {
    pollfd readable{listener_, POLLIN, 0};
    if (poll(&readable, 1, poll_ms) <= 0)
      continue;
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0)
      continue;
    serve_one(connection);
    close(connection);
  }
}

} // namespace overwatch::cli
