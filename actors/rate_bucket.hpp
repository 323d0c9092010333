#pragma once

#include "messages/task.hpp"

#include <algorithm>

namespace overwatch {

/// A token bucket as one number (the generic cell rate algorithm, ITU-T I.371): the time at which it will be full
/// again. A bucket whose time has passed is full, so it need not be kept.
struct rate_bucket {
  timestamp full_at;

  /// Between two tokens.
  static std::chrono::microseconds interval(const rate_limit& x) {
    return std::max(std::chrono::microseconds{1}, std::chrono::microseconds{x.per} / x.limit);
  }

  /// When the next start is allowed; not after `now`: at once.
  timestamp next_start(const rate_limit& x) const { return full_at - interval(x) * (x.limit - 1); }

  /// Tokens that are there at `now`.
  uint32_t tokens(const rate_limit& x, timestamp now) const {
    if (full_at <= now)
      return x.limit;
    auto missing = (full_at - now + interval(x) - std::chrono::microseconds{1}) / interval(x);
    return missing >= x.limit ? 0 : x.limit - static_cast<uint32_t>(missing);
  }

  void take(const rate_limit& x, timestamp now) { full_at = std::max(full_at, now) + interval(x); }
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, rate_bucket& x) {
  return f(x.full_at);
}

} // namespace overwatch
