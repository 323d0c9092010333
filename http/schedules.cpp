#include "http/json_text.hpp"
#include "http/service.hpp"
#include "http/task_json.hpp"
#include "http/task_reader.hpp"
#include "http/time_text.hpp"

/// Schedules: list, get, put, delete, pause, resume, run now, and the slots that come.
namespace overwatch::http {

namespace {

namespace limits = task_limits;

constexpr milliseconds min_interval{1'000};
constexpr milliseconds max_interval = std::chrono::hours{24 * 3660};

struct schedule_body {
  schedule_definition definition;
  timestamp now;
  bool has_task = false;
};

void read_task_template(const input& in, schedule_body& x) {
  x.has_task = true;
  auto task = read_template(in, x.now);
  if (!task)
    return;
  x.definition.task = std::move(*task);
  append_value(in, x.definition.task_json);
}

void read_optional_time(const input& in, timestamp now, std::optional<timestamp>& out) {
  timestamp time;
  if (!in.value.is_null() && read_time(in, now, time))
    out = time;
}

constexpr std::array<field_rule<schedule_body>, 10> schedule_rules{{
  {"cron",
   [](const input& in, schedule_body& x) {
     if (!in.value.is_null())
       read_text(in, 1, limits::label_bytes, x.definition.cron);
   }},
  {"interval",
   [](const input& in, schedule_body& x) {
     if (!in.value.is_null())
       read_duration(in, min_interval, max_interval, x.definition.interval);
   }},
  {"task", read_task_template},
  {"time_zone",
   [](const input& in, schedule_body& x) { read_text(in, 1, limits::label_bytes, x.definition.time_zone); }},
  {"missed", [](const input& in, schedule_body& x) { read_name(in, missed_policy_names, x.definition.missed); }},
  {"overlap", [](const input& in, schedule_body& x) { read_name(in, overlap_policy_names, x.definition.overlap); }},
  {"starts_at", [](const input& in, schedule_body& x) { read_optional_time(in, x.now, x.definition.starts_at); }},
  {"ends_at", [](const input& in, schedule_body& x) { read_optional_time(in, x.now, x.definition.ends_at); }},
  {"description",
   [](const input& in, schedule_body& x) { read_text(in, 0, limits::description_bytes, x.definition.description); }},
  {"paused", [](const input& in, schedule_body& x) { read_boolean(in, x.definition.paused); }},
}};

void check_schedule(const schedule_body& x, error_list& errors) {
  place root;
  const auto& definition = x.definition;
  if (definition.cron.empty() == (definition.interval.count() == 0))
    errors.add(root.child("cron"), definition.cron.empty() ? "missing" : "value_error",
               "expected cron or interval, and not both");
  if (!x.has_task)
    refuse_missing(root, errors, "task");
  if (definition.starts_at && definition.ends_at && *definition.ends_at <= *definition.starts_at)
    errors.add(root.child("ends_at"), "value_error", "the schedule ends before it starts; no slot would come");
}

void append_slot(std::string& out, const schedule_slot& x) {
  object_writer json{out};
  json.time("time", x.time)
    .text("outcome", name_of(x.how))
    .boolean("by_hand", x.by_hand)
    .text_or_null("task", text_of(x.task))
    .integer("count", x.count)
    .text_or_null("note", x.note)
    .close();
}

void append_times(std::string& out, const std::vector<timestamp>& times) {
  append_array(out, times, [&](timestamp time) { append_quoted(out, to_text(time)); });
}

void append_schedule(std::string& out, const schedule_record& x, bool whole) {
  const auto& definition = x.definition;
  object_writer json{out};
  json.text("name", x.name).text("description", definition.description).text_or_null("cron", definition.cron);
  if (definition.cron.empty())
    json.seconds("interval", definition.interval);
  else
    json.null("interval");
  json.text("time_zone", definition.time_zone)
    .text("missed", name_of(definition.missed))
    .text("overlap", name_of(definition.overlap))
    .time("starts_at", definition.starts_at)
    .time("ends_at", definition.ends_at)
    .boolean("paused", definition.paused)
    .raw("task", checked_json(definition.task_json))
    .time("created_at", x.created_at)
    .time("handled", x.handled)
    .time("next", x.next);
  append_times(json.member("queued"), x.queued);
  json.text_or_null("last_task", text_of(x.last_task));
  if (whole) {
    auto& history = json.member("history");
    append_array(history, x.history, [&](const schedule_slot& slot) { append_slot(history, slot); });
  }
  json.close();
}

response schedule_response(const caf::expected<schedule_record>& schedule) {
  if (!schedule)
    return error_response(schedule.error());
  response out;
  append_schedule(out.body, *schedule, true);
  return out;
}

response list_schedules(service& s, const request&) {
  auto reply = s.ask<schedules_reply>(schedules_request{});
  if (!reply)
    return error_response(reply.error());
  response out;
  object_writer json{out.body};
  auto& list = json.member("schedules");
  append_array(list, reply->schedules, [&](const schedule_record& x) { append_schedule(list, x, false); });
  json.close();
  return out;
}

response get_schedule(service& s, const request& x) {
  return schedule_response(s.ask<schedule_record>(schedule_request{x.values.front()}));
}

response put_schedule(service& s, const request& x) {
  schedule_body body;
  body.now = now();
  if (auto error = read_body(x, schedule_rules, body, check_schedule))
    return std::move(*error);
  return schedule_response(s.ask<schedule_record>(put_schedule_request{x.values.front(), std::move(body.definition)}));
}

response remove_schedule(service& s, const request& x) {
  return schedule_response(s.ask<schedule_record>(remove_schedule_request{x.values.front()}));
}

response control(service& s, const request& x, schedule_action action) {
  return schedule_response(s.ask<schedule_record>(control_schedule_request{x.values.front(), action}));
}

response pause_schedule(service& s, const request& x) { return control(s, x, schedule_action::pause); }
response resume_schedule(service& s, const request& x) { return control(s, x, schedule_action::resume); }
response run_schedule(service& s, const request& x) { return control(s, x, schedule_action::run_now); }

response next_slots(service& s, const request& x) {
  error_list errors;
  next_slots_request next;
  int64_t count = next.count;
  if (!x.parameters.read_integer("count", 1, 100, count, errors))
    return error_response(errors);
  next.name = x.values.front();
  next.count = static_cast<uint32_t>(count);
  auto reply = s.ask<next_slots_reply>(std::move(next));
  if (!reply)
    return error_response(reply.error());
  response out;
  object_writer json{out.body};
  append_times(json.text("name", x.values.front()).member("slots"), reply->slots);
  json.close();
  return out;
}

} // namespace

std::vector<route> schedule_routes() {
  return {
    {"GET", "/api/overwatch/schedules", "", list_schedules},
    {"GET", "/api/overwatch/schedules/{name}", "", get_schedule},
    {"PUT", "/api/overwatch/schedules/{name}", "", put_schedule},
    {"DELETE", "/api/overwatch/schedules/{name}", "", remove_schedule},
    {"POST", "/api/overwatch/schedules/{name}/pause", "", pause_schedule},
    {"POST", "/api/overwatch/schedules/{name}/resume", "", resume_schedule},
    {"POST", "/api/overwatch/schedules/{name}/run", "", run_schedule},
    {"GET", "/api/overwatch/schedules/{name}/next", "count", next_slots},
  };
}

} // namespace overwatch::http
