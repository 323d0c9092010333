#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// /proc/net/tcp and its like.
namespace overwatch::security {

enum class protocol : uint8_t { tcp, udp };
enum class exposure : uint8_t { loopback, one_address, every_address };

struct listening_socket {
  protocol is = protocol::tcp;
  bool ip6 = false;
  std::array<uint8_t, 16> address{}; ///< an IPv4 address is in the first four bytes
  uint16_t port = 0;
  uint32_t uid = 0;
  uint64_t inode = 0;

  exposure reach() const;
  std::string address_text() const; ///< "0.0.0.0", "::1"
  std::string text() const;         ///< "tcp 0.0.0.0:22"
};

/// TCP sockets that listen, and UDP sockets without a peer. Lines that are none are left out.
std::vector<listening_socket> parse_socket_table(std::string_view text, protocol is);

/// A range as /proc/sys/net/ipv4/ip_local_port_range has it; {0, 0} when it is none.
struct port_range {
  uint16_t first = 0, last = 0;
  bool has(uint16_t port) const { return port >= first && port <= last && last > 0; }
};
port_range parse_port_range(std::string_view text);

/// The number in "socket:[1234]"; 0 when it is something else.
uint64_t inode_of_link(std::string_view target);

} // namespace overwatch::security
