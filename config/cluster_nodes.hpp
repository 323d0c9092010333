#pragma once

#include "config/settings.hpp"

#include <optional>
#include <string>
#include <vector>

namespace overwatch {

/// An entry of `cluster.nodes`.
struct cluster_node {
  std::string name;
  std::string host; ///< an IP address, or a name that is looked up
  uint16_t port = 0;

  std::string address() const; ///< host:port; an IPv6 host in brackets
};

inline constexpr size_t max_cluster_nodes = 64;
inline constexpr size_t max_node_name = 64; ///< bytes

/// From `name=host:port` or `name=[ipv6]:port`.
std::optional<cluster_node> read_cluster_node(const std::string& text);

/// The host and port of `host:port` or `[ipv6]:port`, with an empty name.
std::optional<cluster_node> read_node_address(const std::string& text);

/// Letters, digits, `-`, `_` and `.`; not too long.
bool is_node_name(const std::string& text);

/// `node.name`, or else the host's name.
std::string node_name(const settings& values);

/// All entries of `cluster.nodes` that can be read.
std::vector<cluster_node> cluster_nodes(const settings& values);

/// What peers are told to reach this node under: its entry in `cluster.nodes`, or else where it listens.
std::string own_address(const settings& values);

/// TLS is configured.
inline bool has_certificate(const settings& values) {
  return !values.cluster.certificate.empty() && !values.cluster.key.empty() && !values.cluster.ca.empty();
}

} // namespace overwatch
