#include "http/json_text.hpp"
#include "http/service.hpp"
#include "http/task_json.hpp"
#include "http/task_reader.hpp"

/// Rules: list, get, put, delete, and trying one out.
namespace overwatch::http {

namespace {

namespace limits = task_limits;

struct rule_body {
  rule_definition definition;
  bool has_make = false;
  bool has_task = false;
};

void read_fixed_task(const input& in, rule_body& x) {
  if (in.value.is_null())
    return;
  x.has_task = true;
  std::string text;
  if (!read_task(in, now()))
    return;
  append_value(in, text);
  x.definition.task_json = std::move(text);
}

void read_pause(const input& in, milliseconds& out) { read_duration(in, milliseconds{0}, limits::max_timeout, out); }

void read_kinds(const input& in, std::vector<event_kind>& out) {
  const auto* array = in.value.if_array();
  if (array == nullptr || array->size() > event_kind_names.size()) {
    in.refuse("an array of kinds of events", {event_kind_names.begin(), event_kind_names.end()});
    return;
  }
  std::vector<event_kind> kinds(array->size());
  for (size_t i = 0; i < array->size(); ++i)
    read_name({(*array)[i], in.at.child(i), in.errors}, event_kind_names, kinds[i]);
  out = std::move(kinds);
}

constexpr std::array<field_rule<rule_body>, 8> rule_rules{{
  {"description",
   [](const input& in, rule_body& x) { read_text(in, 0, limits::description_bytes, x.definition.description); }},
  {"enabled", [](const input& in, rule_body& x) { read_boolean(in, x.definition.enabled); }},
  {"condition",
   [](const input& in, rule_body& x) {
     if (in.value.is_null())
       x.definition.condition.clear();
     else
       read_text(in, 0, max_chunk_bytes, x.definition.condition);
   }},
  {"make",
   [](const input& in, rule_body& x) {
     if (in.value.is_null())
       return;
     x.has_make = true;
     read_text(in, 1, max_chunk_bytes, x.definition.make);
   }},
  {"task", read_fixed_task},
  {"for", [](const input& in, rule_body& x) { read_pause(in, x.definition.holds_for); }},
  {"cooldown", [](const input& in, rule_body& x) { read_pause(in, x.definition.cooldown); }},
  {"on", [](const input& in, rule_body& x) { read_kinds(in, x.definition.on); }},
}};

void check_rule(const rule_body& x, error_list& errors) {
  if (x.has_make && x.has_task)
    errors.add(place{}.child("task"), "value_error", "expected make or task, and not both");
}

std::optional<response> read_rule(const request& x, rule_body& body) {
  return read_body(x, rule_rules, body, check_rule);
}

// The definition that a body means for the rule `name`: a whole one when it says what to make, else the stored one
// with the fields that the body names. Nothing when there is no such rule.
caf::expected<rule_definition> definition_of(service& s, const request& x, rule_body body) {
  if (body.has_make || body.has_task)
    return std::move(body.definition);
  auto stored = s.ask<rule_record>(rule_request{x.values.front()});
  if (!stored)
    return stored.error();
  rule_body changed;
  changed.definition = std::move(stored->definition);
  if (read_rule(x, changed)) // was read without fault before
    return make_error(ec::internal, "the rule could not be read again");
  return std::move(changed.definition);
}

void append_rule(std::string& out, const rule_record& x) {
  const auto& definition = x.definition;
  object_writer json{out};
  json.text("name", x.name)
    .text("description", definition.description)
    .boolean("enabled", definition.enabled)
    .boolean("built_in", x.built_in)
    .text_or_null("condition", definition.condition)
    .text_or_null("make", definition.make)
    .raw("task", checked_json(definition.task_json))
    .seconds("for", definition.holds_for)
    .seconds("cooldown", definition.cooldown);
  auto& kinds = json.member("on");
  append_array(kinds, definition.on, [&](event_kind kind) { append_quoted(kinds, name_of(kind)); });
  json.time("judged_at", x.judged_at)
    .time("holds_since", x.holds_since)
    .time("fired_at", x.fired_at)
    .integer("fired", x.fired)
    .integer("created", x.created)
    .text_or_null("error", x.error)
    .time("failed_at", x.failed_at);
  append_ids(json.member("tasks"), x.tasks);
  json.close();
}

response rule_response(const caf::expected<rule_record>& rule) {
  if (!rule)
    return error_response(rule.error());
  response out;
  append_rule(out.body, *rule);
  return out;
}

response list_rules(service& s, const request&) {
  auto reply = s.ask<rules_reply>(rules_request{});
  if (!reply)
    return error_response(reply.error());
  response out;
  object_writer json{out.body};
  auto& list = json.member("rules");
  append_array(list, reply->rules, [&](const rule_record& x) { append_rule(list, x); });
  json.close();
  return out;
}

response get_rule(service& s, const request& x) {
  return rule_response(s.ask<rule_record>(rule_request{x.values.front()}));
}

response put_rule(service& s, const request& x) {
  rule_body body;
  if (auto error = read_rule(x, body))
    return std::move(*error);
  auto definition = definition_of(s, x, std::move(body));
  if (definition)
    return rule_response(s.ask<rule_record>(put_rule_request{x.values.front(), std::move(*definition)}));
  if (describe(definition.error()).code != ec::not_found)
    return error_response(definition.error());
  error_list errors;
  errors.add(place{}.child("make"), "missing", "a new rule needs make (a chunk that returns tasks) or task");
  return error_response(errors);
}

response remove_rule(service& s, const request& x) {
  return rule_response(s.ask<rule_record>(remove_rule_request{x.values.front()}));
}

response trial_response(const caf::expected<test_rule_reply>& trial) {
  if (!trial)
    return error_response(trial.error());
  response out;
  object_writer json{out.body};
  json.boolean("holds", trial->holds).boolean("would_fire", trial->would_fire).text("why", trial->why);
  auto& tasks = json.member("tasks");
  append_array(tasks, trial->tasks, [&](const std::string& task) { tasks += checked_json(task); });
  json.text_or_null("error", trial->error).texts("printed", trial->printed).close();
  return out;
}

response test_rule(service& s, const request& x) {
  test_rule_request trial;
  trial.name = x.values.front();
  if (!x.body.empty()) {
    rule_body body;
    if (auto error = read_rule(x, body))
      return std::move(*error);
    auto definition = definition_of(s, x, std::move(body));
    if (!definition)
      return error_response(definition.error());
    trial.definition = std::move(*definition);
  }
  return trial_response(s.ask<test_rule_reply>(std::move(trial)));
}

response test_definition(service& s, const request& x) {
  rule_body body;
  if (auto error = read_rule(x, body))
    return std::move(*error);
  return trial_response(s.ask<test_rule_reply>(test_rule_request{{}, std::move(body.definition)}));
}

} // namespace

std::vector<route> rule_routes() {
  return {
    {"GET", "/api/overwatch/rules", "", list_rules},
    {"GET", "/api/overwatch/rules/{name}", "", get_rule},
    {"PUT", "/api/overwatch/rules/{name}", "", put_rule},
    {"DELETE", "/api/overwatch/rules/{name}", "", remove_rule},
    {"POST", "/api/overwatch/rules/{name}/test", "", test_rule},
    {"POST", "/api/overwatch/rules/test", "", test_definition},
  };
}

} // namespace overwatch::http
