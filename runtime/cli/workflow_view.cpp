#include "runtime/cli/workflow_view.hpp"

#include "runtime/cli/interrupt.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/task_view.hpp"
#include "runtime/cli/text.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <map>
#include <ostream>

namespace overwatch::cli {

namespace {

namespace json = boost::json;
using steady = std::chrono::steady_clock;

constexpr std::chrono::seconds longest_wait{1}; // on one task: others end meanwhile
constexpr milliseconds compensation_step{200};  // no task runs then that could be waited for

using positions = std::vector<size_t>;

// The parents of each task, by position. Names that no task has are left out.
std::vector<positions> parents_of(const json::array& tasks) {
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < tasks.size(); ++i)
    places.emplace(text_of(tasks[i], "name"), i);
  std::vector<positions> result(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i)
    for (const auto& name : list_of(tasks[i], "depends_on"))
      if (const auto found = places.find(text_of(name)); found != places.end())
        result[i].push_back(found->second);
  return result;
}

// Positions so that parents come before children; tasks of a circle are left out.
positions in_order(const std::vector<positions>& parents) {
  std::vector<positions> children(parents.size());
  positions left(parents.size());
  positions result;
  for (size_t i = 0; i < parents.size(); ++i) {
    left[i] = parents[i].size();
    for (const auto parent : parents[i])
      children[parent].push_back(i);
    if (left[i] == 0)
      result.push_back(i);
  }
  for (size_t next = 0; next < result.size(); ++next)
    for (const auto child : children[result[next]])
      if (--left[child] == 0)
        result.push_back(child);
  return result;
}

// Below which task each is drawn: the last of its parents; `none` for those without.
constexpr size_t none = SIZE_MAX;
std::vector<positions> drawn_children(const std::vector<positions>& parents, const positions& order, positions& roots) {
  positions rank(parents.size(), none);
  for (size_t i = 0; i < order.size(); ++i)
    rank[order[i]] = i;
  std::vector<positions> result(parents.size());
  for (const auto task : order) {
    const auto last = std::max_element(parents[task].begin(), parents[task].end(),
                                       [&](size_t x, size_t y) { return rank[x] < rank[y]; });
    (last == parents[task].end() ? roots : result[*last]).push_back(task);
  }
  return result;
}

struct pending_line {
  size_t task;
  std::string before; // of its own line
  std::string below;  // of the lines of its children
};

std::string names_in(const json::value& value, std::string_view field) {
  std::string result;
  for (const auto& name : list_of(value, field))
    result += (result.empty() ? "" : ", ") + text_of(name);
  return result;
}

colour colour_of_rollback(std::string_view state) {
  return state == "failed" ? colour::red : state == "none" ? colour::dim : colour::yellow;
}

void print_members(const console& console, const json::array& tasks) {
  const bool undone = std::any_of(tasks.begin(), tasks.end(),
                                  [](const json::value& task) { return text_of(task, "rollback") != "none"; });
  std::vector<table::column> columns{{"TASK"}, {"STATUS", false, true}};
  if (undone)
    columns.push_back({"ROLLBACK", false, true});
  columns.insert(columns.end(), {{"ID", false, true}, {"AFTER"}});
  table result{columns};
  for (const auto& line : draw_graph(tasks)) {
    const auto& task = tasks[line.task];
    const auto status = text_of(task, "status");
    const auto rollback = text_of(task, "rollback");
    std::vector<table::cell> cells{line.branches + text_of(task, "name"), {status, colour_of_status(status)}};
    if (undone)
      cells.emplace_back(rollback, colour_of_rollback(rollback));
    cells.insert(cells.end(), {text_of(task, "id"), names_in(task, "depends_on")});
    result.add(std::move(cells));
  }
  result.print(console);
}

// Prints the tasks whose state is not as it was told before.
void tell_changes(const console& console, const json::value& workflow, std::map<std::string, std::string>& told) {
  for (const auto& task : list_of(workflow, "tasks")) {
    const auto name = text_of(task, "name");
    const auto status = text_of(task, "status");
    const auto rollback = text_of(task, "rollback");
    auto state = status + (rollback == "none" ? "" : ", rollback " + rollback);
    if (told[name] == state)
      continue;
    console.out << printable(name) << "  " << paint(console, colour_of_status(status), printable(state)) << '\n'
                << std::flush;
    told[name] = std::move(state);
  }
}

const json::value* first_unfinished(const json::value& workflow) {
  const auto& tasks = list_of(workflow, "tasks");
  const auto found = std::find_if(tasks.begin(), tasks.end(), [](const json::value& task) { return !is_ended(task); });
  return found == tasks.end() ? nullptr : &*found;
}

} // namespace

std::vector<graph_line> draw_graph(const json::array& tasks) {
  const auto parents = parents_of(tasks);
  const auto order = in_order(parents);
  positions roots;
  const auto children = drawn_children(parents, order, roots);
  std::vector<graph_line> result;
  std::vector<pending_line> pending; // the next line is the last of it
  for (auto root = roots.rbegin(); root != roots.rend(); ++root)
    pending.push_back({*root, "", ""});
  while (!pending.empty()) {
    const auto line = std::move(pending.back());
    pending.pop_back();
    result.push_back({line.task, line.before});
    const auto& below = children[line.task];
    for (size_t i = below.size(); i > 0; --i) {
      const bool last = i == below.size();
      pending.push_back({below[i - 1], line.below + (last ? "└─ " : "├─ "), line.below + (last ? "   " : "│  ")});
    }
  }
  std::vector<bool> drawn(tasks.size());
  for (const auto& line : result)
    drawn[line.task] = true;
  for (size_t i = 0; i < tasks.size(); ++i)
    if (!drawn[i])
      result.push_back({i, ""});
  return result;
}

bool is_finished(const json::value& workflow) { return !text_of(workflow, "finished_at").empty(); }

exit_code result_of(const json::value& workflow) {
  if (!is_finished(workflow))
    return exit_code::server;
  return text_of(workflow, "status") == "completed" ? exit_code::good : exit_code::failed;
}

void print_workflow(const console& console, const json::value& workflow) {
  const auto status = text_of(workflow, "status");
  const auto compensation = text_of(workflow, "compensation");
  fact_list facts;
  facts.add("workflow", text_of(workflow, "id"));
  facts.add("name", text_of(workflow, "name"));
  facts.add("status", status, colour_of_status(status));
  facts.add("failed task", text_of(workflow, "failed_task"), colour::red);
  facts.add("cancelled", text_of(workflow, "cancel_reason"));
  facts.add("compensation", compensation == "off" ? "" : compensation,
            compensation == "failed" ? colour::red : colour::plain);
  facts.add("created", short_time(text_of(workflow, "created_at")));
  facts.add("finished", short_time(text_of(workflow, "finished_at")));
  facts.print(console);
  const auto& tasks = list_of(workflow, "tasks");
  if (tasks.empty())
    return;
  console.out << '\n';
  print_members(console, tasks);
}

rest_reply follow_workflow(const command_context& context, const rest_client& client, const std::string& id,
                           std::optional<milliseconds> limit) {
  const auto end = limit ? steady::now() + *limit : steady::time_point::max();
  const interrupt stop;
  std::map<std::string, std::string> told;
  for (;;) {
    auto reply = client.request("GET", "/workflows/" + percent_encode(id));
    const auto workflow = content_of(reply);
    if (!context.options.json)
      tell_changes(context.console, workflow, told);
    if (is_finished(workflow) || stop.requested() || steady::now() >= end)
      return reply;
    if (const auto* task = first_unfinished(workflow); task != nullptr)
      client.send("GET", "/tasks/" + percent_encode(text_of(*task, "id")) + "?wait=1", {}, longest_wait);
    else
      stop.wait_for(compensation_step);
  }
}

} // namespace overwatch::cli
