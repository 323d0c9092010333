#include "http/listen_check.hpp"

#include "messages/error_code.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace overwatch::http {

namespace {

using addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

addresses look_up(const std::string& address, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
    found = nullptr;
  return {found, freeaddrinfo};
}

// Closes at the end of its scope.
class socket_handle {
public:
  explicit socket_handle(const addrinfo& x) : fd_{socket(x.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)} {}
  socket_handle(const socket_handle&) = delete;
  socket_handle& operator=(const socket_handle&) = delete;
  ~socket_handle() {
    if (fd_ >= 0)
      close(fd_);
  }
  int get() const { return fd_; }

private:
  int fd_;
};

} // namespace

caf::error why_not_listening(const std::string& address, uint16_t port, const std::string& reason) {
  auto where = address + " port " + std::to_string(port);
  auto found = look_up(address, port);
  if (found == nullptr)
    return make_error(ec::invalid, "cannot listen on " + where + ": the address is not a numeric IP address",
                      "/http/address");
  socket_handle probe{*found};
  int on = 1;
  setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(probe.get(), found->ai_addr, found->ai_addrlen) == 0 && listen(probe.get(), 1) == 0)
    return make_error(ec::internal, "cannot serve HTTP on " + where + ": " + reason);
  if (errno == EADDRINUSE)
    return make_error(ec::conflict, "cannot listen on " + where +
                                      ": another program uses it; stop that one, or choose another port "
                                      "(setting http.port)");
  return make_error(ec::invalid, "cannot listen on " + where + ": " + std::strerror(errno), "/http/address");
}

void connect_once(const std::string& address, uint16_t port) {
  auto found = look_up(address, port);
  if (found == nullptr)
    return;
  socket_handle client{*found};
  static_cast<void>(connect(client.get(), found->ai_addr, found->ai_addrlen));
}

} // namespace overwatch::http
