#pragma once

#include "actors/change.hpp"

namespace overwatch {

/// Writes a change of a task to the node's log: violations as warnings, the rest for debugging. Never the
/// payload or the result.
void log_change(const task_change& change);

} // namespace overwatch
