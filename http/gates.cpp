#include "http/gate_windows.hpp"
#include "http/json_text.hpp"
#include "http/service.hpp"

#include <algorithm>
#include <cfloat>

/// Gates: list, get, declare, switch and forget.
namespace overwatch::http {

namespace {

namespace limits = task_limits;

constexpr milliseconds max_lasting = std::chrono::hours{24};

// A body of PUT, and which of its parts were sent.
struct gate_change_body {
  gate_definition definition;
  std::optional<double> above;
  std::optional<double> below;
  std::optional<bool> open;
  std::string by;
  std::string reason;
  bool has_kind = false;
  std::vector<std::string_view> defining; // fields beside `kind` that define a gate
};

void read_metric(const input& in, gate_change_body& x) {
  size_t position = 0;
  if (find_name(in, health_metric_names.data(), health_metric_names.size(), position))
    x.definition.closes_while.metric = health_metric_names[position];
}

void read_threshold(const input& in, std::optional<double>& out) {
  double number = 0;
  if (read_number(in, -DBL_MAX, DBL_MAX, number))
    out = number;
}

constexpr std::array<field_rule<gate_change_body>, 5> condition_rules{{
  {"metric", read_metric},
  {"above", [](const input& in, gate_change_body& x) { read_threshold(in, x.above); }},
  {"below", [](const input& in, gate_change_body& x) { read_threshold(in, x.below); }},
  {"margin",
   [](const input& in, gate_change_body& x) { read_number(in, 0, DBL_MAX, x.definition.closes_while.margin); }},
  {"for",
   [](const input& in, gate_change_body& x) {
     read_duration(in, milliseconds{0}, max_lasting, x.definition.closes_while.lasting);
   }},
}};

void read_condition(const input& in, gate_change_body& x) {
  if (in.value.is_null())
    return;
  x.defining.emplace_back("condition");
  auto before = in.errors.count();
  if (!read_object(in, condition_rules, x) || in.errors.count() != before)
    return;
  auto& condition = x.definition.closes_while;
  if (condition.metric.empty())
    refuse_missing(in.at, in.errors, "metric");
  if (x.above.has_value() == x.below.has_value()) {
    in.errors.add(in.at, "value_error", "expected above or below, and not both");
    return;
  }
  condition.side = x.above ? comparison::above : comparison::below;
  condition.threshold = x.above ? *x.above : *x.below;
}

constexpr std::array<field_rule<gate_change_body>, 8> gate_rules{{
  {"kind",
   [](const input& in, gate_change_body& x) {
     x.has_kind = true;
     read_name(in, gate_kind_names, x.definition.kind);
   }},
  {"description",
   [](const input& in, gate_change_body& x) {
     x.defining.emplace_back("description");
     read_text(in, 0, limits::description_bytes, x.definition.description);
   }},
  {"open",
   [](const input& in, gate_change_body& x) {
     bool open = true;
     if (read_boolean(in, open))
       x.open = open;
   }},
  {"by", [](const input& in, gate_change_body& x) { read_text(in, 0, limits::label_bytes, x.by); }},
  {"reason", [](const input& in, gate_change_body& x) { read_text(in, 0, limits::message_bytes, x.reason); }},
  {"condition", read_condition},
  {"windows",
   [](const input& in, gate_change_body& x) {
     x.defining.emplace_back("windows");
     read_windows(in, x.definition.windows);
   }},
  {"time_zone",
   [](const input& in, gate_change_body& x) {
     x.defining.emplace_back("time_zone");
     read_text(in, 1, limits::label_bytes, x.definition.time_zone);
   }},
}};

bool defines(const gate_change_body& x, std::string_view field) {
  return std::find(x.defining.begin(), x.defining.end(), field) != x.defining.end();
}

// What belongs to one kind is needed there and refused elsewhere.
void check_field_of_kind(const gate_change_body& x, std::string_view field, gate_kind kind, bool needed,
                         error_list& errors) {
  place root;
  if (x.definition.kind == kind) {
    if (needed && !defines(x, field))
      refuse_missing(root, errors, field);
  } else if (defines(x, field)) {
    errors.add(root.child(field), "value_error",
               "only gates of kind " + std::string{name_of(kind)} + " have it; leave it out or change the kind");
  }
}

void check_definition(const gate_change_body& x, error_list& errors) {
  place root;
  if (!x.has_kind) {
    if (!x.defining.empty())
      errors.add(root.child("kind"), "missing",
                 "the kind is needed to define a gate; without it only open, by and reason are allowed");
    return;
  }
  check_field_of_kind(x, "condition", gate_kind::health, true, errors);
  check_field_of_kind(x, "windows", gate_kind::window, true, errors);
  check_field_of_kind(x, "time_zone", gate_kind::window, false, errors);
  if (x.definition.kind == gate_kind::window && defines(x, "windows") && x.definition.windows.empty())
    errors.add(root.child("windows"), "value_error", "expected at least one window");
  if (x.open && x.definition.kind != gate_kind::manual)
    errors.add(root.child("open"), "value_error",
               std::string{name_of(x.definition.kind)} + " gates open and close by themselves; leave it out");
}

void append_condition(std::string& out, const metric_condition& x) {
  object_writer json{out};
  json.text("metric", x.metric)
    .number(name_of(x.side), x.threshold)
    .number("margin", x.margin)
    .seconds("for", x.lasting)
    .close();
}

void append_change(std::string& out, const gate_change& x) {
  object_writer json{out};
  json.time("time", x.time).boolean("open", x.open).text_or_null("by", x.by).text_or_null("reason", x.reason).close();
}

void append_gate(std::string& out, const gate_record& gate, bool whole) {
  const auto& definition = gate.definition;
  object_writer json{out};
  json.text("name", gate.name)
    .text("kind", name_of(definition.kind))
    .boolean("open", gate.open)
    .text("description", definition.description);
  if (gate.history.empty()) {
    json.null("since").null("by").null("reason");
  } else {
    const auto& newest = gate.history.front();
    json.time("since", newest.time).text_or_null("by", newest.by).text_or_null("reason", newest.reason);
  }
  if (definition.kind == gate_kind::health)
    append_condition(json.member("condition"), definition.closes_while);
  else
    json.null("condition");
  append_windows(json.member("windows"), definition.windows);
  json.text("time_zone", definition.time_zone);
  if (whole) {
    auto& history = json.member("history");
    append_array(history, gate.history, [&](const gate_change& x) { append_change(history, x); });
  }
  json.close();
}

response gate_response(const caf::expected<gate_record>& gate) {
  if (!gate)
    return error_response(gate.error());
  response out;
  append_gate(out.body, *gate, true);
  return out;
}

response list_gates(service& s, const request&) {
  auto reply = s.ask<gates_reply>(gates_request{});
  if (!reply)
    return error_response(reply.error());
  response out;
  object_writer json{out.body};
  auto& list = json.member("gates");
  append_array(list, reply->gates, [&](const gate_record& x) { append_gate(list, x, false); });
  json.close();
  return out;
}

response get_gate(service& s, const request& x) {
  auto reply = s.ask<gates_reply>(gates_request{});
  if (!reply)
    return error_response(reply.error());
  const auto& name = x.values.front();
  for (auto& gate : reply->gates)
    if (gate.name == name)
      return gate_response(std::move(gate));
  return error_response(404, "not_found",
                        "no gate \"" + name + "\" is declared, so it counts as open; PUT declares it");
}

response put_gate(service& s, const request& x) {
  gate_change_body body;
  if (!x.body.empty())
    if (auto error = read_body(x, gate_rules, body, check_definition))
      return std::move(*error);
  set_gate_request change;
  change.name = x.values.front();
  if (body.has_kind)
    change.definition = std::move(body.definition);
  change.open = body.open;
  change.by = std::move(body.by);
  change.reason = std::move(body.reason);
  return gate_response(s.ask<gate_record>(std::move(change)));
}

response remove_gate(service& s, const request& x) {
  return gate_response(s.ask<gate_record>(remove_gate_request{x.values.front()}));
}

} // namespace

std::vector<route> gate_routes() {
  return {
    {"GET", "/api/overwatch/gates", "", list_gates},
    {"GET", "/api/overwatch/gates/{name}", "", get_gate},
    {"PUT", "/api/overwatch/gates/{name}", "", put_gate},
    {"DELETE", "/api/overwatch/gates/{name}", "", remove_gate},
  };
}

} // namespace overwatch::http
