#pragma once

#include "actors/change.hpp"
#include "messages/event.hpp"

#include <vector>

namespace overwatch {

/// The events that tell of a change, in their order: a violation, a rollback, and what became of the task. They
/// have no cursor yet.
std::vector<event> events_of(const task_change& change, timestamp time);

} // namespace overwatch
