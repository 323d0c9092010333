#pragma once

#include "messages/task.hpp"

#include <set>
#include <string>
#include <vector>

namespace overwatch {

/// The scopes of a snapshot as text in which overlap is: one begins with the other. `f` and a path that ends in a
/// slash, or `k` and a prefix of keys. Those that lie within another one of the same task are left out.
std::vector<std::string> scopes_of(const snapshot_scope& x);

/// Scopes that are held; none of them overlaps with another.
class scope_set {
public:
  /// The held scope that overlaps with `scope`, or null.
  const std::string* overlap(const std::string& scope) const;

  void hold(const std::vector<std::string>& scopes) { held_.insert(scopes.begin(), scopes.end()); }
  void release(const std::vector<std::string>& scopes);
  bool empty() const { return held_.empty(); }

private:
  std::set<std::string> held_;
};

} // namespace overwatch
