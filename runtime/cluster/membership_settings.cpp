#include "runtime/cluster/membership_settings.hpp"

#include "config/cluster_nodes.hpp"

namespace overwatch {

membership_options make_membership_options(const settings& config, const node_identity& identity,
                                           const std::string& instance, uint64_t seed) {
  membership_options x;
  x.node = node_name(config);
  x.address = own_address(config);
  x.version = OVERWATCH_VERSION;
  x.instance = instance;
  x.identity = identity;
  x.partitions = config.cluster.partitions;
  for (const auto& node : cluster_nodes(config))
    x.nodes.push_back({node.name, node.address()});
  x.seed = seed;
  // One interval less: a peer may fall silent just before it would have been heard.
  x.link.silent_pings = static_cast<uint32_t>(milliseconds{config.cluster.peer_timeout} / x.link.ping_interval) - 1;
  return x;
}

} // namespace overwatch
