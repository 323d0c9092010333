#pragma once

#include "tests/simulation/wire.hpp"

#include "messages/time.hpp"

#include <caf/actor_proxy.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/proxy_registry.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_execution_unit.hpp>

#include <functional>
#include <string>

namespace overwatch::simulation {

/// One life of a node: an actor system of its own, run by the simulation one message at a time, with a clock of its
/// own. Handles of actors on other hosts are proxies, as they are over CAF's network: what is said to them is
/// serialised, and given to the wire. Nothing else leads out of it.
class host final : private caf::proxy_registry::backend {
public:
  host(wire& net, chance& random, host_id id, std::string node, milliseconds clock);
  ~host() override;

  caf::actor_system& system() { return system_; }
  host_id id() const { return id_; }
  const std::string& node() const { return node_; }
  bool is_alive() const { return alive_; } ///< false: what its actors still do never happened

  /// The actor that other nodes find when they dial this one.
  caf::strong_actor_ptr front;
  uint64_t crash_after = 0;  ///< so many messages the power fails; 0: it does not
  bool any_order = false;    ///< actors take turns by chance, not in the order in which they got messages
  std::function<void(caf::message&)> tamper; ///< changes what comes; may be none

  /// Lives until the host dies, and is ended then; what it alone knows goes with it.
  void keep(const caf::strong_actor_ptr& x);

  /// Gets its messages before all others: it only looks.
  void prefer(const caf::actor& x);

  /// It can do nothing for a while: its messages wait.
  void stall(const caf::actor& x, milliseconds until);

  /// Runs whatever is to be done when its clock shows `clock`. False: the power failed. Throws `broken_rule`.
  bool run(milliseconds clock);
  bool has_work(milliseconds clock) const;

  /// Ends all actors; nothing of what they say leaves it.
  void kill();

  /// A handle of an actor of another host.
  caf::strong_actor_ptr handle_of(host& there, const caf::strong_actor_ptr& x);

  // From the wire.
  void deliver(host_id from, const frame& x);
  void lost(host_id peer);

  /// From proxies.
  void send(const caf::actor_proxy& to, caf::mailbox_element& what);

  uint64_t steps() const { return steps_; }

private:
  struct config : caf::actor_system_config {
    config();
  };

  caf::strong_actor_ptr make_proxy(caf::node_id there, caf::actor_id id) override;
  void set_last_hop(caf::node_id*) override {}
  void take_message(const frame& x);
  void watch(host_id from, uint64_t actor);
  bool run_one(milliseconds clock);

  wire& wire_;
  chance& random_;
  host_id id_;
  std::string node_;
  config config_;
  caf::actor_system system_;
  caf::scheduler::test_coordinator& coordinator_;
  caf::proxy_registry proxies_;
  caf::scoped_execution_unit context_;
  bool alive_ = true;
  uint64_t steps_ = 0;
  caf::resumable* preferred_ = nullptr;
  caf::resumable* stalled_ = nullptr;
  milliseconds stalled_until_{0};
  std::string failure_; ///< why it can not go on
};

} // namespace overwatch::simulation
