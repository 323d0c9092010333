#include "http/workflow_graph.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace overwatch::http {

namespace {

constexpr size_t max_name_bytes = 64;
constexpr size_t max_shown_names = 20; // of a cycle

using positions = std::unordered_map<std::string_view, size_t>;

bool is_name(std::string_view name) {
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  return !name.empty() && name.size() <= max_name_bytes && name.find_first_not_of(allowed) == std::string_view::npos;
}

std::string quoted(std::string_view name) { return '"' + std::string{name.substr(0, max_name_bytes)} + '"'; }

positions check_names(const std::vector<workflow_task>& tasks, std::vector<graph_fault>& faults) {
  positions out;
  for (size_t i = 0; i < tasks.size(); ++i) {
    const auto& name = tasks[i].name;
    if (!is_name(name))
      faults.push_back({i, "name", {}, "expected 1 to 64 letters, digits, '_', '.' or '-' as the name of a task in a "
                                    "workflow, got " + quoted(name)});
    else if (auto [first, is_new] = out.emplace(name, i); !is_new)
      faults.push_back({i, "name", {}, quoted(name) + " is the name of task " + std::to_string(first->second) +
                                      " too; names differ within a workflow"});
  }
  return out;
}

void check_parents(const std::vector<workflow_task>& tasks, const positions& by_name,
                   std::vector<graph_fault>& faults) {
  for (size_t i = 0; i < tasks.size(); ++i) {
    const auto& parents = tasks[i].depends_on;
    for (auto parent = parents.begin(); parent != parents.end(); ++parent) {
      auto position = static_cast<size_t>(parent - parents.begin());
      if (by_name.count(*parent) == 0)
        faults.push_back({i, "depends_on", position, "no task of the workflow has the name " + quoted(*parent)});
      else if (std::find(parents.begin(), parent, *parent) != parent)
        faults.push_back({i, "depends_on", position, quoted(*parent) + " is named twice"});
    }
  }
}

// Takes away the tasks whose parents are all taken away; what is left lies on cycles or behind them.
std::vector<bool> left_by_order(const std::vector<workflow_task>& tasks, const positions& by_name) {
  std::vector<size_t> missing(tasks.size());
  std::vector<std::vector<size_t>> children(tasks.size());
  std::vector<size_t> ready;
  for (size_t i = 0; i < tasks.size(); ++i) {
    missing[i] = tasks[i].depends_on.size();
    for (const auto& parent : tasks[i].depends_on)
      children[by_name.at(parent)].push_back(i);
    if (missing[i] == 0)
      ready.push_back(i);
  }
  std::vector<bool> left(tasks.size(), true);
  while (!ready.empty()) {
    auto done = ready.back();
    ready.pop_back();
    left[done] = false;
    for (auto child : children[done])
      if (--missing[child] == 0)
        ready.push_back(child);
  }
  return left;
}

std::string path_text(const std::vector<workflow_task>& tasks, const std::vector<size_t>& cycle) {
  std::string out;
  for (size_t i = 0; i < std::min(cycle.size(), max_shown_names); ++i)
    out += tasks[cycle[i]].name + " -> ";
  if (cycle.size() > max_shown_names)
    out += "... -> ";
  return out + tasks[cycle.front()].name;
}

void check_cycles(const std::vector<workflow_task>& tasks, const positions& by_name, std::vector<graph_fault>& faults) {
  auto left = left_by_order(tasks, by_name);
  auto start = static_cast<size_t>(std::find(left.begin(), left.end(), true) - left.begin());
  if (start == tasks.size())
    return;
  // Each that is left has a parent that is left: going up from one ends on a cycle.
  constexpr auto never = static_cast<size_t>(-1);
  std::vector<size_t> seen(tasks.size(), never);
  std::vector<size_t> way;
  auto at = start;
  while (seen[at] == never) {
    seen[at] = way.size();
    way.push_back(at);
    const auto& parents = tasks[at].depends_on;
    at = by_name.at(*std::find_if(parents.begin(), parents.end(), [&](const auto& x) { return left[by_name.at(x)]; }));
  }
  std::vector<size_t> cycle(way.begin() + static_cast<std::ptrdiff_t>(seen[at]), way.end());
  faults.push_back({at, "depends_on", {}, "the tasks wait for each other, each for the next: " +
                                            path_text(tasks, cycle) + "; take one of these out of depends_on"});
}

} // namespace

std::vector<graph_fault> check_graph(const std::vector<workflow_task>& tasks) {
  std::vector<graph_fault> faults;
  auto by_name = check_names(tasks, faults);
  check_parents(tasks, by_name, faults);
  if (faults.empty())
    check_cycles(tasks, by_name, faults);
  return faults;
}

} // namespace overwatch::http
