#pragma once

#include "actors/interfaces.hpp"
#include "actors/window.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace overwatch {

/// Where a queued task stands within its type and priority.
using ready_key = std::pair<uint64_t, task_id>; // order, id

/// Which queued task of a type runs next: `critical` strictly first; below it, a task that waits rises by
/// one priority per `ageing_step` (0: never), up to `high`, and of two equal ones the older goes first.
/// The order of a task is the time it was queued, in microseconds, so ageing needs no other data.
class ready_queue {
public:
  struct options {
    size_t window = 4096; ///< tasks in memory per type and priority
    std::chrono::seconds ageing_step{60};
  };

  struct candidate {
    priority importance = priority::normal;
    ready_key key;
    double rank = 0; ///< smaller runs first
  };

  explicit ready_queue(options opts) : options_{opts} {}

  void insert(const std::string& task_type, priority importance, ready_key key, uint64_t index);
  void erase(const std::string& task_type, priority importance, ready_key key);

  /// The task of this type that should run next, if any is in memory.
  std::optional<candidate> best(const std::string& task_type, timestamp now) const;
  void pop(const std::string& task_type, const candidate& x);

  /// True when no task of this type waits, neither in memory nor in the store.
  bool idle(const std::string& task_type) const;

  /// Pages that should be read now; each is told once until `add_page` or `page_failed`.
  std::vector<ready_request> wanted_pages();
  void add_page(const ready_page& page);
  void page_failed(const ready_request& request);

  /// The store may have queued tasks of this type: said before the first change is inserted. All other
  /// types have none yet.
  void expect(const std::string& task_type);

  /// How many tasks of this type would run before one at this place; counts only what is in memory.
  uint64_t ahead_of(const std::string& task_type, priority importance, ready_key key, timestamp now) const;

  /// Task types that have a queue.
  std::vector<std::string> task_types() const;
  uint64_t size() const;

private:
  using windows = std::map<priority, window<ready_key>>;

  double rank(priority importance, uint64_t order, timestamp now) const;
  windows& queue_of(const std::string& task_type, bool complete = true);

  options options_;
  std::map<std::string, windows> queues_;
};

} // namespace overwatch
