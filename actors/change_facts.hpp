#pragma once

#include "actors/change.hpp"

namespace overwatch {

/// True when the change is the end of an attempt, or of a task that waited, by a violation: retried or final. What
/// was cancelled meanwhile does not count: it was asked to end.
bool broke_a_rule(const task_change& change);

/// What the change says about putting back what the task did: `running`, `done`, `failed`, or `none` when it is
/// about something else. Each rollback is told of once per status.
rollback_status rollback_told_by(const task_change& change);

} // namespace overwatch
