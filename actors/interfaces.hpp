#pragma once

#include "actors/cancellation.hpp"
#include "actors/change.hpp"
#include "actors/command.hpp"
#include "actors/handler.hpp"
#include "actors/snapshotter.hpp"
#include "actors/store.hpp"
#include "messages/actors.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <set>

/// The rest of the map: what the actors inside a node say to each other. These messages never leave it,
/// so they may carry pointers to immutable values.
namespace overwatch {

// -- journal -------------------------------------------------------------------

/// Something that a replica wants in the store. `writer` and `ticket` come back in `journal_done`.
struct journal_write {
  write_batch batch;
  bool sync = false;         ///< it holds log entries
  partition_id partition = 0;
  uint64_t last_index = 0;   ///< of the log entries in it; 0: none
  uint64_t flush_number = 0; ///< of the state in it; 0: none
  uint64_t applied = 0;      ///< position that the state in it has
};

struct journal_done {
  uint64_t last_index = 0;
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

struct attempt_progress {
  task_id id;
  fencing_token fence;
  bool has_progress = false;
  double percent = 0;
  std::string message;
  std::vector<log_entry> lines;
};

struct progress_batch {
  std::vector<attempt_progress> attempts;
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
  // Small values, from memory.
  caf::replies_to<documents_request>::with<document_page>,
  caf::replies_to<document_request>::with<document>,
  caf::replies_to<get_workflow_request>::with<workflow_record>,
  caf::replies_to<list_workflows_request>::with<workflow_page>,
  // The keys that were captured before the newest attempt of a task.
  caf::replies_to<get_snapshot_request>::with<snapshot_record>,
  // Who wants every applied entry, beside those that were told when it started.
  caf::reacts_to<caf::subscribe_atom, caf::strong_actor_ptr>,
  // Internal: flush when due, expire waits.
  caf::reacts_to<caf::tick_atom>>;

// -- scheduler -----------------------------------------------------------------

/// Commands from clients. Answered when they are applied, with one result each.
struct propose_request {
  std::vector<command> commands;
  bool together = false; ///< all in one log entry: all or none of them survive a crash
};

struct propose_reply {
  std::vector<command_result> results;
};

/// How an attempt ended, from its pool.
struct attempt_outcome {
  task_id id;
  fencing_token fence;
  violation kind = violation::none;
  bool retryable = true;
  bool requeue = false; ///< stopped because the node stops
  std::string message;
  std::shared_ptr<const std::string> result;
  double percent = 0;
  std::string progress;
  std::optional<timestamp> started_at; ///< when the handler was called
  std::chrono::microseconds execution{0};
  resource_usage usage;
};

struct outcome_batch {
  std::vector<attempt_outcome> outcomes;
};

/// A pool offers its slots; sent again when they change.
struct pool_offer {
  std::string task_type;
  std::string node;
  uint32_t slots = 0;
  bool live = true; ///< false: no more work, please
};

/// Limits of a node that span its pools.
struct node_capacity {
  std::string node;
  uint32_t max_concurrent_tasks = 0;
  double cpus = 0;        ///< cores
  uint64_t memory_mb = 0; ///< MiB that tasks may ask for
};

/// Who captures and restores files on a node.
struct snapshotter_offer {
  std::string node;
  snapshotter_actor handle;
  std::set<std::string> hooked_types; ///< whose handlers capture something by themselves
};

struct scheduler_status_request {};

/// Answered when nothing that was decided is still on its way into the log.
struct settle_request {};

struct scheduler_status {
  bool leads = false;
  bool dispatching = true;
  uint32_t running = 0;
  uint64_t ready_in_memory = 0;
  std::map<std::string, std::string> settings; ///< durable ones
};

/// Decides which task runs next and where. Lives where its partition leads; everything it knows is rebuilt
/// from the store when leadership arrives.
using scheduler_actor = caf::typed_actor<
  caf::replies_to<propose_request>::with<propose_reply>,
  caf::replies_to<why_request>::with<why_reply>,
  caf::replies_to<scheduler_status_request>::with<scheduler_status>,
  caf::replies_to<settle_request>::with<scheduler_status>,
  // Undoes a completed task.
  caf::replies_to<rollback_request>::with<task_record>,
  caf::replies_to<resources_request>::with<resources_reply>,
  caf::reacts_to<snapshotter_offer>,
  caf::reacts_to<role_report>,
  caf::reacts_to<applied_ptr>,
  caf::reacts_to<pool_offer, caf::strong_actor_ptr>,
  caf::reacts_to<node_capacity>,
  caf::reacts_to<outcome_batch>,
  caf::reacts_to<progress_batch>,
  caf::reacts_to<disk_report>,
  // Cancels every running task of the partition.
  caf::reacts_to<caf::close_atom>,
  // The node stops: nothing new is taken or started.
  caf::reacts_to<caf::leave_atom>,
  // Internal: propose what has gathered.
  caf::reacts_to<caf::flush_atom>,
  // Internal: timers.
  caf::reacts_to<caf::tick_atom, uint64_t>,
  // Internal: retention.
  caf::reacts_to<caf::idle_atom>>;

// -- pool and worker -----------------------------------------------------------

/// One attempt to run.
struct assignment {
  submission task;
  fencing_token fence;
  timestamp started_at;
  std::vector<parent_result> parents;
};

struct assignment_batch {
  std::vector<assignment> attempts;
};

/// Stop this attempt; ignored when it is not here any more.
struct stop_attempt {
  task_id id;
  fencing_token fence;
  cancellation::cause cause = cancellation::cause::cancelled;
};

/// The deadline of a running attempt is another one now.
struct deadline_change {
  task_id id;
  fencing_token fence;
  std::optional<timestamp> deadline;
};

/// The node stops: running attempts may go on for `limit`, then they are told to stop and go back to the queue.
struct drain_request {
  milliseconds limit{0};
};

struct drain_reply {
  uint32_t finished = 0;
  uint32_t requeued = 0;
};

/// From a worker: the attempts that it was given have ended.
struct attempts_done {
  struct item {
    task_id id;
    outcome how;
    timestamp started_at;
    std::chrono::microseconds execution{0};
  };
  uint64_t worker = 0;
  std::vector<item> items;
};

/// The workers of one task type on one node.
using pool_actor = caf::typed_actor<
  caf::reacts_to<assignment_batch>,
  caf::reacts_to<stop_attempt>,
  caf::reacts_to<deadline_change>,
  caf::reacts_to<attempts_done>,
  // Changes the number of slots; 0: to the configured one.
  caf::reacts_to<caf::update_atom, uint32_t>,
  // The scheduler that it works for.
  caf::reacts_to<caf::join_atom, scheduler_actor>,
  caf::replies_to<drain_request>::with<drain_reply>,
  caf::replies_to<pools_request>::with<pool_status>,
  caf::replies_to<workers_request>::with<workers_reply>,
  // Internal: timeouts, reports.
  caf::reacts_to<caf::tick_atom, uint64_t>>;

/// What a worker gets: one attempt if its handler blocks, several if it does not.
struct work {
  std::vector<std::shared_ptr<const attempt_context>> attempts;
};

/// Executes handlers, one attempt at a time; on its own thread when they block.
using worker_actor = caf::typed_actor<caf::reacts_to<work>>;

// -- events and metrics --------------------------------------------------------

/// Ordered, resumable streams of events to any number of readers.
using event_hub_actor = caf::typed_actor<
  caf::reacts_to<applied_ptr>,
  // Progress and log lines.
  caf::reacts_to<partition_id, std::vector<event>>,
  caf::replies_to<event_request>::with<event_batch>,
  // Internal: waits end.
  caf::reacts_to<caf::tick_atom>>;

/// Counters and latencies of a node.
using metrics_actor = caf::typed_actor<
  caf::reacts_to<applied_ptr>,
  caf::replies_to<metrics_request>::with<metrics_reply>>;

/// Creates tasks by itself: schedules and rules.
using generator_actor = caf::typed_actor<
  // Judges all rules now; answers with the receipts of what they created.
  caf::replies_to<generate_request>::with<submit_reply>,
  caf::replies_to<schedules_request>::with<schedules_reply>,
  caf::replies_to<schedule_request>::with<schedule_record>,
  caf::replies_to<put_schedule_request>::with<schedule_record>,
  caf::replies_to<remove_schedule_request>::with<schedule_record>,
  caf::replies_to<control_schedule_request>::with<schedule_record>,
  caf::replies_to<next_slots_request>::with<next_slots_reply>,
  caf::replies_to<rules_request>::with<rules_reply>,
  caf::replies_to<rule_request>::with<rule_record>,
  caf::replies_to<put_rule_request>::with<rule_record>,
  caf::replies_to<remove_rule_request>::with<rule_record>,
  caf::replies_to<test_rule_request>::with<test_rule_reply>,
  // What was applied: ended tasks, settings, documents.
  caf::reacts_to<applied_ptr>,
  // Internal: slots and intervals; the number tells a timer that is in force from an older one.
  caf::reacts_to<caf::tick_atom, uint64_t>,
  // A new interval of the rules in seconds; 0 stops them.
  caf::reacts_to<caf::update_atom, uint32_t>>;

/// Owns the gates: declares and switches them, and judges those of kinds health and window.
using gate_manager_actor = caf::typed_actor<
  caf::replies_to<gates_request>::with<gates_reply>,
  caf::replies_to<set_gate_request>::with<gate_record>,
  caf::replies_to<remove_gate_request>::with<gate_record>,
  // Internal: judge.
  caf::reacts_to<caf::tick_atom, uint64_t>>;

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
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::snapshotter_offer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::snapshotter_actor)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::running_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::running_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::finished_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::id_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::proposal)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::role_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::progress_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::flush_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::documents_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::document)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::document_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::document_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::propose_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::propose_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::outcome_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::pool_offer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::node_capacity)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::scheduler_status_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::settle_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::scheduler_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::assignment_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::stop_attempt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::deadline_change)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::drain_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::drain_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::attempts_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::work)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::applied_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::pool_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::scheduler_actor)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<overwatch::event>)
