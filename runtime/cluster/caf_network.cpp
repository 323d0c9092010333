#include "runtime/cluster/caf_network.hpp"

#include "actors/wire.hpp"
#include "config/cluster_nodes.hpp"
#include "runtime/cluster/tls_errors.hpp"

#include <caf/io/middleman.hpp>
#include <caf/io/publish.hpp>
#include <caf/openssl/manager.hpp>
#include <caf/openssl/publish.hpp>

namespace overwatch {

namespace {

constexpr std::chrono::milliseconds heartbeat{500};
constexpr std::chrono::seconds silence{2}; // of a connection

} // namespace

void load_caf_network(caf::actor_system_config& system, const settings& config) {
  add_node_messages(system);
  if (config.caf.port == 0)
    return;
  system.set("middleman.heartbeat-interval", caf::timespan{heartbeat});
  system.set("middleman.connection-timeout", caf::timespan{silence});
  system.load<caf::io::middleman>();
  if (!has_certificate(config))
    return;
  separate_tls_errors();
  system.openssl_certificate = config.cluster.certificate;
  system.openssl_key = config.cluster.key;
  system.openssl_cafile = config.cluster.ca;
  system.load<caf::openssl::manager>();
}

caf::expected<uint16_t> publish_front(const gateway_actor& front, const settings& config) {
  const auto* address = config.caf.address.c_str();
  auto port = has_certificate(config) ? caf::openssl::publish(front, config.caf.port, address, true)
                                      : caf::io::publish(front, config.caf.port, address, true);
  if (port)
    return port;
  return make_error(ec::conflict, "cannot listen for CAF on " + config.caf.address + ":"
                                    + std::to_string(config.caf.port)
                                    + ": is the port taken? Choose another with --caf");
}

} // namespace overwatch
