#pragma once

#include "actors/command.hpp"
#include "messages/error_code.hpp"
#include "messages/task.hpp"
#include "messages/worker.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace overwatch {

enum class change_kind : uint8_t {
  created,    ///< `state.status` is pending or queued
  queued,     ///< became eligible
  started,    ///< an attempt runs; carries the payload
  cancelling, ///< the running attempt shall stop
  retrying,   ///< an attempt ended with a violation that is retried
  ended,      ///< terminal
  removed,
  parked,     ///< waits for something named: `state.waits_for`
  patched,    ///< priority, times or tags; `spec` is the new one, `old` the one before
  approved,
  rollback,   ///< `state.rollback` changed
};

/// What one command did to one task: what schedulers, events and waiters react to.
struct task_change {
  change_kind kind = change_kind::created;
  std::shared_ptr<const task_spec> spec;
  std::shared_ptr<const std::string> payload; ///< only of `started`
  task_status before = task_status::pending;
  task_state state; ///< after the change
  std::shared_ptr<const task_spec> old; ///< only of `patched`
  uint64_t old_order = 0;               ///< likewise
  std::vector<parent_result> parents;   ///< only of `started`
};

/// A document that changed.
struct document_change {
  document_kind kind = document_kind::key;
  std::string name;
  uint64_t version = 0;
  std::shared_ptr<const std::string> value; ///< null: removed
};

/// Answer to one command, for who proposed it.
struct command_result {
  failure error;
  task_id id;
  task_status status = task_status::pending;
  bool existing = false;
  uint64_t version = 0; ///< of the document
};

/// A rate key that has no token: when it has the next one.
struct rate_wait {
  std::string reason;
  timestamp next;
  rate_limit rate;
};

/// What applying one log entry did. Shared by all who react to it.
struct applied_entry {
  partition_id partition = 0;
  uint64_t index = 0;
  uint64_t proposal = 0; ///< number that the proposer gave it; 0 when it was not proposed here
  timestamp time;
  std::vector<task_change> changes;
  std::vector<command_result> results; ///< one per command
  std::vector<std::pair<std::string, std::string>> settings; ///< that changed
  std::vector<document_change> documents;
  std::vector<std::shared_ptr<const workflow_record>> workflows; ///< whose status or compensation changed
  std::vector<rate_wait> rate_waits;
  std::vector<std::string> freed; ///< reasons for which parked tasks may try again; see `wait_reason.hpp`
  std::vector<task_id> forsaken_parents; ///< in other partitions; no task waits for them any more
};

using applied_ptr = std::shared_ptr<const applied_entry>;

} // namespace overwatch
