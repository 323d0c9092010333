#pragma once

#include "actors/handler.hpp"
#include "messages/actors.hpp"

#include <caf/actor_system.hpp>

namespace overwatch {

/// What handlers may ask of their node, through its gateway. Thread-safe: every call is a conversation of its own.
/// `system` must outlive it.
std::shared_ptr<node_services> make_gateway_services(caf::actor_system& system, gateway_actor gateway,
                                                     milliseconds timeout);

} // namespace overwatch
