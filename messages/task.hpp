#pragma once

#include "messages/task_id.hpp"
#include "messages/time.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch {

// -- enumerations ------------------------------------------------------------

/// Strict for `critical`; the others age upward so that nothing starves. Lower runs first.
enum class priority : uint8_t { critical, high, normal, low, background };

/// See the state machine in the README. `completed`, `failed` and `cancelled` are terminal.
enum class task_status : uint8_t { pending, queued, running, retrying, completed, failed, cancelled };

/// What ended an attempt (or a task that never started) other than success.
enum class violation : uint8_t { none, exception, timeout, gate, lost, poison, rejected, dependency };

enum class backoff_kind : uint8_t { fixed, exponential };
enum class gate_policy : uint8_t { fail, wait };
enum class dependency_policy : uint8_t { fail, cancel, run };
enum class rollback_status : uint8_t { none, running, done, failed };
enum class origin_kind : uint8_t { api, rule, schedule, alert, task };
enum class log_level : uint8_t { debug, info, warning, error };

/// Names in the order of their values: the words of the API, the CLI and the store.
inline constexpr std::array<std::string_view, 5> priority_names{"critical", "high", "normal", "low", "background"};
inline constexpr std::array<std::string_view, 7> task_status_names{"pending",   "queued", "running",  "retrying",
                                                                   "completed", "failed", "cancelled"};
inline constexpr std::array<std::string_view, 8> violation_names{"none",   "exception", "timeout",  "gate",
                                                                 "lost",   "poison",    "rejected", "dependency"};
inline constexpr std::array<std::string_view, 2> backoff_kind_names{"fixed", "exponential"};
inline constexpr std::array<std::string_view, 2> gate_policy_names{"fail", "wait"};
inline constexpr std::array<std::string_view, 3> dependency_policy_names{"fail", "cancel", "run"};
inline constexpr std::array<std::string_view, 4> rollback_status_names{"none", "running", "done", "failed"};
inline constexpr std::array<std::string_view, 5> origin_kind_names{"api", "rule", "schedule", "alert", "task"};
inline constexpr std::array<std::string_view, 4> log_level_names{"debug", "info", "warning", "error"};

inline std::string_view name_of(priority x) { return priority_names[static_cast<size_t>(x)]; }
inline std::string_view name_of(task_status x) { return task_status_names[static_cast<size_t>(x)]; }
inline std::string_view name_of(violation x) { return violation_names[static_cast<size_t>(x)]; }
inline std::string_view name_of(backoff_kind x) { return backoff_kind_names[static_cast<size_t>(x)]; }
inline std::string_view name_of(gate_policy x) { return gate_policy_names[static_cast<size_t>(x)]; }
inline std::string_view name_of(dependency_policy x) { return dependency_policy_names[static_cast<size_t>(x)]; }
inline std::string_view name_of(rollback_status x) { return rollback_status_names[static_cast<size_t>(x)]; }
inline std::string_view name_of(origin_kind x) { return origin_kind_names[static_cast<size_t>(x)]; }
inline std::string_view name_of(log_level x) { return log_level_names[static_cast<size_t>(x)]; }

/// The value whose name is `name`, from one of the tables above.
template <class Enum, size_t N>
std::optional<Enum> parse_name(const std::array<std::string_view, N>& names, std::string_view name) {
  for (size_t i = 0; i < N; ++i)
    if (names[i] == name)
      return static_cast<Enum>(i);
  return std::nullopt;
}

inline bool is_terminal(task_status x) {
  return x == task_status::completed || x == task_status::failed || x == task_status::cancelled;
}

// -- limits ------------------------------------------------------------------

/// Upper bounds of a task's fields; a submit above one is refused with the field's name.
namespace task_limits {
inline constexpr size_t name_bytes = 256;
inline constexpr size_t description_bytes = 4096;
inline constexpr size_t type_bytes = 64;
inline constexpr size_t label_bytes = 256;           ///< subsystem, assigned_to, a tag, a key or value of context
inline constexpr size_t list_entries = 64;           ///< tags, context, gates, dependencies, ...
inline constexpr size_t payload_bytes = 1024 * 1024; ///< JSON text
inline constexpr size_t result_bytes = 1024 * 1024;  ///< JSON text
inline constexpr size_t message_bytes = 4096;        ///< an error or progress message, a log line
inline constexpr uint32_t max_attempts = 1000;
inline constexpr milliseconds max_timeout = std::chrono::hours{24 * 30};
inline constexpr size_t approvals = 64;
inline constexpr size_t path_bytes = 4096;           ///< a path of a snapshot scope
inline constexpr size_t workflow_tasks = 1000;
inline constexpr uint32_t max_rate = 1'000'000;
} // namespace task_limits

// -- parts of a task ---------------------------------------------------------

/// Which failures are retried and when. The delay before attempt n+1 is `base` (fixed) or
/// `base * 2^(n-1)` (exponential), at most `max`, then scaled by a random factor in [1-jitter, 1+jitter].
struct retry_policy {
  uint32_t max_attempts = 1;
  backoff_kind backoff = backoff_kind::fixed;
  milliseconds base{1000};
  milliseconds max{600'000};
  double jitter = 0.2; ///< 0 to 1
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, retry_policy& x) {
  return f(x.max_attempts, x.backoff, x.base, x.max, x.jitter);
}

/// What an attempt takes of the node that runs it.
struct resource_request {
  double cpu = 0;         ///< share of the node, 0 to 1
  uint32_t memory_mb = 0; ///< MiB
  double io = 0;          ///< share of the node, 0 to 1
  std::vector<std::string> exclusive; ///< names that one task may hold at a time, e.g. `obd2:can0`
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, resource_request& x) {
  return f(x.cpu, x.memory_mb, x.io, x.exclusive);
}

/// At most `limit` running tasks share `key`, in the whole cluster. No limit when `key` is empty.
struct concurrency_limit {
  std::string key;
  uint32_t limit = 1;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, concurrency_limit& x) {
  return f(x.key, x.limit);
}

/// What is captured before each attempt and restored on a violation.
struct snapshot_scope {
  std::vector<std::string> keys;  ///< prefixes in the key-value space
  std::vector<std::string> files; ///< paths on the executing node
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, snapshot_scope& x) {
  return f(x.keys, x.files);
}

/// At most `limit` starts of tasks with this `key` in any `per`, as a token bucket that holds `limit` tokens and
/// fills evenly. No limit when `key` is empty.
struct rate_limit {
  std::string key;
  uint32_t limit = 1;          ///< 1 to 1,000,000
  milliseconds per{1000};      ///< 1 ms to 30 days
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, rate_limit& x) {
  return f(x.key, x.limit, x.per);
}

/// A submit whose key has a result that is younger than `ttl` completes at once with it. None when `key` is empty.
struct result_cache {
  std::string key;
  milliseconds ttl{0};
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, result_cache& x) {
  return f(x.key, x.ttl);
}

/// On which nodes a task may run. Empty: on all.
struct task_placement {
  std::string node;                          ///< its name; empty: any
  std::map<std::string, std::string> labels; ///< that the node must have, all of them

  bool empty() const { return node.empty() && labels.empty(); }
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, task_placement& x) {
  return f(x.node, x.labels);
}

/// A person's consent that opens an approval gate for one task.
struct approval {
  std::string gate;
  std::string by;
  std::string reason;
  timestamp time;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, approval& x) {
  return f(x.gate, x.by, x.reason, x.time);
}

/// What an attempt really took, as far as it could be measured: of the processes of a named command.
struct resource_usage {
  double cpu_seconds = 0;
  uint64_t peak_memory_bytes = 0;
  uint64_t read_bytes = 0;    ///< from storage
  uint64_t written_bytes = 0; ///< to storage
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, resource_usage& x) {
  return f(x.cpu_seconds, x.peak_memory_bytes, x.read_bytes, x.written_bytes);
}

/// Why a task exists: the API call, or the rule, schedule, alert or task with this id.
struct task_origin {
  origin_kind kind = origin_kind::api;
  std::string id;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, task_origin& x) {
  return f(x.kind, x.id);
}

/// Names one attempt. What carries an older token than the task's is refused.
struct fencing_token {
  uint64_t epoch = 0;   ///< of the partition's leadership that started the attempt
  uint32_t attempt = 0; ///< counts every start, from 1
};

inline bool operator==(const fencing_token& x, const fencing_token& y) {
  return x.epoch == y.epoch && x.attempt == y.attempt;
}
inline bool operator!=(const fencing_token& x, const fencing_token& y) { return !(x == y); }

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, fencing_token& x) {
  return f(x.epoch, x.attempt);
}

struct task_error {
  violation kind = violation::none;
  std::string message;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, task_error& x) {
  return f(x.kind, x.message);
}

// -- the task ----------------------------------------------------------------

/// What a client asked for. Only `patch_request` changes it after the submit. The payload (a JSON object as text)
/// travels beside it, because most readers do not want it.
struct task_spec {
  task_id id;
  std::string name;
  std::string description;
  std::string task_type = "user_task";
  std::string subsystem = "core";
  priority importance = priority::normal; ///< `priority` on the wire
  std::vector<std::string> tags;
  std::string assigned_to;
  std::map<std::string, std::string> context; ///< user_id, session_id, trace ids, ...
  std::optional<timestamp> scheduled_at;      ///< not eligible before it
  std::optional<timestamp> deadline;          ///< includes the time in the queue
  milliseconds timeout{1'800'000};            ///< of one attempt
  retry_policy retry;
  std::vector<std::string> required_gates;
  gate_policy on_closed_gate = gate_policy::fail;
  std::vector<task_id> depends_on;
  dependency_policy on_dependency_failure = dependency_policy::fail;
  resource_request resources;
  std::string unique_key;
  std::optional<milliseconds> unique_for;
  concurrency_limit concurrency;
  snapshot_scope snapshot;
  task_origin origin;
  timestamp created_at;
  bool cancel_on_gate_close = false; ///< a required gate that closes cancels the running attempt
  milliseconds keep_snapshot{0};     ///< of a completed task, so that it can be rolled back on request; 0: dropped
  std::string fairness_key;          ///< tasks of one priority take turns by it
  rate_limit rate;
  result_cache cache;
  task_id workflow;                  ///< nil: of none
  task_placement placement;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, task_spec& x) {
  return f(x.id, x.name, x.description, x.task_type, x.subsystem, x.importance, x.tags, x.assigned_to, x.context,
           x.scheduled_at, x.deadline, x.timeout, x.retry, x.required_gates, x.on_closed_gate, x.depends_on,
           x.on_dependency_failure, x.resources, x.unique_key, x.unique_for, x.concurrency, x.snapshot, x.origin,
           x.created_at, x.cancel_on_gate_close, x.keep_snapshot, x.fairness_key, x.rate, x.cache, x.workflow,
           x.placement);
}

/// What happened to it so far. Changes only through the replicated log, but for `percent` and `message`,
/// which are live values while an attempt runs.
struct task_state {
  task_status status = task_status::pending;
  fencing_token fence;              ///< of the newest attempt
  uint32_t failures = 0;            ///< attempts that count against `retry.max_attempts`
  uint32_t lost_in_a_row = 0;       ///< against the poison cap
  bool cancel_requested = false;    ///< a running attempt was told to stop
  uint64_t order = 0;               ///< place in the ready queue; smaller runs first within one priority
  std::optional<timestamp> due;     ///< when a pending or retrying task becomes eligible
  std::optional<timestamp> queued_at;
  std::optional<timestamp> started_at; ///< of the newest attempt; once it ended: when its handler was called
  std::optional<timestamp> finished_at;
  double percent = 0; ///< 0 to 100
  std::string message;
  task_error error; ///< of the newest violation
  rollback_status rollback = rollback_status::none;
  std::string node;   ///< that ran the newest attempt
  std::string worker;
  std::string cancel_reason;
  std::optional<std::chrono::microseconds> execution; ///< of the newest attempt that ended, as its worker measured
  std::string waits_for;            ///< why it does not start, e.g. `gate:deploy`, `concurrency:db`; see `wait_reason`
  uint32_t parents_left = 0;        ///< of `depends_on`, unfinished
  std::vector<approval> approvals;
  task_id cached_from;              ///< the task whose result it got; nil: it has its own
  resource_usage usage;             ///< of the newest attempt that ended
  std::string rollback_message;     ///< what was put back, or why it could not be
  std::optional<timestamp> snapshot_until; ///< of a completed task: until when it can be rolled back
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, task_state& x) {
  return f(x.status, x.fence, x.failures, x.lost_in_a_row, x.cancel_requested, x.order, x.due, x.queued_at,
           x.started_at, x.finished_at, x.percent, x.message, x.error, x.rollback, x.node, x.worker, x.cancel_reason,
           x.execution, x.waits_for, x.parents_left, x.approvals, x.cached_from, x.usage, x.rollback_message,
           x.snapshot_until);
}

/// A whole task as clients see it.
struct task_record {
  task_spec spec;
  task_state state;
  std::string payload; ///< JSON object as text; empty in lists
  std::string result;  ///< JSON as text, empty when there is none; empty in lists
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, task_record& x) {
  return f(x.spec, x.state, x.payload, x.result);
}

/// One entry of a task's log; the newest 100 are kept.
struct log_entry {
  timestamp time;
  log_level level = log_level::info;
  uint64_t sequence = 0; ///< counts from 1 within the task
  uint32_t attempt = 0;
  std::string message;
  std::string data; ///< JSON as text, or empty
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, log_entry& x) {
  return f(x.time, x.level, x.sequence, x.attempt, x.message, x.data);
}

/// Seconds that the newest attempt took; nothing before it ended.
std::optional<double> execution_seconds(const task_state& state);

} // namespace overwatch
