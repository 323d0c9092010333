#include "runtime/cluster/caf_connector.hpp"

#include "config/cluster_nodes.hpp"
#include "runtime/cluster/tcp_probe.hpp"

#include <caf/actor_registry.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/openssl/manager.hpp>
#include <caf/typed_response_promise.hpp>

namespace overwatch {

namespace {

constexpr auto membership_name = caf::atom("membership");

using dial_promise = caf::typed_response_promise<dial_reply>;

/// A dial on its way.
struct dial {
  std::string address;
  dial_promise promise;

  void fail(const std::string& why) { promise.deliver(make_error(ec::unavailable, why)); }
};

// Blocks, so it has a thread of its own; answers one request and ends.
caf::behavior prober(caf::event_based_actor* self, milliseconds limit) {
  return {[=](const std::string& host, uint16_t port) -> caf::result<std::string> {
    self->quit();
    auto address = probe_tcp(host, port, limit);
    if (!address)
      return address.error();
    return *address;
  }};
}

// Asks the registry of that node for its membership.
void find_membership(connector_actor::pointer self, connector_options options, dial x, const caf::node_id& there) {
  auto found = [=](const caf::strong_actor_ptr& membership) mutable {
    if (membership)
      x.promise.deliver(dial_reply{membership});
    else
      x.fail("the node at " + x.address + " is not ready");
  };
  if (there == self->system().node()) {
    found(self->system().registry().get(membership_name));
    return;
  }
  auto broker = self->system().middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
  self->request(broker, options.connect_limit, caf::forward_atom::value, there, caf::atom("ConfigServ"),
                caf::make_message(caf::get_atom::value, membership_name))
    .then(found, [=](const caf::error&) mutable { x.fail("the node at " + x.address + " does not answer"); });
}

void connect(connector_actor::pointer self, connector_options options, dial x, const std::string& host, uint16_t port) {
  auto& system = self->system();
  const auto& dialler = options.tls ? system.openssl_manager().actor_handle() : system.middleman().actor_handle();
  self->request(dialler, options.connect_limit, caf::connect_atom::value, host, port)
    .then([=](const caf::node_id& there, const caf::strong_actor_ptr&,
              const std::set<std::string>&) { find_membership(self, options, x, there); },
          [=](const caf::error&) mutable {
            x.fail("something listens at " + x.address + ", but it does not greet as a node"
                   + (options.tls ? ": is its certificate of the same authority?" : " (without TLS)"));
          });
}

} // namespace

connector_actor::behavior_type caf_connector(connector_actor::pointer self, connector_options options) {
  return {[=](const dial_request& request) -> caf::result<dial_reply> {
    auto where = read_node_address(request.address);
    if (!where)
      return make_error(ec::invalid, "\"" + request.address + "\" is not host:port");
    dial x{request.address, self->make_response_promise<dial_reply>()};
    self->request(self->spawn<caf::detached>(prober, options.probe_limit), options.find_limit, where->host, where->port)
      .then([=](const std::string& host) { connect(self, options, x, host, where->port); },
            [=](const caf::error& error) mutable { x.fail(describe(error).message); });
    return x.promise;
  }};
}

void announce(caf::actor_system& system, const membership_actor& membership) {
  withdraw_membership(system); // CAF keeps the first of a name
  system.registry().put(membership_name, caf::actor_cast<caf::strong_actor_ptr>(membership));
}

void withdraw_membership(caf::actor_system& system) { system.registry().erase(membership_name); }

} // namespace overwatch
