#pragma once

#include "messages/gate.hpp"

namespace overwatch {

/// Where a metric stands against its condition.
struct condition_state {
  bool holding = false;
  std::optional<timestamp> since; ///< since when it was at or beyond the threshold, while it is not `holding`
};

/// The state after the metric was read at `now`; `value` is nothing (or not a number) when it could not be read.
condition_state step(const metric_condition& condition, condition_state state, std::optional<double> value,
                     timestamp now);

/// Why a gate closes (`holding`) or opens, for people: "cpu_percent is 97.2, at or above 90 for 30 s".
std::string sentence_of(const metric_condition& condition, bool holding, std::optional<double> value);

} // namespace overwatch
