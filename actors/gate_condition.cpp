#include "actors/gate_condition.hpp"

#include <cmath>
#include <cstdio>

namespace overwatch {

namespace {

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", x);
  return text;
}

} // namespace

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

std::string sentence_of(const metric_condition& x, bool holding, std::optional<double> value) {
  auto is_above = x.side == comparison::above;
  auto read = x.metric + (value ? " is " + number(*value) : std::string{" cannot be read"});
  if (!holding)
    return read + ", back " + (is_above ? "below " : "above ") +
           number(is_above ? x.threshold - x.margin : x.threshold + x.margin);
  auto lasting = x.lasting.count() > 0 ? " for " + number(static_cast<double>(x.lasting.count()) / 1000) + " s" : "";
  return read + (is_above ? ", at or above " : ", at or below ") + number(x.threshold) + lasting;
}

} // namespace overwatch
