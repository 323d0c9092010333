#pragma once

#include "runtime/cli/command.hpp"
#include "runtime/cli/table.hpp"

#include <boost/json/value.hpp>
#include <optional>
#include <string>

/// How tasks look to people, and how one is followed to its end.
namespace overwatch::cli {

/// completed, failed or cancelled.
bool is_ended(const boost::json::value& task);

/// `good` for a completed task, `failed` for one that ended otherwise, `server` for one that goes on.
exit_code outcome_of(const boost::json::value& task);

/// A list of tasks as a table; a console that is too narrow gets the most important columns.
void print_tasks(const console& console, const boost::json::array& tasks, timestamp now);

/// Everything a task says, without what is empty or default.
void print_task(const console& console, const boost::json::value& task);

/// One line per log entry.
void print_log_entry(const console& console, const boost::json::value& entry);

/// Waits at most `limit` (none: for ever) until the task has ended and returns it as it is then.
rest_reply wait_for_task(const rest_client& client, const std::string& id, std::optional<milliseconds> limit);

/// Prints the task's log and progress as they come until it has ended, at most `limit`; returns it as it is then.
rest_reply follow_task(const command_context& context, const rest_client& client, const std::string& id,
                       std::optional<milliseconds> limit);

} // namespace overwatch::cli
