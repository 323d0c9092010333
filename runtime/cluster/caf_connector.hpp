#pragma once

#include "actors/cluster_interfaces.hpp"

#include <caf/actor_system.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace overwatch {

struct connector_options {
  bool tls = false;
  milliseconds probe_limit{2'000};  ///< for each IP address of the peer
  milliseconds find_limit{8'000};   ///< for all of them, and the resolver before
  milliseconds connect_limit{5'000}; ///< for CAF's own greeting, and for the question behind it
};

/// Dials over CAF's network module, which must be loaded. Answers each request once; several may be under way.
connector_actor::behavior_type caf_connector(connector_actor::pointer self, connector_options options);

/// Lets other nodes find this node's membership; replaces an earlier one.
void announce(caf::actor_system& system, const membership_actor& membership);

/// Before the actor system ends.
void withdraw_membership(caf::actor_system& system);

} // namespace overwatch
