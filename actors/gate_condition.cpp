#include "actors/gate_condition.hpp"

#include <cmath>

namespace overwatch {

condition_state step(const metric_condition& condition, condition_state state, std::optional<double> value,
                     timestamp now) {
  if (!value || std::isnan(*value))
    return state;
  auto beyond = condition.side == comparison::above ? *value - condition.threshold : condition.threshold - *value;
  if (state.holding)
    return beyond < -condition.margin ? condition_state{} : state;
  if (beyond < 0)
    return {};
  if (!state.since || *state.since > now) // the clock was set back
    state.since = now;
  if (now - *state.since >= condition.lasting)
    return {true, std::nullopt};
  return state;
}

} // namespace overwatch
