#pragma once

#include <chrono>

namespace overwatch {

/// A point in UTC with a resolution of one microsecond: the only clock that is stored or sent.
using timestamp = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

/// Durations of the model (timeouts, backoff) have a resolution of one millisecond.
using milliseconds = std::chrono::milliseconds;

/// The current time. Only actors at the edge of a decision call it: `apply` never does.
inline timestamp now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

} // namespace overwatch
