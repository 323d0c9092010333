#pragma once

#include "messages/error_code.hpp"
#include "messages/task.hpp"

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
};

/// What one command did to one task: what schedulers, events and waiters react to.
struct task_change {
  change_kind kind = change_kind::created;
  std::shared_ptr<const task_spec> spec;
  std::shared_ptr<const std::string> payload; ///< only of `started`
  task_status before = task_status::pending;
  task_state state; ///< after the change
};

/// Answer to one command, for who proposed it.
struct command_result {
  failure error;
  task_id id;
  task_status status = task_status::pending;
  bool existing = false;
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
};

using applied_ptr = std::shared_ptr<const applied_entry>;

} // namespace overwatch
