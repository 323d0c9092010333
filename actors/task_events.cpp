#include "actors/task_events.hpp"

#include "actors/change_facts.hpp"

namespace overwatch {

namespace {

// What the change itself is called; nothing for one that clients are not told of.
std::optional<event_kind> kind_of(const task_change& change) {
  switch (change.kind) {
    case change_kind::created:
      return event_kind::task_created;
    case change_kind::queued:
      return event_kind::task_queued;
    case change_kind::started:
      return event_kind::task_started;
    case change_kind::cancelling:
      return event_kind::task_cancelling;
    case change_kind::retrying:
      return event_kind::task_retrying;
    case change_kind::removed:
      return event_kind::task_deleted;
    case change_kind::patched:
      return event_kind::task_changed;
    case change_kind::approved:
      return event_kind::task_approved;
    case change_kind::parked:   // what it waits for changes often; `why` says it
    case change_kind::rollback: // told by `rollback_told_by`
      return std::nullopt;
    case change_kind::ended:
      break;
  }
  switch (change.state.status) {
    case task_status::completed:
      return event_kind::task_completed;
    case task_status::failed:
      return event_kind::task_failed;
    default:
      return event_kind::task_cancelled;
  }
}

} // namespace

std::vector<event> events_of(const task_change& change, timestamp time) {
  event x;
  x.time = time;
  x.spec = change.spec;
  x.status = change.state.status;
  x.attempt = change.state.fence.attempt;
  x.percent = change.state.percent;
  x.error = change.state.error;
  x.rollback = change.state.rollback;
  if (change.kind == change_kind::ended || change.kind == change_kind::retrying)
    x.execution_time = execution_seconds(change.state);
  std::vector<event> result;
  auto add = [&](event_kind kind, std::string message) {
    x.kind = kind;
    x.message = std::move(message);
    result.push_back(x);
  };
  if (broke_a_rule(change))
    add(event_kind::task_violation, {});
  if (rollback_told_by(change) != rollback_status::none)
    add(event_kind::task_rollback, change.state.rollback_message);
  if (auto kind = kind_of(change)) {
    std::string message;
    if (*kind == event_kind::task_cancelling || *kind == event_kind::task_cancelled)
      message = change.state.cancel_reason;
    else if (*kind == event_kind::task_approved && !change.state.approvals.empty())
      message = change.state.approvals.back().gate + " by " + change.state.approvals.back().by;
    add(*kind, std::move(message));
  }
  return result;
}

} // namespace overwatch
