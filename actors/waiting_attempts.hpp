#pragma once

#include "actors/execution.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>
#include <vector>

namespace overwatch {

/// The attempts that a pool was given and has not begun, in the order in which they begin: those that have a slot already, then
/// by priority, then as they came. Those that are held back do not begin before they are let.
class waiting_attempts {
public:
  void push(assignment x) { lanes_[1 + static_cast<size_t>(x.task.spec->importance)].push_back(std::move(x)); }

  /// It has a slot: it waited for its snapshot only.
  void push_with_slot(assignment x) { lanes_[0].push_back(std::move(x)); }

  void hold_back(assignment x) { held_back_.push_back(std::move(x)); }
  const std::deque<assignment>& held_back() const { return held_back_; }

  /// Those of them that `allowed` is true of may begin.
  template <class Predicate>
  void let_begin(Predicate allowed) {
    auto kept = std::stable_partition(held_back_.begin(), held_back_.end(), [&](const auto& x) { return !allowed(x); });
    std::for_each(kept, held_back_.end(), [this](assignment& x) { push(std::move(x)); });
    held_back_.erase(kept, held_back_.end());
  }

  /// None can begin.
  bool none_next() const { return size() == held_back_.size(); }

  bool empty() const { return size() == 0; }
  size_t with_slot() const { return lanes_[0].size(); }
  size_t size() const {
    auto total = held_back_.size();
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
    for (auto& x : held_back_)
      visit(x);
  }

  /// Takes out those that `wanted` is true of.
  template <class Predicate>
  std::vector<assignment> take(Predicate wanted) {
    std::vector<assignment> taken;
    auto take_from = [&](std::deque<assignment>& lane) {
      auto kept = std::stable_partition(lane.begin(), lane.end(), [&](const assignment& x) { return !wanted(x); });
      std::move(kept, lane.end(), std::back_inserter(taken));
      lane.erase(kept, lane.end());
    };
    std::for_each(lanes_.begin(), lanes_.end(), take_from);
    take_from(held_back_);
    return taken;
  }

private:
  using lanes = std::array<std::deque<assignment>, priority_names.size() + 1>;

  lanes::const_iterator first_lane() const {
    return std::find_if(lanes_.begin(), lanes_.end(), [](const auto& lane) { return !lane.empty(); });
  }

  lanes lanes_;
  std::deque<assignment> held_back_;
};

} // namespace overwatch
