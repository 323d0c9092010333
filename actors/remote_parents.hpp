#pragma once

#include "actors/state_interfaces.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace overwatch {

/// Which tasks of other partitions have to be asked for, because tasks of this one wait for them, and when: at once,
/// then after pauses that grow. Only so many are watched; the others are loaded from the state as these end.
class remote_parents {
public:
  using time_point = std::chrono::steady_clock::time_point;

  struct options {
    size_t window = 10'000;             ///< watched at once
    size_t batch = max_statuses;        ///< ids in one question
    milliseconds first_pause{250};      ///< between the first two questions about one; then twice as long each time
    milliseconds longest_pause{2'000};
    milliseconds slack{100};            ///< what is due so soon is asked for together with what is due
  };

  explicit remote_parents(options x) : options_{x} {}

  /// The state may have some that are not known here.
  void expect() { more_ = true; }

  /// A task has begun to wait for it.
  void add(const task_id& id, time_point now);

  /// No task waits for it any more.
  void forget(const task_id& id);

  /// The next page of the state that is needed, if any; it counts as asked for.
  std::optional<remote_parents_request> wanted_page();
  void add_page(const remote_parents_page& page, time_point now);
  void page_failed() { loading_ = false; }

  /// What is to be asked now: at most one question per partition is under way.
  std::vector<statuses_request> due(time_point now);

  /// The question to a partition was answered: what ended is not watched any more.
  void answered(partition_id partition, const statuses_reply& reply, time_point now);
  void failed(partition_id partition, time_point now) { answered(partition, {}, now); }

  /// When something is to be asked next.
  std::optional<time_point> next() const;

  bool watches(const task_id& id) const;
  size_t size() const { return size_; }

private:
  struct watch {
    milliseconds pause;            // before the next question but one
    std::optional<time_point> due; // none: it is being asked for
  };

  struct partition_questions {
    std::map<task_id, watch> watched;
    std::set<std::pair<time_point, task_id>> by_time;
    std::vector<task_id> asked; // they are not in `by_time`
  };

  options options_;
  std::map<partition_id, partition_questions> partitions_;
  size_t size_ = 0;
  bool more_ = false;    // the state may have some that are not watched
  bool loading_ = false;
  bool missed_ = false;  // one was not taken since the first page was asked for
  task_id loaded_until_;
};

} // namespace overwatch
