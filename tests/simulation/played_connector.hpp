#pragma once

#include "actors/cluster_interfaces.hpp"
#include "tests/simulation/host.hpp"

namespace overwatch::simulation {

/// Dials over the wire, which takes some time; longer when there is no way.
connector_actor play_connector(caf::actor_system& system, wire& net, chance& random, host_id from);

} // namespace overwatch::simulation
