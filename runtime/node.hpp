#pragma once

#include "actors/handler.hpp"
#include "config/loader.hpp"

namespace overwatch {

/// Runs a node until SIGTERM or SIGINT, or until it fails: opens the store, starts the actors, serves HTTP
/// and CAF. `own` are task types of this program beside the built-in ones. Returns the exit status:
/// 0 after an ordered stop, 1 when it could not start (the reason is on standard error).
int run_node(const load_result& config, bool daemon, const handler_registry& own);

} // namespace overwatch
