#include "runtime/cluster/tcp_probe.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace overwatch {

namespace {

struct frees {
  void operator()(addrinfo* x) const { ::freeaddrinfo(x); }
};

class socket_guard {
public:
  explicit socket_guard(int fd) : fd{fd} {}
  ~socket_guard() {
    if (fd >= 0)
      ::close(fd);
  }
  socket_guard(const socket_guard&) = delete;
  socket_guard& operator=(const socket_guard&) = delete;

  const int fd;
};

// 0: it accepts; otherwise an errno.
int try_address(const addrinfo& address, milliseconds limit) {
  socket_guard socket{::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (socket.fd < 0)
    return errno;
  if (::connect(socket.fd, address.ai_addr, address.ai_addrlen) == 0)
    return 0;
  if (errno != EINPROGRESS)
    return errno;
  pollfd waiting{socket.fd, POLLOUT, 0};
  auto ready = ::poll(&waiting, 1, static_cast<int>(limit.count()));
  if (ready <= 0)
    return ready == 0 ? ETIMEDOUT : errno;
  int result = 0;
  socklen_t size = sizeof(result);
  return ::getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &result, &size) == 0 ? result : errno;
}

std::string text_of(const addrinfo& address) {
  char text[INET6_ADDRSTRLEN] = {};
  const void* raw = address.ai_family == AF_INET
                      ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(address.ai_addr)->sin_addr)
                      : &reinterpret_cast<const sockaddr_in6*>(address.ai_addr)->sin6_addr;
  return ::inet_ntop(address.ai_family, raw, text, sizeof(text));
}

} // namespace

caf::expected<std::string> probe_tcp(const std::string& host, uint16_t port, milliseconds limit) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  auto fault = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (fault != 0)
    return make_error(ec::unavailable, "the address of " + host + " is not known: " + ::gai_strerror(fault));
  std::unique_ptr<addrinfo, frees> addresses{found};
  auto last = EADDRNOTAVAIL;
  for (const auto* x = addresses.get(); x; x = x->ai_next) {
    if (x->ai_family != AF_INET && x->ai_family != AF_INET6)
      continue;
    last = try_address(*x, limit);
    if (last == 0)
      return text_of(*x);
  }
  return make_error(ec::unavailable, "no connection to " + host + " port " + std::to_string(port) + ": "
                                       + std::strerror(last));
}

} // namespace overwatch
