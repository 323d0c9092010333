#pragma once

#include "messages/task.hpp"

#include <optional>
#include <random>

namespace overwatch {

/// What becomes of a task whose attempt ended with a violation.
struct retry_decision {
  std::optional<timestamp> retry_at; ///< none: the task fails
  violation kind = violation::none;  ///< the error that it is stored with
};

/// The delay before the attempt after `failures` failed ones: see `retry_policy`. `random` is in [0, 1).
milliseconds backoff_delay(const retry_policy& policy, uint32_t failures, double random);

/// Decides from the state before the violation. `lost` attempts are tried again at once and do not count,
/// but more than `max_lost` in a row are `poison`. Gate, dependency and rejected violations and a passed
/// deadline are final.
retry_decision decide_retry(const task_spec& spec, const task_state& state, violation kind, bool retryable,
                            timestamp now, uint32_t max_lost, double random);

} // namespace overwatch
