#include "actors/change_facts.hpp"

namespace overwatch {

bool broke_a_rule(const task_change& change) {
  auto failed = change.kind == change_kind::ended && change.state.status == task_status::failed;
  return (failed || change.kind == change_kind::retrying) && change.state.error.kind != violation::none;
}

rollback_status rollback_told_by(const task_change& change) {
  const auto& state = change.state;
  if (change.kind == change_kind::rollback)
    return state.rollback;
  // The end of an attempt tells how its rollback went, also when the task only goes back to the queue. Later changes
  // of the task still carry what was said then.
  auto attempt_ended = change.before == task_status::running && state.status != task_status::running;
  auto finished = state.rollback == rollback_status::done || state.rollback == rollback_status::failed;
  return attempt_ended && finished ? state.rollback : rollback_status::none;
}

} // namespace overwatch
