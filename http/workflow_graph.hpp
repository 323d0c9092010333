#pragma once

#include "messages/workflow.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::http {

/// One thing that is wrong with a graph of tasks.
struct graph_fault {
  size_t task = 0;              ///< its position
  std::string_view field;       ///< of the task: `name` or `depends_on`
  std::optional<size_t> parent; ///< position in `depends_on`
  std::string message;          ///< a sentence that names the name
};

/// Checks that names are names and not doubled, that parents exist, and that no task waits for itself by whatever way.
/// All faults of names; one cycle only when there are none. Takes time in proportion to tasks and parents.
std::vector<graph_fault> check_graph(const std::vector<workflow_task>& tasks);

} // namespace overwatch::http
