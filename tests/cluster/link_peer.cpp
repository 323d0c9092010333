#include "config/cluster_nodes.hpp"
#include "runtime/cluster/caf_connector.hpp"
#include "runtime/cluster/caf_network.hpp"
#include "runtime/cluster/membership_settings.hpp"
#include "tests/support/memory_store.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>

#include <csignal>
#include <iostream>
#include <random>
#include <set>
#include <sstream>
#include <sys/prctl.h>

/// A node that has membership and nothing else. Arguments: name, port, `cluster.nodes` with commas, and certificate,
/// key and authority or none of them. Prints `settled`, `up NAME`, `down NAME` and `log TEXT` as they happen; says `log
/// hello from NAME` to everyone who is up. Ends with its parent.
namespace overwatch::test {

namespace {

settings settings_of(int argc, char** argv) {
  settings x;
  x.node.name = argv[1];
  x.caf.port = static_cast<uint16_t>(std::stoi(argv[2]));
  std::istringstream list{argv[3]};
  for (std::string node; std::getline(list, node, ',');)
    x.cluster.nodes.push_back(node);
  if (argc == 7) {
    x.cluster.certificate = argv[4];
    x.cluster.key = argv[5];
    x.cluster.ca = argv[6];
  }
  return x;
}

struct printer_state {
  std::set<std::string> up;
};

caf::behavior printer(caf::stateful_actor<printer_state>* self, std::string name) {
  return {
    [](const identity_report& x) {
      if (x.identity.settled())
        std::cout << "settled" << std::endl;
    },
    [=](const peer_report& x) {
      if (x.up ? !self->state.up.insert(x.node).second : self->state.up.erase(x.node) == 0)
        return; // news of one that stays up
      std::cout << (x.up ? "up " : "down ") << x.node << std::endl;
      if (x.up)
        self->send(caf::actor_cast<link_actor>(x.link), log_delivery{0, "hello from " + name});
    },
    [](const log_delivery& x) { std::cout << "log " << x.bytes << std::endl; },
  };
}

caf::behavior front_door(caf::event_based_actor*) { return {[](caf::get_atom) {}}; }

int run(const settings& config) {
  caf::actor_system_config system_config;
  load_caf_network(system_config, config);
  caf::actor_system system{system_config};
  memory_store db;
  std::random_device device;
  auto random = [&] { return static_cast<uint64_t>(device()) << 32 | device(); };
  auto identity = *open_identity(db, false, config.cluster.partitions, random);
  auto seed = random();
  auto options = make_membership_options(config, identity, std::to_string(seed), seed);
  auto listener = system.spawn(printer, config.node.name);
  connector_options connecting;
  connecting.tls = has_certificate(config);
  auto handle = system.spawn(membership, options, system.spawn(caf_connector, connecting),
                             system.spawn<caf::detached>(identity_keeper, &db),
                             caf::actor_cast<identity_listener>(listener));
  auto own = caf::actor_cast<caf::strong_actor_ptr>(listener);
  local_components components;
  components.replicas.push_back(own);
  caf::anon_send(handle, components);
  caf::anon_send(handle, caf::subscribe_atom::value, own);
  announce(system, handle);
  auto front = caf::actor_cast<gateway_actor>(system.spawn(front_door));
  if (auto port = publish_front(front, config); !port) {
    std::cerr << describe(port.error()).message << std::endl;
    return 1;
  }
  std::cout << "ready" << std::endl;
  sigset_t none;
  sigemptyset(&none);
  ::sigsuspend(&none); // until it is killed
  return 0;
}

} // namespace

} // namespace overwatch::test

int main(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (argc != 4 && argc != 7)
    return 2;
  return overwatch::test::run(overwatch::test::settings_of(argc, argv));
}
