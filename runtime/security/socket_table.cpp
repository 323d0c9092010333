#include "runtime/security/socket_table.hpp"

#include "runtime/security/lines.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace overwatch::security {

namespace {

constexpr std::string_view tcp_listens = "0A";
constexpr std::string_view udp_open = "07";
constexpr size_t columns = 10; // up to the inode

// Each 32-bit word of an address is written as a number of this machine.
bool parse_address(std::string_view digits, listening_socket& x) {
  if (digits.size() != 8 && digits.size() != 32)
    return false;
  x.ip6 = digits.size() == 32;
  for (size_t i = 0; i * 8 < digits.size(); ++i) {
    auto word = number_of<uint32_t>(digits.substr(i * 8, 8), 16);
    if (!word)
      return false;
    std::memcpy(x.address.data() + i * 4, &*word, 4);
  }
  return true;
}

bool parse_endpoint(std::string_view text, listening_socket& x) {
  auto colon = text.find(':');
  if (colon == std::string_view::npos || !parse_address(text.substr(0, colon), x))
    return false;
  auto port = number_of<uint16_t>(text.substr(colon + 1), 16);
  x.port = port.value_or(0);
  return port.has_value();
}

bool is_mapped(const listening_socket& x) {
  static constexpr std::array<uint8_t, 12> front{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return x.ip6 && std::equal(front.begin(), front.end(), x.address.begin());
}

} // namespace

exposure listening_socket::reach() const {
  auto zero = [](const uint8_t* from, size_t count) {
    return std::all_of(from, from + count, [](uint8_t x) { return x == 0; });
  };
  const auto* v4 = is_mapped(*this) ? address.data() + 12 : address.data();
  if (!ip6 || is_mapped(*this))
    return zero(v4, 4) ? exposure::every_address : v4[0] == 127 ? exposure::loopback : exposure::one_address;
  if (zero(address.data(), 15))
    return address[15] == 0 ? exposure::every_address : address[15] == 1 ? exposure::loopback : exposure::one_address;
  return exposure::one_address;
}

std::string listening_socket::address_text() const {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(ip6 ? AF_INET6 : AF_INET, address.data(), text, sizeof(text));
  return text;
}

std::string listening_socket::text() const {
  auto host = ip6 ? "[" + address_text() + "]" : address_text();
  return std::string{is == protocol::tcp ? "tcp " : "udp "} + host + ":" + std::to_string(port);
}

std::vector<listening_socket> parse_socket_table(std::string_view text, protocol is) {
  std::vector<listening_socket> result;
  for_each_line(text, [&](std::string_view line) {
    auto words = words_of(line);
    if (words.size() < columns || words[0].back() != ':' || words[3] != (is == protocol::tcp ? tcp_listens : udp_open))
      return;
    listening_socket x;
    x.is = is;
    auto uid = number_of<uint32_t>(words[7]);
    auto inode = number_of<uint64_t>(words[9]);
    if (!uid || !inode || !parse_endpoint(words[1], x))
      return;
    x.uid = *uid;
    x.inode = *inode;
    result.push_back(x);
  });
  return result;
}

port_range parse_port_range(std::string_view text) {
  auto words = words_of(text);
  if (words.size() != 2)
    return {};
  auto first = number_of<uint16_t>(words[0]);
  auto last = number_of<uint16_t>(words[1]);
  return first && last ? port_range{*first, *last} : port_range{};
}

uint64_t inode_of_link(std::string_view target) {
  constexpr std::string_view front = "socket:[";
  if (!begins_with(target, front) || target.back() != ']')
    return 0;
  return number_of<uint64_t>(target.substr(front.size(), target.size() - front.size() - 1)).value_or(0);
}

} // namespace overwatch::security
