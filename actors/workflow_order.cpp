#include "actors/workflow_order.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace overwatch {

namespace {

constexpr size_t name_bytes = 64;

bool is_name(const std::string& text) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  };
  return !text.empty() && text.size() <= name_bytes && std::all_of(text.begin(), text.end(), allowed);
}

caf::error fault(size_t task, const char* field, std::string message) {
  return make_error(ec::invalid, std::move(message), "/tasks/" + std::to_string(task) + field);
}

// Of tasks that all have an unplaced parent: follows parents until one comes again.
std::string find_cycle(const std::vector<workflow_task>& tasks, const std::map<std::string, size_t>& places,
                       const std::vector<bool>& placed, size_t from) {
  std::vector<size_t> way;
  auto at = from;
  while (std::find(way.begin(), way.end(), at) == way.end()) {
    way.push_back(at);
    const auto& parents = tasks[at].depends_on;
    at = places.at(*std::find_if(parents.begin(), parents.end(), [&](const auto& x) { return !placed[places.at(x)]; }));
  }
  std::string text;
  for (auto i = std::find(way.begin(), way.end(), at); i != way.end(); ++i)
    text += tasks[*i].name + " -> ";
  return text + tasks[at].name;
}

} // namespace

caf::expected<std::vector<size_t>> order_of_tasks(const std::vector<workflow_task>& tasks) {
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < tasks.size(); ++i) {
    const auto& name = tasks[i].name;
    if (!is_name(name))
      return fault(i, "/name",
                   "\"" + name.substr(0, name_bytes) + "\" is no name: 1 to 64 of letters, digits, _ . and -");
    if (!places.emplace(name, i).second)
      return fault(i, "/name", "\"" + name + "\" is the name of two tasks: names are unique within a workflow");
  }
  std::vector<std::set<size_t>> parents(tasks.size());
  std::vector<std::vector<size_t>> children(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i)
    for (const auto& parent : tasks[i].depends_on) {
      auto found = places.find(parent);
      if (found == places.end())
        return fault(i, "/depends_on", "\"" + tasks[i].name + "\" depends on \"" + parent.substr(0, name_bytes)
                                         + "\", which is no task of this workflow");
      if (parents[i].insert(found->second).second)
        children[found->second].push_back(i);
    }
  std::set<size_t> free;
  for (size_t i = 0; i < tasks.size(); ++i)
    if (parents[i].empty())
      free.insert(i);
  std::vector<size_t> order;
  std::vector<bool> placed(tasks.size());
  while (!free.empty()) {
    auto next = *free.begin();
    free.erase(free.begin());
    order.push_back(next);
    placed[next] = true;
    for (auto child : children[next]) {
      parents[child].erase(next);
      if (parents[child].empty())
        free.insert(child);
    }
  }
  if (order.size() == tasks.size())
    return order;
  auto first = static_cast<size_t>(std::find(placed.begin(), placed.end(), false) - placed.begin());
  return fault(first, "/depends_on",
               "the tasks depend on each other in a circle: " + find_cycle(tasks, places, placed, first));
}

} // namespace overwatch
