#pragma once

#include "messages/workflow.hpp"

#include <caf/expected.hpp>

#include <vector>

namespace overwatch {

/// The tasks of a workflow, by their places in `tasks`, so that parents come before their children; otherwise as the
/// client wrote them. An error names the task: doubled and bad names, unknown parents, cycles with their whole way.
caf::expected<std::vector<size_t>> order_of_tasks(const std::vector<workflow_task>& tasks);

} // namespace overwatch
