#pragma once

#include "config/settings.hpp"
#include "messages/actors.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/expected.hpp>

namespace overwatch {

/// Registers what crosses between nodes and loads CAF's network module for a node that has a port, with mutual TLS
/// when certificates are configured.
void load_caf_network(caf::actor_system_config& system, const settings& config);

/// Makes the front door reachable at `caf.address` and `caf.port`; the port, or a sentence.
caf::expected<uint16_t> publish_front(const gateway_actor& front, const settings& config);

} // namespace overwatch
