#pragma once

#include "messages/inspect_std.hpp"
#include "messages/task.hpp"

#include <memory>
#include <string>
#include <vector>

namespace overwatch {

enum class event_kind : uint8_t {
  task_created,
  task_queued,
  task_started,
  task_progress,
  task_log,
  task_retrying,
  task_cancelling, ///< a running attempt was told to stop
  task_completed,
  task_failed,
  task_cancelled,
  task_deleted,
  dispatch_stopped,
  dispatch_resumed,
  gap, ///< events before this one are no longer kept: the reader has to look at the tasks again
  task_violation,    ///< an attempt, or a task that waited, broke a rule; `error` says which
  task_rollback,     ///< what it changed is being put back, was put back, or could not be: `rollback`
  task_changed,      ///< priority, times or tags
  task_approved,
  gate_opened,       ///< `message`: name and reason
  gate_closed,
  workflow_finished, ///< `message`: id and status
};

inline constexpr std::array<std::string_view, 21> event_kind_names{
  "task_created",   "task_queued",    "task_started", "task_progress",    "task_log",
  "task_retrying",  "task_cancelling", "task_completed", "task_failed",   "task_cancelled",
  "task_deleted",   "dispatch_stopped", "dispatch_resumed", "gap",
  "task_violation", "task_rollback",  "task_changed", "task_approved",    "gate_opened",
  "gate_closed",    "workflow_finished"};

inline std::string_view name_of(event_kind x) { return event_kind_names[static_cast<size_t>(x)]; }

/// A place in the event stream of a partition: the log index of the change and a number within it. Events
/// that are not in the log (progress, log lines) continue the numbers of the newest index.
struct event_cursor {
  partition_id partition = 0;
  uint64_t index = 0;
  uint64_t number = 0;
};

inline bool operator<(const event_cursor& x, const event_cursor& y) {
  return x.index != y.index ? x.index < y.index : x.number < y.number;
}
inline bool operator==(const event_cursor& x, const event_cursor& y) {
  return x.partition == y.partition && x.index == y.index && x.number == y.number;
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, event_cursor& x) {
  return f(x.partition, x.index, x.number);
}

/// Text form `partition.index.number`, as in `id:` of server-sent events.
std::string to_string(const event_cursor& cursor);
std::optional<event_cursor> parse_event_cursor(std::string_view text);

struct event {
  event_cursor cursor;
  timestamp time;
  event_kind kind = event_kind::gap;
  std::shared_ptr<const task_spec> spec; ///< null for events that are not about a task
  task_status status = task_status::pending;
  uint32_t attempt = 0;
  double percent = 0;
  task_error error;    ///< of failed and retrying tasks
  std::string message; ///< progress text, log line, cancel reason
  log_level level = log_level::info;
  std::optional<double> execution_time; ///< seconds, of ended tasks
  rollback_status rollback = rollback_status::none;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, event& x) {
  return f(x.cursor, x.time, x.kind, x.spec, x.status, x.attempt, x.percent, x.error, x.message, x.level,
           x.execution_time, x.rollback);
}

/// The events after `after`, waiting up to `wait` (at most 60 s) for the first. The reader asks again with
/// the cursor of the last event it got, so a slow reader costs the node nothing.
struct event_request {
  std::optional<event_cursor> after; ///< none: from now on
  uint32_t limit = 256;              ///< 1 to 4096
  milliseconds wait{0};
  std::vector<event_kind> kinds;     ///< empty: all
  std::optional<task_id> task;       ///< only of this task
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, event_request& x) {
  return f(x.after, x.limit, x.wait, x.kinds, x.task);
}

struct event_batch {
  std::vector<event> events; ///< oldest first; empty when the wait passed
  event_cursor next;         ///< where to continue
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, event_batch& x) {
  return f(x.events, x.next);
}

} // namespace overwatch
