#pragma once

#include "actors/change.hpp"
#include "actors/cluster_interfaces.hpp"
#include "actors/command.hpp"
#include "actors/state_transfer.hpp"
#include "actors/store.hpp"
#include "actors/wire.hpp"
#include "messages/actors.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <set>

/// The lower half of the map inside a node: who keeps the state and reads it. These messages never leave the node, so
/// they may carry pointers to immutable values.
namespace overwatch {

// -- journal -------------------------------------------------------------------

/// Something that a replica wants in the store. `writer` and `ticket` come back in `journal_done`.
struct journal_write {
  write_batch batch;
  bool sync = false;         ///< it holds log entries
  partition_id partition = 0;
  uint64_t log_write = 0;    ///< number of the write of the log; 0: nothing of the log that is waited for
  uint64_t flush_number = 0; ///< of the state in it; 0: none
  uint64_t applied = 0;      ///< position that the state in it has
};

struct journal_done {
  uint64_t log_write = 0;
  uint64_t flush_number = 0;
};

/// Everything written to `state` up to this position survives a crash: the log before may be cut.
struct checkpoint_done {
  uint64_t applied = 0;
};

struct disk_report {
  disk_state state = disk_state::ok;
  uint64_t free_bytes = 0;
};

struct journal_stats {
  histogram_value sync_seconds;
  uint64_t writes = 0;  ///< batches given to the store
  uint64_t entries = 0; ///< log entries in them
  uint64_t bytes = 0;
  disk_report disk;
};

struct journal_stats_request {};
struct checkpoint_request {
  partition_id partition = 0;
};

/// The only writer of the store. Takes what all replicas and pools want written, writes it as one batch,
/// syncs once, tells all. While a sync runs the next batch grows by itself.
using journal_actor = caf::typed_actor<
  // From replicas: answered by `journal_done`.
  caf::reacts_to<journal_write>,
  // Registers a replica for the answers.
  caf::reacts_to<caf::join_atom, partition_id, caf::strong_actor_ptr>,
  // Who wants to hear of the disk.
  caf::reacts_to<caf::subscribe_atom, caf::strong_actor_ptr>,
  // Starts a checkpoint; its end is told to all replicas.
  caf::reacts_to<checkpoint_request>,
  caf::replies_to<journal_stats_request>::with<journal_stats>,
  // Internal: the batch gathered so far goes to the store.
  caf::reacts_to<caf::flush_atom>,
  // Internal: look at the disk.
  caf::reacts_to<caf::tick_atom>,
  // Internal: a checkpoint ended.
  caf::reacts_to<caf::ok_atom, bool>>;

// -- task_reader ---------------------------------------------------------------

/// The next part of a ready queue, after `after` (none: from its start).
struct ready_request {
  std::string task_type;
  bool resources = false; ///< the tasks that ask for resources, or those that do not
  priority importance = priority::normal;
  std::optional<std::pair<uint64_t, task_id>> after; ///< order and id
  uint32_t limit = 0;
};

struct ready_page {
  struct item {
    uint64_t order = 0;
    task_id id;
    submission task;
    task_state state;
  };
  std::string task_type;
  bool resources = false;
  priority importance = priority::normal;
  std::vector<item> items;
  bool exhausted = false;
  uint64_t applied = 0; ///< the position that it shows
};

/// Timers that are due first, after `after`.
struct timer_request {
  std::optional<std::string> after; ///< key of the last one known
  uint32_t limit = 0;
};

struct timer_page {
  std::vector<std::string> keys; ///< as in `keys::timer`
  bool exhausted = false;
  uint64_t applied = 0;
};

/// Tasks that are parked for one reason, after `after` (none: from the first).
struct parked_request {
  std::string reason;
  std::optional<std::pair<uint64_t, task_id>> after; ///< rank and id
  uint32_t limit = 0;
};

struct parked_page {
  std::string reason;
  std::vector<std::pair<uint64_t, task_id>> tasks;
  bool exhausted = false;
  uint64_t applied = 0; ///< the position that it shows
};

/// Tasks that run or are being rolled back (for a new leader) or finished before a time (for retention).
struct running_request {};
struct finished_request {
  timestamp before;
  uint32_t limit = 0;
};

struct id_page {
  std::vector<task_id> ids;
};

/// Values whose time has passed, for retention. Looks at so many rows; `after` is where the page before ended.
struct expired_request {
  timestamp before;
  std::string after;
  uint32_t limit = 0;
};

struct expired_page {
  std::vector<std::pair<keys::expiring_kind, std::string>> names;
  std::string next; ///< where to look on; empty: all were looked at
};

struct running_page {
  std::vector<std::pair<submission, task_state>> tasks;
};

/// Scans the store on a thread of its own. What it shows is what was flushed: ask the replica to flush first.
using task_reader_actor = caf::typed_actor<
  caf::replies_to<list_request>::with<task_page>,
  caf::replies_to<log_request>::with<log_page>,
  caf::replies_to<ready_request>::with<ready_page>,
  caf::replies_to<timer_request>::with<timer_page>,
  caf::replies_to<parked_request>::with<parked_page>,
  caf::replies_to<running_request>::with<running_page>,
  caf::replies_to<finished_request>::with<id_page>,
  caf::replies_to<expired_request>::with<expired_page>,
  caf::replies_to<list_workflows_request>::with<workflow_page>>;

// -- replica -------------------------------------------------------------------

/// Commands for the log; the applied entry comes back with the same number.
struct proposal {
  uint64_t number = 0;
  command_batch batch;
};

/// To the scheduler: this replica leads now (or not any more).
struct role_report {
  bool leads = false;
  uint64_t epoch = 0;
  std::map<std::string, std::string> settings;
  std::vector<std::string> task_types; ///< that have tasks
  std::vector<std::string> parked;     ///< reasons for which tasks wait
  std::vector<std::string> freed;      ///< those of them that do not hold now
  std::vector<std::shared_ptr<const workflow_record>> workflows; ///< that are being compensated
};

struct flush_request {};

/// Documents of one kind whose name begins with `prefix`, after `after`, in order.
struct documents_request {
  document_kind kind = document_kind::key;
  std::string prefix;
  std::string after;
  uint32_t limit = 1000;
};

struct document {
  std::string name;
  std::shared_ptr<const std::string> value;
  uint64_t version = 0;
  timestamp changed_at;
};

struct document_page {
  std::vector<document> documents;
  bool more = false;
};

/// One document, or `not_found`.
struct document_request {
  document_kind kind = document_kind::key;
  std::string name;
};

/// What the control partition has that the others mirror.
struct control_state_request {};

/// Tasks of other partitions that tasks here wait for, after `after` (nil: from the first), in order.
struct remote_parents_request {
  task_id after;
  uint32_t limit = 0;
};

struct remote_parents_page {
  std::vector<task_id> ids;
  bool exhausted = false;
};

/// Who leads a partition. Told when it changes, and again when a leader has begun to answer.
struct leader_report {
  partition_id partition = 0;
  std::string node; ///< empty: none is known
  bool here = false; ///< this node leads, and has applied all that was acknowledged before
  uint64_t term = 0;
  std::set<std::string> draining; ///< nodes that are being drained, as this partition knows it
};

using leader_listener = caf::typed_actor<caf::reacts_to<leader_report>>;

/// Who wants to hear what is said of nodes.
using roster_actor = caf::typed_actor<caf::reacts_to<node_roster>>;

/// Answered with the term when this replica leads and a majority has confirmed it: what it answers then is not older
/// than anything that was acknowledged before. Otherwise `not_leader`.
struct confirm_request {};

struct group_request {};

/// From a replica: what it applies behind this entry is told; this one and those before it may not have been.
struct applied_position {
  partition_id partition = 0;
  uint64_t index = 0;
};

/// Who wants every applied entry.
using entry_watcher = caf::typed_actor<caf::reacts_to<applied_ptr>>;

/// Drives one replicated log: append, commit, apply. Answers reads of single tasks, from memory where it can.
using replica_actor = caf::typed_actor<
  caf::reacts_to<proposal>,
  caf::reacts_to<journal_done>,
  caf::reacts_to<checkpoint_done>,
  // Live values of running attempts, already checked against their fence.
  caf::reacts_to<progress_batch>,
  caf::replies_to<get_request>::with<task_record>,
  caf::replies_to<wait_request>::with<task_record>,
  caf::replies_to<stats_request>::with<stats_reply>,
  // Writes the state gathered in memory; answers with its position once it is in the store.
  caf::replies_to<flush_request>::with<uint64_t>,
  // Reads for the scheduler: flushed, read by the task_reader, and kept in memory.
  caf::replies_to<ready_request>::with<ready_page>,
  caf::replies_to<timer_request>::with<timer_page>,
  caf::replies_to<parked_request>::with<parked_page>,
  caf::replies_to<running_request>::with<running_page>,
  caf::replies_to<finished_request>::with<id_page>,
  caf::replies_to<expired_request>::with<expired_page>,
  // Small values, from memory.
  caf::replies_to<documents_request>::with<document_page>,
  caf::replies_to<document_request>::with<document>,
  caf::replies_to<get_workflow_request>::with<workflow_record>,
  caf::replies_to<list_workflows_request>::with<workflow_page>,
  // The keys that were captured before the newest attempt of a task.
  caf::replies_to<get_snapshot_request>::with<snapshot_record>,
  caf::replies_to<confirm_request>::with<uint64_t>,
  // What other partitions need to know, and what is needed of them.
  caf::replies_to<control_state_request>::with<control_state>,
  caf::replies_to<statuses_request>::with<statuses_reply>,
  caf::replies_to<remote_parents_request>::with<remote_parents_page>,
  // Who wants every applied entry, beside those that were told when it started.
  caf::reacts_to<caf::subscribe_atom, caf::strong_actor_ptr>,
  // Of its group.
  caf::replies_to<group_request>::with<group_status>,
  caf::replies_to<transfer_request>::with<group_status>,
  caf::reacts_to<log_delivery>,
  caf::reacts_to<peer_report>,
  caf::reacts_to<state_offer>,
  caf::reacts_to<transfer_ended>,
  caf::reacts_to<receive_report>,
  // Internal: who belongs to the group.
  caf::reacts_to<caf::idle_atom>,
  // Internal: the log's own time.
  caf::reacts_to<caf::update_atom>,
  // Internal: flush when due, expire waits.
  caf::reacts_to<caf::tick_atom>>;

} // namespace overwatch

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::journal_write)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::journal_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::checkpoint_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::checkpoint_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::disk_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::journal_stats)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::journal_stats_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::ready_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::ready_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::timer_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::timer_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::parked_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::parked_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::running_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::running_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::finished_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::expired_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::expired_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::id_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::proposal)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::role_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::flush_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::documents_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::document)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::document_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::document_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::control_state_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::control_state)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::remote_parents_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::remote_parents_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::leader_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::confirm_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::group_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::applied_position)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::applied_ptr)
