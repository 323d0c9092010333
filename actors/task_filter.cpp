#include "actors/task_filter.hpp"

#include <algorithm>

namespace overwatch {

namespace {

template <class T, class U>
bool allows(const std::vector<T>& wanted, const U& x) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), x) != wanted.end();
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool contains(const std::string& text, const std::string& part) {
  auto same = [](char x, char y) { return lower(x) == lower(y); };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

} // namespace

bool matches(const task_filter& filter, const task_spec& spec, task_status status) {
  auto tag_matches = [&](const std::string& tag) { return allows(filter.tags, tag); };
  auto context_matches = [&](const auto& pair) {
    auto i = spec.context.find(pair.first);
    return i != spec.context.end() && i->second == pair.second;
  };
  return allows(filter.statuses, status) && allows(filter.task_types, spec.task_type)
         && allows(filter.priorities, spec.importance) && allows(filter.assigned_to, spec.assigned_to)
         && allows(filter.subsystems, spec.subsystem) && (!filter.origin || *filter.origin == spec.origin.kind)
         && (filter.origin_id.empty() || filter.origin_id == spec.origin.id)
         && (!filter.workflow || *filter.workflow == spec.workflow)
         && (!filter.created_from || spec.created_at >= *filter.created_from)
         && (!filter.created_to || spec.created_at < *filter.created_to)
         && (filter.tags.empty() || std::any_of(spec.tags.begin(), spec.tags.end(), tag_matches))
         && std::all_of(filter.context.begin(), filter.context.end(), context_matches)
         && (filter.text.empty() || contains(spec.name, filter.text));
}

} // namespace overwatch
