#pragma once

#include "actors/change.hpp"
#include "actors/command.hpp"
#include "actors/store.hpp"
#include "messages/requests.hpp"

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace overwatch {

/// Numbers over all tasks of a partition that `apply` keeps up to date.
struct partition_totals {
  uint64_t applied = 0;    ///< index of the newest applied log entry
  uint64_t epoch = 0;      ///< of the newest leadership
  uint64_t last_order = 0; ///< place in the ready queue given last
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
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, partition_totals& x) {
  return f(x.applied, x.epoch, x.last_order, x.last_time, x.submitted, x.completed, x.failed, x.cancelled, x.attempts,
           x.retries, x.violations, x.execution_seconds, x.counts);
}

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
  /// Continues where `base` was written last. `base` must outlive it.
  partition_state(const store_reader& base, partition_id partition);

  /// Applies the entry at `index`, which must be the next one.
  applied_entry apply(const command_batch& batch, uint64_t index);

  uint64_t applied() const { return totals_.applied; }
  uint64_t epoch() const { return totals_.epoch; }

  /// A whole task, from memory or the store.
  std::optional<task_record> find(const task_id& id) const;

  /// Sets live progress of a running attempt; forgotten when it is not the newest one. Not durable.
  bool set_progress(const task_id& id, const fencing_token& fence, double percent, const std::string& message);

  stats_reply stats() const;
  const std::map<std::string, std::string>& settings() const { return settings_; }

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

  /// Puts tasks that were read from the store into memory, because they will run soon.
  void keep(const task_id& id, std::shared_ptr<const task_spec> spec, std::shared_ptr<const std::string> payload,
            task_state state);

  /// A hash over everything that replicas must agree on; reads the whole state. For tests: flush before.
  uint64_t digest() const;

private:
  // What the store has under the keys that depend on the state.
  struct stored_keys {
    bool present = false;
    task_status status = task_status::pending;
    uint64_t order = 0;
    std::optional<timestamp> due;
    std::optional<timestamp> finished_at;
  };

  struct entry {
    std::shared_ptr<const task_spec> spec;
    std::shared_ptr<const std::string> payload;
    std::shared_ptr<const std::string> result; ///< set by this run, else in the store
    task_state state;
    stored_keys stored;
    uint64_t flush_number = 0; ///< of the newest flush that wrote it
    bool dirty = false;
    bool removed = false;
    bool spec_stored = false;
  };

  struct unique_holder {
    task_id id;
    std::optional<timestamp> until;
    bool released = false;
    uint64_t flush_number = 0;
    bool dirty = false;
  };

  entry* lookup(const task_id& id);
  std::optional<entry> load(const task_id& id) const;
  void touch(entry& x);
  void count(const entry& x, int step);
  void set_status(entry& x, task_status next);
  void enqueue(entry& x);
  void end(entry& x, task_status status, applied_entry& out);
  const unique_holder* find_unique(const std::string& key);
  void release_unique(const entry& x);
  void write_entry(entry& x, write_batch& batch);
  void write_totals(write_batch& batch);

  command_result run(const submit_command& x, applied_entry& out);
  command_result run(const start_command& x, applied_entry& out);
  command_result run(const finish_command& x, applied_entry& out);
  command_result run(const violate_command& x, applied_entry& out);
  command_result run(const cancel_command& x, applied_entry& out);
  command_result run(const promote_command& x, applied_entry& out);
  command_result run(const remove_command& x, applied_entry& out);
  command_result run(const setting_command& x, applied_entry& out);
  command_result run(const lead_command& x, applied_entry& out);

  using type_counts = std::array<std::array<uint64_t, priority_names.size()>, task_status_names.size()>;

  const store_reader& base_;
  partition_id partition_;
  partition_totals totals_;
  std::map<std::string, type_counts, std::less<>> counts_; // by task type
  std::map<std::string, std::string> settings_;
  std::vector<std::string> changed_settings_;
  std::unordered_map<task_id, entry> tasks_;
  std::unordered_map<std::string, unique_holder> unique_;
  std::vector<entry*> dirty_; // the table keeps its entries where they are
  std::vector<entry> replaced_; // removed and still stored, and their id has a new task
  std::vector<task_id> loaded_; // brought into memory by the entry that is being applied
  std::vector<std::string> dirty_unique_;
  size_t dirty_bytes_ = 0;
  bool changed_ = false;
  uint64_t flush_number_ = 0;
  std::deque<std::pair<uint64_t, std::vector<entry*>>> unacknowledged_; // flushes on their way to the store
};

} // namespace overwatch
