#pragma once

#include "messages/requests.hpp"

namespace overwatch {

/// True when a task meets every condition of the filter. Text in names is compared without regard to the
/// case of ASCII letters.
bool matches(const task_filter& filter, const task_spec& spec, task_status status);

} // namespace overwatch
