#pragma once

#include "messages/requests.hpp"
#include "messages/task.hpp"

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

/// Starts an attempt of a queued task.
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

/// Makes a pending or retrying task eligible.
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

using command = std::variant<submit_command, start_command, finish_command, violate_command, cancel_command,
                             promote_command, remove_command, setting_command, lead_command>;

/// One log entry.
struct command_batch {
  timestamp time; ///< the leader's clock
  std::vector<command> commands;
};

std::string encode_batch(const command_batch& batch);
[[nodiscard]] bool decode_batch(std::string_view bytes, command_batch& batch);

} // namespace overwatch
