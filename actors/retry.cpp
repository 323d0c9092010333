#include "actors/retry.hpp"

#include <algorithm>
#include <cmath>

namespace overwatch {

milliseconds backoff_delay(const retry_policy& policy, uint32_t failures, double random) {
  auto delay = static_cast<double>(policy.base.count());
  if (policy.backoff == backoff_kind::exponential && failures > 1)
    delay = std::ldexp(delay, static_cast<int>(std::min(failures - 1, 64U)));
  delay = std::min(delay, static_cast<double>(policy.max.count()));
  delay *= 1 + policy.jitter * (2 * random - 1);
  return milliseconds{static_cast<milliseconds::rep>(std::llround(std::max(0.0, delay)))};
}

retry_decision decide_retry(const task_spec& spec, const task_state& state, violation kind, bool retryable,
                            timestamp now, uint32_t max_lost, double random) {
  auto deadline_passed = spec.deadline && *spec.deadline <= now;
  switch (kind) {
    case violation::lost:
      if (state.lost_in_a_row >= max_lost)
        return {std::nullopt, violation::poison};
      if (deadline_passed)
        return {std::nullopt, violation::timeout};
      return {now, kind};
    case violation::exception:
    case violation::timeout: {
      if (!retryable || deadline_passed || state.failures + 1 >= spec.retry.max_attempts)
        return {std::nullopt, kind};
      return {now + backoff_delay(spec.retry, state.failures + 1, random), kind};
    }
    default:
      return {std::nullopt, kind};
  }
}

} // namespace overwatch
