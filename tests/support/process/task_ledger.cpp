#include "tests/support/process/task_ledger.hpp"

#include <algorithm>

namespace overwatch::support {

std::vector<task_id> task_ledger::missing(node_api& api) const {
  if (ids_.empty())
    return {};
  auto oldest = *std::min_element(ids_.begin(), ids_.end());
  auto left = ids_;
  api.for_each_task([&](const task_view& task) {
    left.erase(task.id);
    return !left.empty() && !(task.id < oldest); // ids sort by creation time, as the list does
  });
  return {left.begin(), left.end()};
}

task_census take_census(node_api& api) {
  task_census result;
  task_id previous;
  api.for_each_task([&](const task_view& task) {
    ++result.listed;
    result.listed_twice += !previous.is_nil() && !(task.id < previous) ? 1 : 0;
    previous = task.id;
    if (task.status == "completed")
      ++result.completed;
    else if (is_terminal(task))
      ++result.ended_otherwise;
    else
      ++result.unfinished;
    return true;
  });
  return result;
}

} // namespace overwatch::support
