#include "tests/support/process/http_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace overwatch::support {

namespace {

/// A server may close a connection that idles; one that idled longer than this is not trusted again.
constexpr std::chrono::milliseconds trusted_idle{200};

[[noreturn]] void fail(const std::string& what) { throw http_error{what + ": " + std::strerror(errno)}; }

} // namespace

std::string_view find_header(std::string_view head, std::string_view name) {
  auto line_end = head.find("\r\n");
  while (line_end != std::string_view::npos) {
    head.remove_prefix(line_end + 2);
    line_end = head.find("\r\n");
    auto line = head.substr(0, line_end);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0) {
      line.remove_prefix(name.size() + 1);
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
      return line;
    }
  }
  return {};
}

std::string_view http_answer::header(std::string_view name) const { return find_header(head, name); }

std::string http_request_text(std::string_view method, std::string_view path, std::string_view content_type,
                              std::string_view body) {
  std::string text;
  text.reserve(160 + path.size() + body.size());
  text.append(method).append(" ").append(path).append(" HTTP/1.1\r\nHost: localhost\r\n");
  if (!body.empty())
    text.append("Content-Type: ").append(content_type).append("\r\n");
  if (method != "GET")
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  return text.append("\r\n").append(body);
}

int connect_to_loopback(uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    fail("socket");
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    auto reason = errno;
    close(fd);
    errno = reason;
    fail("connect to port " + std::to_string(port));
  }
  return fd;
}

http_client::http_client(uint16_t port, std::chrono::milliseconds timeout) : port_{port}, timeout_{timeout} {}

http_client::~http_client() { disconnect(); }

void http_client::connect() {
  fd_ = connect_to_loopback(port_);
  timeval limit{};
  limit.tv_sec = timeout_.count() / 1000;
  limit.tv_usec = timeout_.count() % 1000 * 1000;
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

void http_client::disconnect() {
  if (fd_ >= 0)
    close(fd_);
  fd_ = -1;
}

void http_client::transmit(std::string_view text) {
  while (!text.empty()) {
    auto count = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (count < 0)
      fail("send");
    text.remove_prefix(static_cast<size_t>(count));
  }
}

size_t http_client::receive() {
  char bytes[65536];
  auto count = recv(fd_, bytes, sizeof(bytes), 0);
  if (count < 0)
    fail("receive");
  buffer_.append(bytes, static_cast<size_t>(count));
  return static_cast<size_t>(count);
}

http_answer http_client::send(std::string_view request_text) {
  using clock = std::chrono::steady_clock;
  if (fd_ >= 0 && clock::now() - last_use_ > trusted_idle)
    disconnect();
  if (fd_ < 0)
    connect();
  try {
    transmit(request_text);
    buffer_.clear();
    size_t head_size;
    while ((head_size = buffer_.find("\r\n\r\n")) == std::string::npos)
      if (receive() == 0)
        throw http_error{"the connection ended before an answer"};
    http_answer answer;
    answer.head = buffer_.substr(0, head_size + 2);
    std::from_chars(answer.head.data() + std::min<size_t>(9, head_size), answer.head.data() + head_size, answer.status);
    size_t length = 0;
    auto length_text = answer.header("content-length");
    std::from_chars(length_text.data(), length_text.data() + length_text.size(), length);
    while (buffer_.size() < head_size + 4 + length)
      if (receive() == 0)
        throw http_error{"the connection ended within an answer"};
    answer.body = buffer_.substr(head_size + 4, length);
    if (auto field = answer.header("connection"); field.size() == 5 && strncasecmp(field.data(), "close", 5) == 0)
      disconnect();
    last_use_ = clock::now();
    return answer;
  } catch (...) {
    disconnect(); // an answer that comes late must not be taken for the next one
    throw;
  }
}

std::string http_client::fetch(const std::string& path) {
  auto answer = get(path);
  if (answer.status != 200)
    throw http_error{"GET " + path + ": status " + std::to_string(answer.status) + ", " + answer.body};
  return std::move(answer.body);
}

} // namespace overwatch::support
