#pragma once

#include "actors/change.hpp"
#include "actors/command.hpp"
#include "actors/document_table.hpp"
#include "actors/rate_bucket.hpp"
#include "actors/scope_set.hpp"
#include "actors/store.hpp"
#include "actors/stored_table.hpp"
#include "messages/control.hpp"
#include "messages/gate.hpp"
#include "messages/requests.hpp"

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace overwatch {

/// Numbers over all tasks of a partition that `apply` keeps up to date.
struct partition_totals {
  uint64_t applied = 0;    ///< index of the newest applied log entry
  uint64_t epoch = 0;      ///< of the newest leadership
  uint64_t last_order = 0; ///< of stores older than places by flow: places begin behind it
  timestamp last_time;     ///< never goes back, whatever the leaders' clocks do
  uint64_t submitted = 0;
  uint64_t completed = 0;
  uint64_t failed = 0;
  uint64_t cancelled = 0;
  uint64_t attempts = 0;
  uint64_t retries = 0;
  std::vector<uint64_t> violations; ///< by kind
  double execution_seconds = 0;
  std::vector<task_count> counts;   ///< only filled when stored
  uint64_t last_version = 0; ///< of a document
  mirror_mark mirrored;      ///< of another partition: what of the control partition it shows
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, partition_totals& x) {
  return f(x.applied, x.epoch, x.last_order, x.last_time, x.submitted, x.completed, x.failed, x.cancelled, x.attempts,
           x.retries, x.violations, x.execution_seconds, x.counts, x.last_version, x.mirrored);
}

/// A key as it was before an attempt.
struct saved_key {
  std::string key;
  std::string value;
  uint64_t version = 0;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, saved_key& x) { return f(x.key, x.value, x.version); }

struct saved_keys {
  std::vector<saved_key> keys;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, saved_keys& x) { return f(x.keys); }

/// A result that may be used again.
struct cached_result {
  task_id task;
  timestamp time;  ///< when it was made
  timestamp until;
  std::string result;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, cached_result& x) { return f(x.task, x.time, x.until, x.result); }

/// Who has a unique key.
struct unique_holder {
  task_id id;
  std::optional<timestamp> until;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, unique_holder& x) { return f(x.id.high, x.id.low, x.until); }

/// A workflow with what only the state machine needs.
struct workflow_state {
  workflow_record record;
  uint32_t unfinished = 0; ///< tasks
  uint32_t stored = 0;     ///< tasks that were not removed
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, workflow_state& x) { return f(x.record, x.unfinished, x.stored); }

/// The state machine of one partition: what the commands of its log made of it.
///
/// `apply` is a pure function of state and command: no clock, no randomness, no writing. The state is a
/// table of decoded tasks in memory (those changed lately, running, or about to run) over the store, which
/// has all. Changes are gathered in memory and written now and then by `flush`: a task that lives shorter
/// than that is written once, in its final form. After a crash the log is applied again.
///
/// Owned by a replica; not thread-safe.
class partition_state {
public:
  /// Continues where `base` was written last. `base` must outlive it. `partitions`: of the cluster; tasks may depend on
  /// tasks of all of them.
  partition_state(const store_reader& base, partition_id partition, uint32_t partitions = 1);

  /// Applies the entry at `index`, which must be the next one.
  applied_entry apply(const command_batch& batch, uint64_t index);

  uint64_t applied() const { return totals_.applied; }
  uint64_t epoch() const { return totals_.epoch; }

  /// A whole task, from memory or the store.
  std::optional<task_record> find(const task_id& id) const;

  /// Sets live progress of a running attempt; forgotten when it is not the newest one. Not durable.
  bool set_progress(const task_id& id, const fencing_token& fence, double percent, const std::string& message);

  /// What became of tasks of this partition.
  statuses_reply statuses(const std::vector<task_id>& ids) const;

  /// The first tasks behind `after` of other partitions that tasks here wait for.
  std::vector<task_id> remote_parents(const task_id& after, size_t limit) const;

  /// What other partitions mirror of this one.
  control_state mirrored() const;

  stats_reply stats() const;
  const std::map<std::string, std::string>& settings() const { return settings_; }
  const document_table& documents() const { return documents_; }
  std::optional<workflow_record> find_workflow(const task_id& id) const;
  std::vector<workflow_record> unfinished_workflows() const;

  /// The keys that were captured before the newest attempt of a task, if they are kept.
  std::optional<saved_keys> find_saved(const task_id& id) const;

  /// Reasons under which tasks are parked.
  std::vector<std::string> parked_reasons() const;

  /// Those of them that do not hold any more: what a new leader lets try again.
  std::vector<std::string> free_reasons() const;

  // -- writing ----------------------------------------------------------------

  /// Tasks changed since the last flush, and a bound of their bytes.
  size_t dirty_tasks() const { return dirty_.size(); }
  size_t dirty_bytes() const { return dirty_bytes_; }
  bool dirty() const { return changed_; }

  /// Appends everything that changed to `batch`. Until `flushed` is called with the returned number, what
  /// was appended stays readable here.
  uint64_t flush(write_batch& batch);

  /// The batch of flush `number` (and all before it) is in the store: forget what need not be in memory.
  void flushed(uint64_t number);

  /// Passes over an entry that is no command.
  void skip(uint64_t index);

  /// Before a page of tasks is read from the store that `keep` shall get; answers with the number of the reading.
  uint64_t begin_reading();
  void end_reading(uint64_t reading) { readings_.erase(reading); }

  /// Puts a task that was read from the store into memory, because it will run soon. One that was in memory and left it
  /// since the reading began may be newer than what was read: it stays in the store.
  void keep(uint64_t reading, const task_id& id, std::shared_ptr<const task_spec> spec,
            std::shared_ptr<const std::string> payload, task_state state);

  /// A hash over everything that replicas must agree on; reads the whole state. For tests: flush before.
  uint64_t digest() const;

private:
  // What the store has under the keys that depend on the task's state.
  struct stored_keys {
    std::shared_ptr<const task_spec> spec; // null: nothing
    task_status status = task_status::pending;
    uint64_t order = 0;
    std::optional<timestamp> due;
    std::optional<timestamp> finished_at;
    std::string waits_for;
    uint64_t rank = 0; // when it is parked
    bool rolling_back = false;
  };

  struct entry {
    std::shared_ptr<const task_spec> spec;
    std::shared_ptr<const std::string> payload;
    std::shared_ptr<const std::string> result; ///< set by this run, else in the store
    std::shared_ptr<const saved_keys> saved;   ///< likewise
    task_state state;
    stored_keys stored;
    uint64_t flush_number = 0; ///< of the newest flush that wrote it
    bool dirty = false;
    bool removed = false;
    bool spec_stored = false;
    bool saved_stored = false;
  };

  // The places that the tasks of one type and priority have in the ready queue; see `fair_clock.hpp`.
  struct flow_place {
    uint64_t place = 0; // given last
    bool dirty = false;
  };
  struct flow_clock {
    uint64_t virtual_time = 0;
    std::unordered_map<std::string, flow_place> newest; // by fairness key
    std::vector<std::string> dirty;
    bool time_dirty = false;
    size_t swept = 0; // flows that were left after the last look at all of them
  };
  using type_flows = std::array<flow_clock, priority_names.size()>;

  // -- tasks
  entry* lookup(const task_id& id);
  std::optional<entry> load(const task_id& id) const;
  static stored_keys stored_as(const std::shared_ptr<const task_spec>& spec, const task_state& state);
  std::shared_ptr<const std::string> result_of(const entry& x) const;
  void touch(entry& x);
  void count(const entry& x, int step);
  void count_violation(violation kind);
  static task_change& say(change_kind kind, const entry& x, task_status before, applied_entry& out);
  void set_status(entry& x, task_status next);
  command_result add_task(const submission& task, bool check_id, applied_entry& out);
  failure check_parents(const task_spec& spec);
  task_id join_parents(entry& x);
  void end(entry& x, task_status status, applied_entry& out);
  void fail(entry& x, violation kind, std::string message, applied_entry& out);
  command_result cancel(entry& x, const std::string& reason, applied_entry& out);
  void settle_ended(applied_entry& out);
  void settle_children(const task_id& parent, task_status status, applied_entry& out);
  bool is_remote(const task_id& id) const { return id.partition() != partition_ && id.partition() < partitions_; }
  std::vector<task_id> take_children(const task_id& parent);
  entry* child_waiting_for(const task_id& parent, const task_id& child);
  void settle_parent_of(entry& x, const task_id& parent, task_status status, applied_entry& out);
  void forget_parents(const task_spec& spec, applied_entry& out);
  void mirror(const mirrored_value& x, applied_entry& out);
  bool complete_from_cache(entry& x, applied_entry& out);
  std::vector<parent_result> results_of_parents(const task_spec& spec);

  // -- admission
  flow_clock& flow_of(const task_spec& spec);
  void enqueue(entry& x);
  change_kind admit(entry& x, applied_entry& out);
  void admit_and_say(entry& x, task_status before, applied_entry& out);
  void park(entry& x, std::string reason, applied_entry& out);
  void set_waits(entry& x, std::string reason);
  void say_rate_wait(const entry& x, const std::string& reason, applied_entry& out);
  std::string blocked_by(const entry& x);
  const std::string* closed_gate(const entry& x) const;
  void hold(const task_spec& spec);
  void release(const task_spec& spec, applied_entry& out);
  void release_scopes(const std::vector<std::string>& scopes, applied_entry& out);
  void wake_others(const task_spec& spec, applied_entry& out);
  void free_reason(const std::string& reason, applied_entry& out);
  void learn_gate(const std::string& name, const std::string* value, applied_entry& out);

  // -- snapshots of keys
  failure save_keys(entry& x);
  void drop_saved(entry& x);
  void restore_keys(entry& x, applied_entry& out);
  void settle_rollback(entry& x, const finish_command& how, applied_entry& out);

  // -- workflows
  workflow_state* workflow_of(const task_id& id);
  void member_ended(const task_spec& spec, task_status status, applied_entry& out);
  void member_rolled_back(const entry& x);
  void cancel_members(const workflow_record& record, const std::string& reason, applied_entry& out);
  void touch_workflow(const task_id& id);

  // -- writing
  void write_entry(entry& x, write_batch& batch);
  void write_saved(entry& x, write_batch& batch);
  void write_totals(write_batch& batch);
  void write_flows(write_batch& batch);
  void write_workflows(write_batch& batch);
  void write_edges(write_batch& batch);
  void read_running();
  void read_flows();
  void read_parked();
  std::string flow_prefix(const std::string& task_type, size_t importance) const;
  bool is_dead_flow(std::string_view key, std::string_view value) const;

  command_result run(const submit_command& x, applied_entry& out);
  command_result run(const start_command& x, applied_entry& out);
  command_result run(const finish_command& x, applied_entry& out);
  command_result run(const violate_command& x, applied_entry& out);
  command_result run(const cancel_command& x, applied_entry& out);
  command_result run(const promote_command& x, applied_entry& out);
  command_result run(const remove_command& x, applied_entry& out);
  command_result run(const setting_command& x, applied_entry& out);
  command_result run(const lead_command& x, applied_entry& out);
  command_result run(const put_command& x, applied_entry& out);
  command_result run(const patch_command& x, applied_entry& out);
  command_result run(const approve_command& x, applied_entry& out);
  command_result run(const rollback_command& x, applied_entry& out);
  command_result run(const workflow_command& x, applied_entry& out);
  command_result run(const cancel_workflow_command& x, applied_entry& out);
  command_result run(const compensated_command& x, applied_entry& out);
  command_result run(const forget_command& x, applied_entry& out);
  command_result run(const mirror_command& x, applied_entry& out);
  command_result run(const parents_ended_command& x, applied_entry& out);

  using type_counts = std::array<std::array<uint64_t, priority_names.size()>, task_status_names.size()>;

  const store_reader& base_;
  partition_id partition_;
  uint32_t partitions_;
  partition_totals totals_;
  std::map<std::string, type_counts, std::less<>> counts_; // by task type
  std::map<std::string, std::string> settings_;
  std::vector<std::string> changed_settings_;
  std::unordered_map<task_id, entry> tasks_;
  stored_table<unique_holder> unique_;
  stored_table<cached_result> cached_;
  stored_table<rate_bucket> rates_;
  stored_table<parent_result> remote_results_; // of parents in other partitions, by child and parent
  document_table documents_;
  std::map<std::string, gate_record, std::less<>> gates_; // those that are not simply open; without history
  std::map<std::string, type_flows, std::less<>> flows_;  // by task type
  std::unordered_map<std::string, uint32_t> held_;   // running tasks by reason: names and keys
  scope_set scopes_;                                 // of running tasks, and of those that are rolled back
  std::unordered_map<std::string, uint64_t> parked_; // tasks by reason
  std::unordered_map<task_id, std::vector<task_id>> children_; // of unfinished parents
  std::set<task_id> remote_parents_; // those of them that are in other partitions
  struct edge_change {
    task_id parent;
    task_id child; // nil: all
    bool gone = false;
  };
  std::vector<edge_change> changed_edges_;
  std::map<task_id, workflow_state> workflows_; // unfinished, or changed since the last flush
  std::set<task_id> dirty_workflows_;
  std::deque<std::pair<task_id, task_status>> ended_; // by the command that is being applied
  uint64_t newest_reading_ = 0;
  std::map<uint64_t, std::unordered_set<task_id>> readings_; // with the tasks that left the memory since they began
  std::vector<entry*> dirty_; // the table keeps its entries where they are
  std::vector<entry> replaced_; // removed and still stored, and their id has a new task
  std::vector<task_id> loaded_; // brought into memory by the entry that is being applied
  size_t dirty_bytes_ = 0;
  bool changed_ = false;
  uint64_t flush_number_ = 0;
  std::deque<std::pair<uint64_t, std::vector<entry*>>> unacknowledged_; // flushes on their way to the store
};

/// Where a parked task stands among those that wait for the same: critical ones first, the others as if waiting raised
/// them by one priority a minute.
uint64_t parked_rank(const task_spec& spec, const task_state& state);

/// A document as other partitions mirror it; nothing when it is not for them.
std::optional<mirrored_value> mirrored_of(document_kind kind, const std::string& name, const std::string* value);

/// True when the task's place in the ready queue is among those that ask for resources: not every node will do for it.
bool asks_for_resources(const task_spec& spec);

} // namespace overwatch
