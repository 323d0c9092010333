#include "tests/http/raw_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <utility>

raw_client::raw_client(uint16_t port) : fd_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  timeval limit{10, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    close(fd_);
    throw std::runtime_error("cannot connect");
  }
}

raw_client::~raw_client() { close(fd_); }

void raw_client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0)
      return; // the server hung up; what it said is read next
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

bool raw_client::fill() {
  char bytes[65536];
  auto count = recv(fd_, bytes, sizeof(bytes), 0);
  if (count <= 0)
    return false;
  buffer_.append(bytes, static_cast<size_t>(count));
  return true;
}

std::string raw_client::read_until(std::string_view text) {
  size_t end = 0;
  while ((end = buffer_.find(text)) == std::string::npos)
    if (!fill())
      return std::exchange(buffer_, {});
  auto out = buffer_.substr(0, end + text.size());
  buffer_.erase(0, out.size());
  return out;
}

bool raw_client::ended() {
  while (buffer_.empty())
    if (!fill())
      return true;
  return false;
}

http_reply raw_client::read(bool head_only) {
  auto head = read_until("\r\n\r\n");
  http_reply out;
  if (head.size() < 12 || head.compare(0, 9, "HTTP/1.1 ") != 0)
    return out;
  out.status = std::stoi(head.substr(9, 3));
  size_t line = head.find("\r\n") + 2;
  while (line + 2 < head.size()) {
    auto end = head.find("\r\n", line);
    auto colon = head.find(": ", line);
    auto name = head.substr(line, colon - line);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    out.headers[name] = head.substr(colon + 2, end - colon - 2);
    line = end + 2;
  }
  if (head_only || out.headers.count("content-length") == 0)
    return out;
  auto size = std::stoul(out.headers["content-length"]);
  while (buffer_.size() < size && fill()) {
  }
  out.body = buffer_.substr(0, size);
  buffer_.erase(0, out.body.size());
  return out;
}

http_reply raw_client::request(const std::string& method, const std::string& target, const std::string& body,
                               const std::string& headers) {
  auto text = method + ' ' + target + " HTTP/1.1\r\nHost: test\r\n" + headers;
  if (!body.empty())
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  send(text + "\r\n" + body);
  return read(method == "HEAD");
}

http_reply fetch(uint16_t port, const std::string& method, const std::string& target, const std::string& body,
                 const std::string& headers) {
  return raw_client{port}.request(method, target, body, headers);
}
