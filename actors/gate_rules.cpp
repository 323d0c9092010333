#include "actors/gate_rules.hpp"

#include "actors/document_name.hpp"
#include "actors/open_hours.hpp"
#include "messages/codec.hpp"

#include <algorithm>
#include <cmath>

namespace overwatch {

namespace {

constexpr auto max_lasting = milliseconds{std::chrono::hours{24}};
constexpr uint16_t minutes_of_a_day = 1440;

failure check_text(std::string field, const std::string& text, size_t limit) {
  if (text.size() <= limit)
    return {};
  return {ec::invalid, std::move(field),
          "has " + std::to_string(text.size()) + " bytes; at most " + std::to_string(limit) + " are allowed"};
}

failure check_condition(const metric_condition& x) {
  const auto& names = health_metric_names;
  if (std::find(names.begin(), names.end(), x.metric) == names.end()) {
    std::string known;
    for (auto name : names)
      known += (known.empty() ? "" : ", ") + std::string{name};
    return {ec::invalid, "/closes_while/metric",
            '"' + x.metric.substr(0, task_limits::type_bytes) +
              "\" is not a metric that a gate can look at; there are: " + known};
  }
  if (!std::isfinite(x.threshold))
    return {ec::invalid, "/closes_while/threshold", "is not a number"};
  if (!std::isfinite(x.margin) || x.margin < 0)
    return {ec::invalid, "/closes_while/margin", "must be a number that is not below 0"};
  if (x.lasting < milliseconds{0} || x.lasting > max_lasting)
    return {ec::invalid, "/closes_while/lasting", "must be from 0 to 1 day"};
  return {};
}

failure check_windows(const gate_definition& x) {
  if (x.windows.empty() || x.windows.size() > max_windows)
    return {ec::invalid, "/windows",
            "has " + std::to_string(x.windows.size()) + " entries; a gate of kind window needs 1 to " +
              std::to_string(max_windows)};
  for (size_t i = 0; i < x.windows.size(); ++i) {
    const auto& window = x.windows[i];
    auto field = "/windows/" + std::to_string(i);
    if (window.days == 0 || window.days > 0x7F)
      return {ec::invalid, field + "/days", "must name at least one day of the week"};
    if (window.from >= minutes_of_a_day)
      return {ec::invalid, field + "/from", "must be a time from 00:00 to 23:59"};
    if (window.to >= minutes_of_a_day)
      return {ec::invalid, field + "/to", "must be a time from 00:00 to 23:59"};
  }
  auto zone = time_zone::find(x.time_zone);
  return zone ? failure{} : describe(zone.error());
}

failure check_request(const set_gate_request& x) {
  if (auto fault = check_document_name(x.name, max_gate_name_bytes))
    return fault;
  if (auto fault = check_text("/by", x.by, task_limits::label_bytes))
    return fault;
  if (auto fault = check_text("/reason", x.reason, max_gate_reason_bytes))
    return fault;
  return x.definition ? check_gate(*x.definition) : failure{};
}

/// Whether a gate is open that was just declared or declared anew.
bool open_after(const gate_record& gate, bool kind_changed, timestamp now) {
  switch (gate.definition.kind) {
  case gate_kind::approval:
    return false;
  case gate_kind::window: {
    auto zone = time_zone::find(gate.definition.time_zone);
    return zone ? is_open(gate.definition.windows, *zone, now) : gate.open;
  }
  case gate_kind::health:
    return kind_changed || gate.open;
  case gate_kind::manual:
    return gate.open;
  }
  return gate.open;
}

} // namespace

failure check_gate(const gate_definition& x) {
  if (auto fault = check_text("/description", x.description, task_limits::description_bytes))
    return fault;
  if (x.kind == gate_kind::health)
    return check_condition(x.closes_while);
  return x.kind == gate_kind::window ? check_windows(x) : failure{};
}

caf::expected<gate_record> changed_gate(const gate_record* present, const set_gate_request& request, timestamp now) {
  if (auto fault = check_request(request))
    return make_error(fault);
  gate_record result;
  if (present)
    result = *present;
  result.name = request.name;
  auto before = result.definition;
  if (request.definition)
    result.definition = *request.definition;
  auto kind = result.definition.kind;
  if (request.open && kind == gate_kind::approval)
    return make_error(ec::invalid, "a gate of kind approval is opened for one task at a time, by approving the task",
                      "/open");
  if (request.open && kind != gate_kind::manual)
    return make_error(ec::invalid,
                      "a gate of kind " + std::string{name_of(kind)} +
                        " opens and closes by itself; declare it as manual to switch it by hand",
                      "/open");
  auto open = request.open.value_or(open_after(result, kind != before.kind, now));
  auto same = present && open == result.open && encode(before) == encode(result.definition);
  if (!same || !request.reason.empty())
    switch_gate(result, open, request.by.empty() ? "api" : request.by, request.reason, now);
  return result;
}

void switch_gate(gate_record& gate, bool open, std::string by, std::string reason, timestamp now) {
  gate.open = open;
  gate.history.insert(gate.history.begin(), {now, open, std::move(by), std::move(reason)});
  gate.history.resize(std::min(gate.history.size(), max_gate_history));
}

} // namespace overwatch
