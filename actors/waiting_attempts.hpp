#pragma once

#include "actors/execution.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>
#include <vector>

namespace overwatch {

/// The attempts that a pool was given and has not begun, in the order in which they begin: those that have a slot already, then
/// by priority, then as they came.
class waiting_attempts {
public:
  void push(assignment x) { lanes_[1 + static_cast<size_t>(x.task.spec->importance)].push_back(std::move(x)); }

  /// It has a slot: it waited for its snapshot only.
  void push_with_slot(assignment x) { lanes_[0].push_back(std::move(x)); }

  bool empty() const { return size() == 0; }
  size_t with_slot() const { return lanes_[0].size(); }
  size_t size() const {
    size_t total = 0;
    for (const auto& lane : lanes_)
      total += lane.size();
    return total;
  }

  const assignment& front() const { return first_lane()->front(); }
  assignment pop() {
    auto& lane = lanes_[static_cast<size_t>(first_lane() - lanes_.begin())];
    auto x = std::move(lane.front());
    lane.pop_front();
    return x;
  }

  template <class Function>
  void for_each(Function visit) {
    for (auto& lane : lanes_)
      for (auto& x : lane)
        visit(x);
  }

  /// Takes out those that `wanted` is true of.
  template <class Predicate>
  std::vector<assignment> take(Predicate wanted) {
    std::vector<assignment> taken;
    for (auto& lane : lanes_) {
      auto kept = std::stable_partition(lane.begin(), lane.end(), [&](const assignment& x) { return !wanted(x); });
      std::move(kept, lane.end(), std::back_inserter(taken));
      lane.erase(kept, lane.end());
    }
    return taken;
  }

private:
  using lanes = std::array<std::deque<assignment>, priority_names.size() + 1>;

  lanes::const_iterator first_lane() const {
    return std::find_if(lanes_.begin(), lanes_.end(), [](const auto& lane) { return !lane.empty(); });
  }

  lanes lanes_;
};

} // namespace overwatch
