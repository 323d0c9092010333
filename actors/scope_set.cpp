#include "actors/scope_set.hpp"

#include <algorithm>

namespace overwatch {

namespace {

bool begins_with(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

} // namespace

std::vector<std::string> scopes_of(const snapshot_scope& x) {
  std::vector<std::string> all;
  for (const auto& prefix : x.keys)
    all.push_back("k" + prefix);
  for (const auto& path : x.files)
    all.push_back("f" + path + (path.empty() || path.back() != '/' ? "/" : ""));
  std::sort(all.begin(), all.end());
  std::vector<std::string> result;
  for (auto& scope : all) // what lies within another comes right behind it
    if (result.empty() || !begins_with(scope, result.back()))
      result.push_back(std::move(scope));
  return result;
}

const std::string* scope_set::overlap(const std::string& scope) const {
  auto next = held_.lower_bound(scope);
  if (next != held_.end() && begins_with(*next, scope))
    return &*next;
  // Of the held scopes that `scope` begins with, none can have another one between it and `scope`: that would begin
  // with it too, and held scopes do not overlap.
  if (next != held_.begin() && begins_with(scope, *std::prev(next)))
    return &*std::prev(next);
  return nullptr;
}

void scope_set::release(const std::vector<std::string>& scopes) {
  for (const auto& scope : scopes)
    held_.erase(scope);
}

} // namespace overwatch
