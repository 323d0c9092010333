#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace overwatch::support {

/// What the kernel gives to sockets that do not ask for a port: outgoing connections above all. Both ends belong to it.
struct port_range {
  uint16_t first = 0;
  uint16_t last = 0;
};

/// The kernel's for the network that the calling thread is in.
port_range ephemeral_ports();

/// Where tests look for a port: outside that range, so that a program that was killed finds its port free when it
/// comes back. When that leaves too few, all that need no rights: then only the reservation keeps a port free.
std::vector<uint16_t> ports_outside(const port_range& ephemeral);

/// A TCP port that nothing used, for one program that listens there, now and then or never. While this lives, the kernel
/// gives the port to nobody who does not ask for it, and other reservations, also those of other programs, get others.
/// Listeners must set SO_REUSEADDR; ours do. Held by a socket that is bound and does not listen: connections are refused.
class reserved_port {
public:
  /// `network` is the path of a network namespace; empty: where the thread is. Throws std::system_error.
  explicit reserved_port(const std::string& network = {});
  ~reserved_port();

  reserved_port(const reserved_port&) = delete;
  reserved_port& operator=(const reserved_port&) = delete;

  uint16_t number() const { return number_; }
  std::string text() const { return std::to_string(number_); }

private:
  bool take(uint16_t number);

  int fd_ = -1;
  uint16_t number_ = 0;
};

} // namespace overwatch::support
