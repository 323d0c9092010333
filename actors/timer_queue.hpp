#pragma once

#include "actors/keys.hpp"
#include "actors/window.hpp"

#include <string>
#include <vector>

namespace overwatch {

/// The timers of tasks that do not run: when one becomes eligible, and when its deadline passes. Sorted by
/// time; the far ones stay in the store.
class timer_queue {
public:
  struct timer {
    task_id id;
    timestamp time;
    keys::timer_kind kind = keys::timer_kind::eligible;
  };

  /// `window`: timers in memory.
  timer_queue(size_t window, bool complete) : timers_{window, complete} {}

  void insert(const timer& x, uint64_t index) { timers_.insert(keys::timer(x.id, x.time, x.kind), index); }
  void erase(const timer& x) { timers_.erase(keys::timer(x.id, x.time, x.kind)); }

  /// Takes those that are due, at most `limit`.
  std::vector<timer> take_due(timestamp now, size_t limit) {
    std::vector<timer> result;
    while (!timers_.empty() && result.size() < limit) {
      auto [time, kind] = keys::timer_of(timers_.front());
      if (time > now)
        break;
      result.push_back({keys::id_of(timers_.front()), time, kind});
      timers_.pop_front();
    }
    return result;
  }

  /// When the next one is due.
  std::optional<timestamp> next() const {
    return timers_.empty() ? std::nullopt : std::optional{keys::timer_of(timers_.front()).first};
  }

  window<std::string>& pages() { return timers_; }

private:
  window<std::string> timers_;
};

} // namespace overwatch
