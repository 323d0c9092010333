#pragma once

#include "messages/gate.hpp"

namespace overwatch {

/// Where a metric stands against its condition.
struct condition_state {
  bool holding = false;
  std::optional<timestamp> since; ///< since when it was at or beyond the threshold, while it is not `holding`
};

/// The state after the metric was read at `now`; `value` is nothing (or not a number) when it could not be read.
condition_state step(const metric_condition& condition, condition_state state, std::optional<double> value, timestamp now);

} // namespace overwatch
