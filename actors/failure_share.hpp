#pragma once

#include "messages/time.hpp"

#include <cstdint>
#include <deque>

namespace overwatch {

/// The share of failed tasks among those that ended in the last minutes, from counters that only grow.
class failure_share {
public:
  static constexpr auto span = std::chrono::minutes{5};
  static constexpr auto resolution = std::chrono::seconds{1}; ///< at most this often it remembers the counters

  /// Percent at `now`; 0 when nothing ended. The first reading is what later ones are compared with.
  double add(timestamp now, uint64_t failed, uint64_t ended) {
    if (!readings_.empty() && (now < readings_.back().time || ended < readings_.back().ended))
      readings_.clear(); // the clock or the counters were set back
    while (readings_.size() > 1 && readings_[1].time <= now - span)
      readings_.pop_front();
    if (readings_.empty() || now - readings_.back().time >= resolution)
      readings_.push_back({now, failed, ended});
    const auto& first = readings_.front();
    auto all = ended - first.ended;
    return all == 0 ? 0 : 100.0 * static_cast<double>(failed - first.failed) / static_cast<double>(all);
  }

  void clear() { readings_.clear(); }

private:
  struct reading {
    timestamp time;
    uint64_t failed = 0;
    uint64_t ended = 0;
  };
  std::deque<reading> readings_; ///< at most one per `resolution` of `span`
};

} // namespace overwatch
