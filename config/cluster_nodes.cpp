#include "config/cluster_nodes.hpp"

#include <unistd.h>

#include <charconv>

namespace overwatch {

namespace {

std::string with_port(const std::string& host, uint16_t port) {
  auto is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

} // namespace

std::string cluster_node::address() const { return with_port(host, port); }

bool is_node_name(const std::string& text) {
  constexpr const char* allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  return !text.empty() && text.size() <= max_node_name && text.find_first_not_of(allowed) == std::string::npos;
}

std::optional<cluster_node> read_node_address(const std::string& text) {
  cluster_node x;
  auto colon = text.rfind(':');
  if (colon == std::string::npos)
    return std::nullopt;
  x.host = text.substr(0, colon);
  if (x.host.size() > 2 && x.host.front() == '[' && x.host.back() == ']')
    x.host = x.host.substr(1, x.host.size() - 2);
  else if (x.host.find_first_of("[]:") != std::string::npos)
    return std::nullopt; // IPv6 without brackets: nobody knows where its port begins
  const auto* end = text.data() + text.size();
  auto [rest, fault] = std::from_chars(text.data() + colon + 1, end, x.port);
  if (x.host.empty() || x.host.find_first_of(" \t,=") != std::string::npos || fault != std::errc{} || rest != end
      || x.port == 0)
    return std::nullopt;
  return x;
}

std::optional<cluster_node> read_cluster_node(const std::string& text) {
  auto equals = text.find('=');
  if (equals == std::string::npos || !is_node_name(text.substr(0, equals)))
    return std::nullopt;
  auto x = read_node_address(text.substr(equals + 1));
  if (x)
    x->name = text.substr(0, equals);
  return x;
}

std::string node_name(const settings& values) {
  if (!values.node.name.empty())
    return values.node.name;
  char name[256] = {};
  return ::gethostname(name, sizeof(name) - 1) == 0 && name[0] != '\0' ? name : "localhost";
}

std::vector<cluster_node> cluster_nodes(const settings& values) {
  std::vector<cluster_node> result;
  for (const auto& text : values.cluster.nodes)
    if (auto x = read_cluster_node(text))
      result.push_back(std::move(*x));
  return result;
}

std::string own_address(const settings& values) {
  for (const auto& x : cluster_nodes(values))
    if (x.name == node_name(values))
      return x.address();
  return with_port(values.caf.address, values.caf.port);
}

} // namespace overwatch
