#include "messages/task.hpp"

namespace overwatch {

std::optional<double> execution_seconds(const task_state& state) {
  if (!state.execution)
    return std::nullopt;
  return std::chrono::duration<double>(*state.execution).count();
}

} // namespace overwatch
