#pragma once

#include "messages/task_id.hpp"
#include "tests/support/process/node_api.hpp"

#include <cstdint>
#include <unordered_set>
#include <vector>

namespace overwatch::support {

/// What a node acknowledged to a client, to be compared with what it has after a crash.
class task_ledger {
public:
  void add(const std::vector<task_id>& acknowledged) { ids_.insert(acknowledged.begin(), acknowledged.end()); }
  void add(const task_id& acknowledged) { ids_.insert(acknowledged); }
  size_t size() const { return ids_.size(); }

  /// The acknowledged tasks that the node does not list.
  std::vector<task_id> missing(node_api& api) const;

private:
  std::unordered_set<task_id> ids_;
};

/// Everything a node has stored, counted by walking its list.
struct task_census {
  uint64_t listed = 0;
  uint64_t completed = 0;
  uint64_t unfinished = 0;
  uint64_t ended_otherwise = 0;
  uint64_t listed_twice = 0;
};

task_census take_census(node_api& api);

} // namespace overwatch::support
