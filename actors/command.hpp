#pragma once

#include "actors/keys.hpp"
#include "actors/partition_requests.hpp"
#include "messages/requests.hpp"
#include "messages/task.hpp"
#include "messages/workflow.hpp"

#include <array>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The commands of a partition's replicated log. Whatever is not a function of the state before (time, ids,
/// random numbers, decisions of the leader) is in the command.
namespace overwatch {

/// Stores a task. Answered with the existing one when its id or unique key is taken.
struct submit_command {
  submission task;
  bool check_id = false; ///< the id came from a client (or the submit is repeated), so it may exist
};

/// Starts an attempt of a queued task. One whose gate is closed, or whose key, name or scope is taken, is parked
/// instead, or fails: see `wait_reason.hpp`.
struct start_command {
  task_id id;
  std::string node;
  std::string worker;
};

/// Ends the running attempt that has this fencing token.
struct finish_command {
  task_id id;
  fencing_token fence;
  violation kind = violation::none; ///< `none`: completed
  std::string message;
  std::shared_ptr<const std::string> result; ///< JSON as text, or null
  std::optional<timestamp> retry_at;         ///< of a violation: when to try again; none: the task fails
  double percent = 0;                        ///< the last progress
  std::string progress;
  bool requeue = false; ///< the node stops: back to the queue, nothing counts against the task
  std::optional<timestamp> started_at; ///< when the handler was called; none: it was not, or nobody knows
  std::chrono::microseconds execution{0};
  resource_usage usage;
  rollback_status rollback = rollback_status::none; ///< of the files in its scope; the keys are put back here
  std::string rollback_message;
};

/// Fails a task that does not run: its deadline passed, or what it waits for failed.
struct violate_command {
  task_id id;
  violation kind = violation::timeout;
  std::string message;
};

/// Ends an unfinished task; a running attempt is only told to stop.
struct cancel_command {
  task_id id;
  std::string reason;
};

/// Makes a task eligible whose time has come, or lets a parked one try again.
struct promote_command {
  task_id id;
};

/// Deletes a finished task.
struct remove_command {
  task_id id;
};

/// Changes a durable setting; an empty value clears it.
struct setting_command {
  std::string key;
  std::string value;
};

/// The first command of a new leadership.
struct lead_command {
  uint64_t epoch = 0;
  std::string node;
};

/// Small durable values by kind and name; `key` is the users' own space, `node` what commands said of nodes.
enum class document_kind : uint8_t { key, gate, schedule, rule, node };
inline constexpr std::array<std::string_view, 5> document_kind_names{"key", "gate", "schedule", "rule", "node"};
inline std::string describe(document_kind kind, const std::string& name) {
  return std::string{document_kind_names[static_cast<size_t>(kind)]} + " \"" + name + '"';
}

/// Sets or removes a document. With `expected`, only when its version is that (0: only when it is not there).
struct put_command {
  document_kind kind = document_kind::key;
  std::string name;
  std::optional<std::string> value; ///< none: remove
  std::optional<uint64_t> expected;
};

/// Changes fields of an unfinished task that the client may change.
struct patch_command {
  task_id id;
  std::optional<priority> importance;
  std::optional<std::optional<timestamp>> scheduled_at;
  std::optional<std::optional<timestamp>> deadline;
  std::optional<std::vector<std::string>> tags;
};

/// Opens an approval gate for one task.
struct approve_command {
  task_id id;
  approval consent; ///< `time` is set when it is applied
};

/// The rollback of a task goes on: of a running attempt (`running`; it ends with its `finish_command`), or of a
/// completed task on request: `running` takes its scope, `done` and `failed` give it back (`done` puts the keys back).
struct rollback_command {
  task_id id;
  rollback_status status = rollback_status::running;
  std::string message;
};

/// Stores a whole workflow. The ids of all its tasks and of their parents are set.
struct workflow_command {
  workflow_record record;
  std::vector<submission> tasks;
};

/// Cancels the unfinished tasks of a workflow.
struct cancel_workflow_command {
  task_id id;
  std::string reason;
};

/// The compensation of a workflow has ended.
struct compensated_command {
  task_id id;
  bool done = true; ///< false: something could not be rolled back
};

/// Erases a value whose time has passed. Nobody sees a difference: it only makes room.
struct forget_command {
  keys::expiring_kind kind = keys::expiring_kind::unique_key;
  std::string name;
};

/// Its place is part of the format: append only. A node that is older than a command refuses entries with it.
using command = std::variant<submit_command, start_command, finish_command, violate_command, cancel_command,
                             promote_command, remove_command, setting_command, lead_command, put_command, patch_command,
                             approve_command, rollback_command, workflow_command, cancel_workflow_command,
                             compensated_command, forget_command, mirror_command, parents_ended_command>;

/// One log entry.
struct command_batch {
  timestamp time; ///< the leader's clock
  std::vector<command> commands;
};

std::string encode_batch(const command_batch& batch);
[[nodiscard]] bool decode_batch(std::string_view bytes, command_batch& batch);

} // namespace overwatch
