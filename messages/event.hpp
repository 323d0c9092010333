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
  gap, ///< events of its partition up to its cursor are no longer kept: the reader has to look at the tasks again
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

/// A place in the event stream of a partition: the log index of the change, and the number of the event among those
/// that tell of it. The same on every node. An event that is not in the log (progress, log lines) has the index of the
/// newest entry where it is shown, and for a number the microseconds of its time, or more when others came in the same
/// one: such numbers are above those of all events that are in the log. So a reader that goes on at another node misses
/// no event of the log and sees none twice; of the others it may, around the moment of the change.
struct event_cursor {
  partition_id partition = 0;
  uint64_t index = 0;
  uint64_t number = 0;
};

/// No event that is in the log has a greater one.
inline constexpr uint64_t last_logged_number = 0xFFFF'FFFF;

/// Of one partition.
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

/// Text form `partition.index.number`.
std::string to_string(const event_cursor& cursor);
std::optional<event_cursor> parse_event_cursor(std::string_view text);

/// How far a reader has come: the cursor of the newest event that it has seen, of each partition.
struct event_position {
  /// by partition, ascending; from one that is not named it wants what comes from now on
  std::vector<event_cursor> cursors;

  /// Of a partition; null: it is not named.
  const event_cursor* find(partition_id partition) const;

  /// The reader has seen the event with this cursor.
  void advance(const event_cursor& cursor);

  /// False: the partitions do not ascend, or there are more than `max_position_partitions`.
  bool valid() const;
};

inline constexpr size_t max_position_partitions = 1024;

inline bool operator==(const event_position& x, const event_position& y) { return x.cursors == y.cursors; }

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, event_position& x) {
  return f(x.cursors);
}

/// Text form: the cursors with '-' between them, as in `id:` of server-sent events.
std::string to_string(const event_position& position);
std::optional<event_position> parse_event_position(std::string_view text);

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
/// the position that came with the answer, at this node or any other, so a slow reader costs the node nothing.
struct event_request {
  std::optional<event_position> after; ///< none: from now on
  uint32_t limit = 256;              ///< 1 to 4096
  milliseconds wait{0};
  std::vector<event_kind> kinds;     ///< empty: all
  std::optional<task_id> task;       ///< only of this task
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, event_request& x) {
  return f(x.after, x.limit, x.wait, x.kinds, x.task);
}

/// Events of one partition come in the order of its log, those of several in the order in which they reached the node.
struct event_batch {
  std::vector<event> events; ///< empty when the wait passed
  /// what was asked for, with every partition; each event takes it to the event's own cursor
  event_position from;
  event_position next;       ///< where to continue
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, event_batch& x) {
  return f(x.events, x.from, x.next);
}

} // namespace overwatch
