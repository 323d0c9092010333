#include "http/json_text.hpp"
#include "http/service.hpp"
#include "http/task_json.hpp"

/// What can be done with one task, and the tasks that a person starts with one call.
namespace overwatch::http {

namespace {

struct cancel_body {
  std::string reason;
};

constexpr std::array<field_rule<cancel_body>, 1> cancel_rules{{
  {"reason", [](const input& in, cancel_body& x) { read_text(in, 0, task_limits::message_bytes, x.reason); }},
}};

response cancel_task(service& s, const request& x) {
  auto id = id_of(x);
  if (!id)
    return no_such_task(x);
  cancel_body body;
  if (!x.body.empty())
    if (auto error = read_body(x, cancel_rules, body))
      return std::move(*error);
  return task_response(s.ask<task_record>(cancel_request{*id, body.reason}));
}

response retry_task(service& s, const request& x) {
  auto id = id_of(x);
  if (!id)
    return no_such_task(x);
  auto receipt = s.ask<submit_receipt>(retry_request{*id});
  if (!receipt)
    return error_response(receipt.error());
  if (receipt->error)
    return error_response(to_problem(receipt->error));
  return task_response(s.ask<task_record>(get_request{receipt->id}));
}

response task_log(service& s, const request& x) {
  auto id = id_of(x);
  if (!id)
    return no_such_task(x);
  error_list errors;
  int64_t after = 0;
  int64_t limit = 100;
  x.parameters.read_integer("after", 0, INT64_MAX, after, errors);
  x.parameters.read_integer("limit", 1, 1000, limit, errors);
  if (!errors.empty())
    return error_response(errors);
  auto page = s.ask<log_page>(log_request{*id, static_cast<uint64_t>(after), static_cast<uint32_t>(limit)});
  if (!page)
    return error_response(page.error());
  response out;
  object_writer json{out.body};
  json.text("id", to_string(*id));
  auto& body = json.member("entries");
  append_array(body, page->entries, [&](const log_entry& entry) { append_log_entry(body, entry); });
  auto next = page->entries.empty() ? static_cast<uint64_t>(after) : page->entries.back().sequence;
  json.integer("next", next).close();
  return out;
}

response task_why(service& s, const request& x) {
  auto id = id_of(x);
  if (!id)
    return no_such_task(x);
  auto why = s.ask<why_reply>(why_request{*id});
  if (!why)
    return error_response(why.error());
  response out;
  object_writer json{out.body};
  json.text("id", to_string(why->id))
    .text("status", name_of(why->status))
    .text("kind", name_of(why->kind))
    .text("sentence", why->sentence)
    .map("data", why->data)
    .close();
  return out;
}

response submit_manual(service& s, const char* name, const char* type, priority importance, const char* subsystem) {
  auto spec = std::make_shared<task_spec>();
  spec->name = name;
  spec->task_type = type;
  spec->importance = importance;
  spec->subsystem = subsystem;
  spec->created_at = now();
  submission task{std::move(spec), std::make_shared<std::string>("{}")};
  auto receipt = s.gateway.submit(task, s.options.request_timeout);
  if (!receipt)
    return error_response(receipt.error());
  return json_response(submitted_task_json(task, *receipt))
    .header("Location", std::string{api_root} + "/tasks/" + to_string(receipt->id));
}

response health_check(service& s, const request&) {
  return submit_manual(s, "Manual Health Check", "system_health", priority::high, "core");
}
response performance_check(service& s, const request&) {
  return submit_manual(s, "Manual Performance Check", "performance_check", priority::high, "core");
}
response backup(service& s, const request&) {
  return submit_manual(s, "Manual Backup", "data_backup", priority::normal, "core");
}
response maintenance(service& s, const request&) {
  return submit_manual(s, "Manual Maintenance", "maintenance", priority::normal, "core");
}
response security_scan(service& s, const request&) {
  return submit_manual(s, "Manual Security Scan", "security_scan", priority::normal, "core");
}
response obd2_diagnostic(service& s, const request&) {
  return submit_manual(s, "Manual OBD2 Diagnostic", "obd2_diagnostic", priority::normal, "obd2");
}

response generate(service& s, const request&) {
  auto status = s.ask<node_status>(status_request{});
  if (!status)
    return error_response(status.error());
  if (!status->dispatching)
    return error_response(400, "conflict", "Overwatch system is not running");
  auto reply = s.ask<submit_reply>(generate_request{});
  if (!reply)
    return error_response(reply.error());
  response out;
  object_writer json{out.body};
  auto& tasks = json.text("message", "Tasks generated successfully").member("tasks");
  append_array(tasks, reply->receipts, [&](const submit_receipt& receipt) {
    object_writer task{tasks};
    if (receipt.error)
      append_problem(task.member("error"), to_problem(receipt.error));
    else
      task.text("id", to_string(receipt.id))
        .text("status", name_of(receipt.status))
        .boolean("existing", receipt.existing);
    task.close();
  });
  json.close();
  return out;
}

} // namespace

std::vector<route> task_action_routes() {
  return {
    {"POST", "/api/overwatch/tasks/{id}/cancel", "", cancel_task},
    {"POST", "/api/overwatch/tasks/{id}/retry", "", retry_task},
    {"GET", "/api/overwatch/tasks/{id}/logs", "after limit", task_log},
    {"GET", "/api/overwatch/tasks/{id}/why", "", task_why},
    {"POST", "/api/overwatch/tasks/generate", "", generate},
    {"POST", "/api/overwatch/tasks/health-check", "", health_check},
    {"POST", "/api/overwatch/tasks/performance-check", "", performance_check},
    {"POST", "/api/overwatch/tasks/backup", "", backup},
    {"POST", "/api/overwatch/tasks/maintenance", "", maintenance},
    {"POST", "/api/overwatch/tasks/security-scan", "", security_scan},
    {"POST", "/api/overwatch/tasks/obd2-diagnostic", "", obd2_diagnostic},
  };
}

} // namespace overwatch::http
