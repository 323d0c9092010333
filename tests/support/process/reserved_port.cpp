#include "tests/support/process/reserved_port.hpp"

#include "tests/support/process/test_network.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <random>
#include <system_error>

namespace overwatch::support {

namespace {

constexpr unsigned lowest_port = 10'000; // below are the ports of well-known programs
constexpr unsigned highest_port = 65'535;

/// Fewer are too few for tests that run at the same time.
constexpr size_t least_choice = 1'000;

constexpr int max_tries = 1'000;

std::vector<uint16_t> ports_but(const port_range& left_out) {
  std::vector<uint16_t> result;
  for (auto port = lowest_port; port <= highest_port; ++port)
    if (port < left_out.first || port > left_out.last)
      result.push_back(static_cast<uint16_t>(port));
  return result;
}

} // namespace

port_range ephemeral_ports() {
  port_range result;
  std::ifstream file{"/proc/sys/net/ipv4/ip_local_port_range"};
  if (!(file >> result.first >> result.last))
    throw std::system_error{ENOENT, std::generic_category(), "read the range of ephemeral ports"};
  return result;
}

std::vector<uint16_t> ports_outside(const port_range& ephemeral) {
  auto result = ports_but(ephemeral);
  return result.size() >= least_choice ? result : ports_but({});
}

reserved_port::reserved_port(const std::string& network) {
  network_visit there{network};
  auto choice = ports_outside(ephemeral_ports());
  std::random_device random;
  std::uniform_int_distribution<size_t> any{0, choice.size() - 1};
  for (int i = 0; i < max_tries; ++i)
    if (take(choice[any(random)]))
      return;
  throw std::system_error{EADDRINUSE, std::generic_category(), "find a free port"};
}

reserved_port::~reserved_port() { close(fd_); }

// Bound alone, which fails as long as any socket has the port; and only then open for those who want to share it.
bool reserved_port::take(uint16_t number) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(number);
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  int on = 1;
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0) {
    if (fd >= 0)
      close(fd);
    return false;
  }
  fd_ = fd;
  number_ = number;
  return true;
}

} // namespace overwatch::support
