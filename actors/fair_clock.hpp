#pragma once

#include <algorithm>
#include <cstdint>

namespace overwatch {

/// Start-time fair queueing (Goyal, Vin and Cheng, 1996) with tasks of equal size: the place of a task is one behind
/// the newest of its flow, or behind what was started last if its flow has none waiting. So flows take turns, and a
/// flow that was away does not make up for it.
///
/// `virtual_time` is the place of the task that was started last, `newest` the place that the flow gave last.
inline uint64_t fair_place(uint64_t virtual_time, uint64_t newest) {
  return std::max(virtual_time, newest) + 1;
}

} // namespace overwatch
