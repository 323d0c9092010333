#pragma once

#include "actors/command.hpp"
#include "messages/gate.hpp"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace overwatch::test {

/// What a partition must do, told again in the simplest way: maps, loops over everything, no store, nothing kept that
/// can be found out. Written from the description of the model, not from `partition_state`.
struct reference_model {
  struct task {
    task_spec spec;
    task_status status = task_status::pending;
    fencing_token fence;
    uint32_t failures = 0;
    uint32_t lost_in_a_row = 0;
    bool cancel_requested = false;
    uint64_t place = 0;
    std::optional<timestamp> due;
    std::string waits_for;
    std::set<task_id> parents; // unfinished ones
    std::set<std::string> approved;
    violation error = violation::none;
    rollback_status rollback = rollback_status::none;
    std::optional<timestamp> undo_until;
    std::map<std::string, std::pair<std::string, uint64_t>> saved; // keys as they were before the newest attempt
    std::string result;
  };

  struct stored_value {
    std::string value;
    uint64_t version = 0;
  };

  struct held_key {
    task_id by;
    std::optional<timestamp> until;
  };

  struct cached {
    std::string result;
    timestamp made;
    timestamp until;
  };

  struct flow_places {
    uint64_t started = 0;
    std::map<std::string, uint64_t> newest;
  };

  /// Applies one command at `at`; true when it is accepted.
  bool apply(const command& x, timestamp at);

  /// The workflow's status as its members say.
  workflow_status status_of(const workflow_record& x) const;

  std::map<task_id, task> tasks;
  std::map<std::string, stored_value> keys;
  std::map<std::string, std::pair<gate_record, uint64_t>> gates; // with their versions
  std::map<std::string, held_key> unique;
  std::map<std::string, cached> cache;
  std::map<std::string, timestamp> full_at; // by rate key
  std::map<std::pair<std::string, priority>, flow_places> flows;
  std::map<task_id, workflow_record> workflows;
  uint64_t versions = 0;
  uint64_t epoch = 0;
  uint64_t submitted = 0, completed = 0, failed = 0, cancelled = 0, attempts = 0, retries = 0;
  timestamp time;

private:
  bool run(const submit_command& x) { return add(x.task); }
  bool run(const start_command& x);
  bool run(const finish_command& x);
  bool run(const violate_command& x);
  bool run(const cancel_command& x);
  bool run(const promote_command& x);
  bool run(const remove_command& x);
  bool run(const setting_command&) { return true; }
  bool run(const lead_command& x);
  bool run(const put_command& x);
  bool run(const patch_command& x);
  bool run(const approve_command& x);
  bool run(const rollback_command& x);
  bool run(const workflow_command& x);
  bool run(const cancel_workflow_command& x);
  bool run(const compensated_command& x);
  bool run(const forget_command&) { return true; }
  bool run(const mirror_command&) { return false; }       // it is the control partition
  bool run(const parents_ended_command&) { return true; } // there is no other partition

  task* find(const task_id& id);
  bool add(const submission& x);
  void admit(task& x);
  void enqueue(task& x);
  void park(task& x, const std::string& reason);
  void end(task& x, task_status status);
  void fail(task& x, violation kind);
  bool cancel(task& x);
  void cancel_members(const workflow_record& x);
  void settle();
  void put_back(task& x);
  void set_key(const std::string& name, std::optional<std::string> value);
  std::string closed_gate(const task& x) const;
  std::string obstacle(const task& x) const;
  std::string held_scope_that_overlaps(const task_spec& x) const;
  uint32_t holders(const std::string& name, bool key) const;
  bool is_unique(const task_spec& x) const;

  std::deque<task_id> ended_;
};

} // namespace overwatch::test
