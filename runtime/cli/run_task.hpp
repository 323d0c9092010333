#pragma once

#include "runtime/cli/command.hpp"

#include <boost/json.hpp>
#include <functional>
#include <optional>
#include <string>

namespace overwatch::cli {

/// Work that a command gives to the node and waits for.
struct task_run {
  std::string name;
  std::string task_type;
  boost::json::object payload;
  bool detach = false; ///< return when the task is stored
  bool quiet = false;  ///< do not show its log and progress
  /// Prints a result; false when it is not of the kind that it knows. Without it, and then, the whole task is printed.
  std::function<bool(const boost::json::value& result)> print_result = {};
  std::string node = {}; ///< where it has to run; empty: anywhere
};

/// Submits a task and waits for its end, however long it takes. The task as it ended; nothing with `detach`.
std::optional<boost::json::value> run_task(const command_context& context, const task_run& run);

} // namespace overwatch::cli
