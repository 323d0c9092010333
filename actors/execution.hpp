#pragma once

#include "actors/cancellation.hpp"
#include "actors/change.hpp"
#include "actors/file_snapshots.hpp"
#include "messages/inspect_std.hpp"
#include "messages/requests.hpp"

#include <caf/actor_control_block.hpp>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// What schedulers, pools and snapshotters say to each other. They may be on different nodes, so all of it has a type id
/// (`actors/wire.hpp`), and any of it may get lost, come twice, or late.
///
/// A scheduler knows what runs from the log; a pool knows what it holds. After a change of leader, and now and then, the pool
/// says all that it holds, and the two agree: what the pool names is adopted or stopped, what it does not name is lost.
namespace overwatch {

/// Orders all that the leaders of one partition say to pools. A pool takes nothing that is not newer than the newest that
/// it has heard: so what was under way when it named what it holds can not begin afterwards.
struct message_mark {
  uint64_t epoch = 0;
  uint64_t number = 0;
};
inline bool operator<(const message_mark& x, const message_mark& y) {
  return x.epoch != y.epoch ? x.epoch < y.epoch : x.number < y.number;
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, message_mark& x) {
  return f(x.epoch, x.number);
}

// -- from pools ----------------------------------------------------------------

/// An attempt that a pool has: it runs, waits for a worker or its capture, or has ended and is not settled.
struct held_attempt {
  task_id id;
  fencing_token fence;
  bool ended = false;
  std::optional<timestamp> deadline{}; ///< that it goes by
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, held_attempt& x) {
  return f(x.id, x.fence, x.ended, x.deadline);
}

/// A pool offers its slots and says what it holds. Sent to a scheduler that it is to work for until that answers, when the
/// slots change, and when it is asked for.
struct pool_offer {
  std::string task_type;
  std::string node;
  uint32_t slots = 0;
  bool live = true;        ///< false: no more work, please
  std::string name{};      ///< of the pool among those of the type on its node; empty: the type
  uint64_t number = 0;     ///< grows with every offer of the pool
  message_mark heard{};    ///< the newest that it took of this partition
  std::vector<held_attempt> held{}; ///< of this partition
  bool shared = false;     ///< among partitions: how many of the slots this one may use comes from the `slot_keeper`
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, pool_offer& x) {
  return f(x.task_type, x.node, x.slots, x.live, x.name, x.number, x.heard, x.held, x.shared);
}

/// How an attempt ended, from its pool.
struct attempt_outcome {
  task_id id;
  fencing_token fence;
  violation kind = violation::none;
  bool retryable = true;
  bool requeue = false; ///< it was stopped without being at fault: back to the queue, nothing counts
  std::string message;
  std::shared_ptr<const std::string> result;
  double percent = 0;
  std::string progress;
  std::optional<timestamp> started_at; ///< when the handler was called
  std::chrono::microseconds execution{0};
  resource_usage usage;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, attempt_outcome& x) {
  return f(x.id, x.fence, x.kind, x.retryable, x.requeue, x.message, x.result, x.percent, x.progress, x.started_at,
           x.execution, x.usage);
}

/// Sent again until they are settled; they count once.
struct outcome_batch {
  std::vector<attempt_outcome> outcomes;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, outcome_batch& x) {
  return f(x.outcomes);
}

struct attempt_progress {
  task_id id;
  fencing_token fence;
  bool has_progress = false;
  double percent = 0;
  std::string message;
  std::vector<log_entry> lines;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, attempt_progress& x) {
  return f(x.id, x.fence, x.has_progress, x.percent, x.message, x.lines);
}

struct progress_batch {
  std::vector<attempt_progress> attempts;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, progress_batch& x) {
  return f(x.attempts);
}

/// May these attempts go on, and those that were not begun begin? Asked for all that must not run twice at a time; again
/// before the answer has run out. Since protocol 2.
struct lease_request {
  partition_id partition = 0;
  int64_t sent_at = 0; ///< microseconds on a clock of the pool
  std::vector<held_attempt> attempts;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, lease_request& x) {
  return f(x.partition, x.sent_at, x.attempts);
}

// -- from nodes ----------------------------------------------------------------

/// What a node has, over all its pools. Sent to every scheduler that comes into sight.
struct node_capacity {
  std::string node;
  uint32_t max_concurrent_tasks = 0;
  double cpus = 0;        ///< cores
  uint64_t memory_mb = 0; ///< MiB that tasks may ask for
  std::map<std::string, std::string> labels{};
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_capacity& x) {
  return f(x.node, x.max_concurrent_tasks, x.cpus, x.memory_mb, x.labels);
}

/// The share of one partition in the slots of a node and of its pools, from the `slot_keeper` of the node. Said again when it
/// changes and now and then; each replaces the one before.
struct slot_share {
  struct part {
    std::string task_type;
    std::string name;        ///< of the pool
    uint32_t slots = 0;
  };
  std::string node;
  uint64_t number = 0;       ///< grows with every share that the keeper says to this scheduler
  uint32_t slots = 0;        ///< attempts of the partition on the node at once
  uint32_t of = 0;           ///< those of all partitions
  std::vector<part> pools;   ///< all of the node
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, slot_share::part& x) {
  return f(x.task_type, x.name, x.slots);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, slot_share& x) {
  return f(x.node, x.number, x.slots, x.of, x.pools);
}

/// What a scheduler has and wants of the slots of a node: the answer to each `slot_share`, and said when tasks begin to wait
/// for more than that.
struct slot_demand {
  struct part {
    std::string task_type;
    std::string name;              ///< of the pool
    uint32_t busy = 0;             ///< slots that it counts as taken
    std::vector<uint32_t> demand;  ///< attempts that run or could start, by priority
  };
  partition_id partition = 0;
  uint64_t number = 0;             ///< grows with every demand of the scheduler
  uint64_t heard = 0;              ///< the newest share that it goes by
  uint32_t busy = 0;               ///< over all pools
  std::vector<part> pools;         ///< those of which it has or wants any
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, slot_demand::part& x) {
  return f(x.task_type, x.name, x.busy, x.demand);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, slot_demand& x) {
  return f(x.partition, x.number, x.heard, x.busy, x.pools);
}

/// Who captures and restores files on a node. Sent to every scheduler that comes into sight.
struct snapshotter_offer {
  std::string node;
  caf::strong_actor_ptr handle;       ///< a `snapshotter_actor`
  std::set<std::string> hooked_types; ///< whose handlers capture something by themselves
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, snapshotter_offer& x) {
  return f(x.node, x.handle, x.hooked_types);
}

// -- from schedulers -----------------------------------------------------------

/// One attempt to run.
struct assignment {
  submission task;
  fencing_token fence;
  timestamp started_at;
  std::vector<parent_result> parents;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, assignment& x) {
  return f(x.task, x.fence, x.started_at, x.parents);
}

/// What became of an outcome. It is said once the pool may forget it.
struct settled_outcome {
  task_id id;
  fencing_token fence;
  bool accepted = true; ///< it is in the log; false: the task went on without it
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, settled_outcome& x) {
  return f(x.id, x.fence, x.accepted);
}

/// Yes, for `lease` from the moment when the pool asked: however late this comes, it is no longer than the scheduler thinks.
struct lease_grant {
  partition_id partition = 0;
  int64_t sent_at = 0; ///< of the request
  milliseconds lease{0};
  std::vector<held_attempt> attempts;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, lease_grant& x) {
  return f(x.partition, x.sent_at, x.lease, x.attempts);
}

struct settled_batch {
  std::vector<settled_outcome> outcomes;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, settled_batch& x) {
  return f(x.outcomes);
}

/// All that one log entry means for a pool; also sent without attempts, as a sign of life.
struct assignment_batch {
  std::vector<assignment> attempts;
  std::vector<settled_outcome> settled;
  partition_id partition = 0;
  message_mark mark;
  bool report = false;   ///< answer with an offer and with all outcomes that are not settled
  milliseconds lease{0}; ///< to pools of protocol 1: what must not run twice is stopped when nothing is heard for so long; 0: never
  uint32_t node_limit = 0; ///< attempts on a node at once, 0: as it is configured; counts from the control partition only
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, assignment_batch& x) {
  return f(x.attempts, x.settled, x.partition, x.mark, x.report, x.lease, x.node_limit);
}

/// Stop this attempt; ignored when it is not here any more.
struct stop_attempt {
  task_id id;
  fencing_token fence;
  cancellation::cause cause = cancellation::cause::cancelled;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, stop_attempt& x) {
  return f(x.id, x.fence, x.cause);
}

/// The deadline of a running attempt is another one now.
struct deadline_change {
  task_id id;
  fencing_token fence;
  std::optional<timestamp> deadline;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, deadline_change& x) {
  return f(x.id, x.fence, x.deadline);
}

// -- stopping a node -----------------------------------------------------------

/// The node stops: running attempts may go on for `limit`, then they are told to stop and go back to the queue.
struct drain_request {
  milliseconds limit{0};
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, drain_request& x) {
  return f(x.limit);
}

struct drain_reply {
  uint32_t finished = 0;
  uint32_t requeued = 0;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, drain_reply& x) {
  return f(x.finished, x.requeued);
}

// -- to snapshotters -----------------------------------------------------------

/// Restores the newest complete capture of a task. The capture stays until it is released.
struct restore_request {
  task_id id;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, restore_request& x) {
  return f(x.id);
}

struct restore_reply {
  failure error;
  bool found = false; ///< false without an error: nothing was captured
  restore_counts counts;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, restore_reply& x) {
  return f(x.error, x.found, x.counts);
}

/// The captures of a task are not needed any more: now, or after `keep_until`.
struct release_snapshot {
  task_id id;
  std::optional<timestamp> keep_until;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, release_snapshot& x) {
  return f(x.id, x.keep_until);
}

/// Answered with `not_found` when the task has no capture here.
struct describe_snapshot {
  task_id id;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, describe_snapshot& x) {
  return f(x.id);
}

struct snapshot_files {
  uint32_t attempt = 0;
  timestamp captured_at;
  std::optional<timestamp> keep_until;
  std::vector<captured_entry> entries;
  bool truncated = false; ///< only the first ones are shown
  uint64_t total_entries = 0;
  uint64_t total_bytes = 0;
  std::vector<std::string> notes; ///< what was left out, in sentences
  bool hook_state = false; ///< the handler's hook has captured something too
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, snapshot_files& x) {
  return f(x.attempt, x.captured_at, x.keep_until, x.entries, x.truncated, x.total_entries, x.total_bytes, x.notes,
           x.hook_state);
}

struct stored_snapshots_request {};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, stored_snapshots_request&) {
  return f();
}

struct stored_snapshots {
  struct item {
    task_id id;
    std::optional<timestamp> keep_until;
  };
  std::vector<item> tasks; ///< that have captures here, each once
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, stored_snapshots::item& x) {
  return f(x.id, x.keep_until);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, stored_snapshots& x) {
  return f(x.tasks);
}

} // namespace overwatch
