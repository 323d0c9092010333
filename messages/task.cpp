#include "messages/task.hpp"

namespace overwatch {

std::optional<double> execution_seconds(const task_state& state) {
  if (!state.started_at || !state.finished_at)
    return std::nullopt;
  return std::chrono::duration<double>(*state.finished_at - *state.started_at).count();
}

} // namespace overwatch
