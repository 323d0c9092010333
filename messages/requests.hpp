#pragma once

#include "messages/consistency.hpp"
#include "messages/error_code.hpp"
#include "messages/inspect_std.hpp"
#include "messages/task.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

/// What clients ask of the gateway, and its answers. Every request may also be answered with an error of
/// category `ec`.
namespace overwatch {

// -- submit ------------------------------------------------------------------

/// A task with its payload. Immutable, so that it is shared and not copied on its way through a node.
struct submission {
  std::shared_ptr<const task_spec> spec;        ///< `id` may be nil: the gateway chooses one
  std::shared_ptr<const std::string> payload;   ///< JSON object as text
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, submission& x) {
  return f(x.spec, x.payload);
}

/// 1 to 10,000 tasks. Each is accepted or refused by itself; the answer comes when all accepted ones are durable.
struct submit_request {
  std::vector<submission> tasks;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, submit_request& x) {
  return f(x.tasks);
}

struct submit_receipt {
  task_id id;
  task_status status = task_status::pending;
  bool existing = false; ///< a task with the same id or unique key was there; `id` names it
  failure error;         ///< why it was refused; `field` is a JSON pointer into the task
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, submit_receipt& x) {
  return f(x.id, x.status, x.existing, x.error);
}

/// One receipt per task, in the order of the request.
struct submit_reply {
  std::vector<submit_receipt> receipts;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, submit_reply& x) {
  return f(x.receipts);
}

inline constexpr size_t max_submit_tasks = 10'000;

// -- one task ----------------------------------------------------------------

/// The whole task, or `not_found`.
struct get_request {
  task_id id;
  consistency level = consistency::current;
};

/// The whole task once it has ended, or as it is after `limit` (at most 60 s).
struct wait_request {
  task_id id;
  milliseconds limit{0};
};

/// Ends a task in any unfinished status. Answers with the task: `cancelled`, or still `running` with
/// `cancel_requested` while its handler stops. `conflict` when it has ended otherwise.
struct cancel_request {
  task_id id;
  std::string reason;
};

/// Submits a finished task again as a new one whose origin names the old. `conflict` when it is unfinished.
struct retry_request {
  task_id id;
};

/// Removes a finished task with its log. `conflict` when it is unfinished.
struct remove_request {
  task_id id;
};

/// Why is it not running? For finished and running tasks the answer says so.
struct why_request {
  task_id id;
};

/// The newest entries of a task's log after `after`, oldest first.
struct log_request {
  task_id id;
  uint64_t after = 0; ///< sequence number
  uint32_t limit = 100;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, get_request& x) { return f(x.id, x.level); }
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, wait_request& x) { return f(x.id, x.limit); }
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, cancel_request& x) { return f(x.id, x.reason); }
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, retry_request& x) { return f(x.id); }
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, remove_request& x) { return f(x.id); }
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, why_request& x) { return f(x.id); }
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, log_request& x) { return f(x.id, x.after, x.limit); }

struct log_page {
  std::vector<log_entry> entries;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, log_page& x) { return f(x.entries); }

/// What an unfinished task waits for.
enum class wait_kind : uint8_t {
  nothing,         ///< it runs or has ended
  time,            ///< `scheduled_at` has not come
  backoff,         ///< the delay before the next attempt
  slot,            ///< every slot of its pool is taken
  turn,            ///< others of its type are before it
  handler_missing, ///< no live worker serves its type
  pause,           ///< dispatch is stopped
  disk,            ///< the disk is full
  gate,
  dependency,
  resources,
  concurrency,
  rate,
  exclusive, ///< a name that another task holds
  snapshot,  ///< a running task has a scope that overlaps
  rollback, ///< what its last attempt changed is being put back
  placement, ///< no node that it may run on is there, or takes work
  node       ///< the node that ran its attempt, to come back
};

inline constexpr std::array<std::string_view, 18> wait_kind_names{
  "nothing", "time", "backoff", "slot",       "turn",      "handler_missing", "pause",
  "disk",    "gate", "dependency", "resources", "concurrency", "rate",
  "exclusive", "snapshot", "rollback", "placement", "node"};

inline std::string_view name_of(wait_kind x) { return wait_kind_names[static_cast<size_t>(x)]; }

struct why_reply {
  task_id id;
  task_status status = task_status::pending;
  wait_kind kind = wait_kind::nothing;
  std::string sentence;                    ///< for people
  std::map<std::string, std::string> data; ///< the same facts for programs: until, slots, busy, ahead, ...
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, why_reply& x) {
  return f(x.id, x.status, x.kind, x.sentence, x.data);
}

// -- lists -------------------------------------------------------------------

/// Every condition that is set must hold; within one condition any value may match.
struct task_filter {
  std::vector<task_status> statuses;
  std::vector<std::string> task_types;
  std::vector<priority> priorities;
  std::vector<std::string> tags;
  std::vector<std::string> assigned_to;
  std::vector<std::string> subsystems;
  std::map<std::string, std::string> context; ///< all pairs must match
  std::optional<origin_kind> origin;
  std::string origin_id;
  std::optional<timestamp> created_from; ///< inclusive
  std::optional<timestamp> created_to;   ///< exclusive
  std::string text;                      ///< part of the name, in any case
  std::optional<task_id> workflow;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, task_filter& x) {
  return f(x.statuses, x.task_types, x.priorities, x.tags, x.assigned_to, x.subsystems, x.context, x.origin,
           x.origin_id, x.created_from, x.created_to, x.text, x.workflow);
}

/// Tasks newest first, without payload and result.
struct list_request {
  task_filter filter;
  uint32_t limit = 50;           ///< 1 to 1000
  std::optional<task_id> before; ///< the cursor: only tasks older than this one
  consistency level = consistency::current;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, list_request& x) {
  return f(x.filter, x.limit, x.before, x.level);
}

struct task_page {
  std::vector<task_record> tasks;
  std::optional<task_id> next; ///< cursor of the next page; none at the end
  bool cut_short = false; ///< the search took too long and stopped before `limit`: go on from `next`
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, task_page& x) {
  return f(x.tasks, x.next, x.cut_short);
}

// -- stats and status --------------------------------------------------------

struct stats_request {
  consistency level = consistency::current;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, stats_request& x) { return f(x.level); }

/// Number of stored tasks of one type, status and priority.
struct task_count {
  std::string task_type;
  task_status status = task_status::pending;
  priority importance = priority::normal;
  uint64_t count = 0;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, task_count& x) {
  return f(x.task_type, x.status, x.importance, x.count);
}

/// From counters that the state machine keeps; never counted by scanning.
struct stats_reply {
  std::vector<task_count> counts;  ///< what is stored now
  uint64_t submitted = 0;          ///< ever, also what was removed since; the same for those below
  uint64_t completed = 0;
  uint64_t failed = 0;
  uint64_t cancelled = 0;
  uint64_t attempts = 0;
  uint64_t retries = 0;
  std::map<std::string, uint64_t> violations; ///< by name
  double execution_seconds = 0;    ///< sum over completed tasks
  uint64_t applied = 0;            ///< position in the log
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, stats_reply& x) {
  return f(x.counts, x.submitted, x.completed, x.failed, x.cancelled, x.attempts, x.retries, x.violations,
           x.execution_seconds, x.applied);
}

struct status_request {};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, status_request&) { return f(); }

enum class disk_state : uint8_t { ok, low, full };
inline constexpr std::array<std::string_view, 3> disk_state_names{"ok", "low", "full"};
inline std::string_view name_of(disk_state x) { return disk_state_names[static_cast<size_t>(x)]; }

struct node_status {
  std::string node;      ///< its name
  std::string instance;  ///< a UUID that changes with every start
  std::string version;
  timestamp started_at;
  bool ready = false;    ///< serves requests: recovered, leads its partitions, disk not full
  bool dispatching = true; ///< false after a stop of dispatch
  bool stopping = false;
  disk_state disk = disk_state::ok;
  std::string problem;   ///< a sentence when not ready
  std::string data_dir;
  uint64_t disk_free_bytes = 0;
  uint32_t restarts = 0; ///< of components, since the start
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_status& x) {
  return f(x.node, x.instance, x.version, x.started_at, x.ready, x.dispatching, x.stopping, x.disk, x.problem,
           x.data_dir, x.disk_free_bytes, x.restarts);
}

// -- pools and workers -------------------------------------------------------

struct pools_request {};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, pools_request&) { return f(); }

struct pool_status {
  std::string task_type;
  std::string node;
  std::string description; ///< what its handler does
  uint32_t slots = 0;      ///< attempts that may run at once
  uint32_t busy = 0;
  uint32_t waiting = 0;    ///< attempts that were given to it and wait for a slot, a thread or a claim
  uint32_t abandoned = 0;  ///< handlers that ignored a cancel for 10 s and still occupy a thread
  bool blocking = true;
  uint64_t started = 0;    ///< attempts since the node started
  std::string worker;      ///< id of the attached worker whose slots these are; empty: handlers of the node
  std::string address;     ///< where that runs
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, pool_status& x) {
  return f(x.task_type, x.node, x.description, x.slots, x.busy, x.waiting, x.abandoned, x.blocking, x.started,
           x.worker, x.address);
}

struct pools_reply {
  std::vector<pool_status> pools;
  std::vector<std::string> types_without_handler; ///< known, but no pool here serves them
  uint32_t max_concurrent_tasks = 0;              ///< over all pools of the node
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, pools_reply& x) {
  return f(x.pools, x.types_without_handler, x.max_concurrent_tasks);
}

struct workers_request {};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, workers_request&) { return f(); }

struct worker_status {
  std::string id; ///< `<node>/<type>/<number>`; of an attached worker `<node>:<random>`, once for each of its types
  std::string task_type;
  std::string node;
  bool busy = false;
  std::optional<task_id> task;
  std::optional<timestamp> since; ///< start of its (oldest) attempt
  uint64_t completed = 0;
  uint64_t failed = 0;
  std::string name;      ///< of an attached worker (likewise below)
  std::string address;   ///< where it runs
  uint32_t slots = 1;
  uint32_t running = 0;  ///< attempts that it has
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, worker_status& x) {
  return f(x.id, x.task_type, x.node, x.busy, x.task, x.since, x.completed, x.failed, x.name, x.address, x.slots,
           x.running);
}

struct workers_reply {
  std::vector<worker_status> workers; ///< at most 1000, busy ones first
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, workers_reply& x) { return f(x.workers); }

// -- control -----------------------------------------------------------------

/// Stops or resumes dispatch; durable. Running tasks end by themselves unless `cancel_running`.
struct dispatch_request {
  bool run = true;
  bool cancel_running = false;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, dispatch_request& x) { return f(x.run, x.cancel_running); }

struct dispatch_reply {
  bool changed = false; ///< false: it was so already
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, dispatch_reply& x) { return f(x.changed); }

/// Changes settings that can change while the node runs; durable, and stronger than the config file until
/// the setting is cleared with an empty value. Keys: `max_concurrent_tasks`, `generation_interval` (s),
/// `retention` (s), `slots.<type>`, `task_types.<type>` (1: the type is known, also while nobody serves it; registering
/// a worker sets it).
struct settings_request {
  std::map<std::string, std::string> set; ///< empty: only read
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, settings_request& x) { return f(x.set); }

struct settings_reply {
  std::map<std::string, std::string> values; ///< in force now
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, settings_reply& x) { return f(x.values); }

/// Creates the node's periodic tasks now. Answers with their receipts.
struct generate_request {};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, generate_request&) { return f(); }

} // namespace overwatch
