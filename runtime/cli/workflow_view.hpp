#pragma once

#include "runtime/cli/command.hpp"

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <vector>

/// How workflows look to people, and how one is followed to its end.
namespace overwatch::cli {

/// One line of a drawn graph: which task, and the branches before its name.
struct graph_line {
  size_t task;
  std::string branches;
};

/// The order and branches in which tasks are drawn. Each stands below the last of its parents (the others are in its
/// `depends_on`); tasks that no order reaches come last. `tasks` are those of a workflow as the API shows them.
std::vector<graph_line> draw_graph(const boost::json::array& tasks);

/// All its tasks have ended, and its compensation too.
bool is_finished(const boost::json::value& workflow);

/// `good` for a completed workflow, `failed` for one that ended otherwise, `server` for one that goes on.
exit_code result_of(const boost::json::value& workflow);

void print_workflow(const console& console, const boost::json::value& workflow);

/// Prints each change of a task's status until the workflow has finished, at most `limit`, or Ctrl-C; answers with the
/// workflow as it is then. With `--json` it prints nothing.
rest_reply follow_workflow(const command_context& context, const rest_client& client, const std::string& id,
                           std::optional<milliseconds> limit);

} // namespace overwatch::cli
