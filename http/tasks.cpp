#include "http/json_text.hpp"
#include "http/service.hpp"
#include "http/task_json.hpp"
#include "http/task_reader.hpp"
#include "http/time_text.hpp"

/// Create, list, get and delete tasks.
namespace overwatch::http {

namespace {

constexpr std::chrono::seconds max_wait{60};

std::string location_of(const task_id& id) { return std::string{api_root} + "/tasks/" + to_string(id); }

response create_task(service& s, const request& x) {
  std::optional<syntax_error> syntax;
  error_list errors;
  auto task = parse_task(x.body, now(), syntax, errors);
  if (syntax)
    return error_response(to_problem(*syntax));
  if (!task)
    return error_response(errors);
  auto receipt = s.gateway.submit(*task, s.options.request_timeout);
  if (!receipt)
    return error_response(receipt.error());
  auto location = location_of(receipt->id);
  auto ended = is_terminal(receipt->status); // at once: with a cached result, or because of a parent
  if (!receipt->existing && !ended)
    return json_response(submitted_task_json(*task, *receipt)).header("Location", std::move(location));
  auto stored = task_response(s.ask<task_record>(get_request{receipt->id}));
  stored.header("Location", std::move(location));
  return receipt->existing ? stored.header("Overwatch-Existing", "true") : stored;
}

// True when all conditions were understood.
bool read_filter(const query& parameters, task_filter& filter, error_list& errors) {
  parameters.read_names("status", task_status_names, filter.statuses, errors);
  parameters.read_names("priority", priority_names, filter.priorities, errors);
  filter.task_types = parameters.list("task_type");
  filter.tags = parameters.list("tags");
  filter.assigned_to = parameters.list("assigned_to");
  filter.subsystems = parameters.list("subsystem");
  for (auto& [key, value] : parameters.with_prefix("context."))
    filter.context[key] = value;
  std::vector<origin_kind> origins;
  parameters.read_names("origin", origin_kind_names, origins, errors);
  place root{place::document::query};
  if (origins.size() > 1)
    errors.add(root.child("origin"), "value_error", "expected one kind of origin");
  else if (origins.size() == 1)
    filter.origin = origins.front();
  if (const auto* id = parameters.find("origin_id"))
    filter.origin_id = *id;
  if (const auto* text = parameters.find("q"))
    filter.text = *text;
  if (const auto* workflow = parameters.find("workflow")) {
    filter.workflow = parse_task_id(*workflow);
    if (!filter.workflow)
      errors.add(root.child("workflow"), "value_error", "expected the id of a workflow");
  }
  parameters.read_time("created_from", filter.created_from, errors);
  parameters.read_time("created_to", filter.created_to, errors);
  return errors.empty();
}

response list_tasks(service& s, const request& x) {
  error_list errors;
  list_request list;
  int64_t limit = list.limit;
  x.parameters.read_integer("limit", 1, 1000, limit, errors);
  list.limit = static_cast<uint32_t>(limit);
  if (const auto* cursor = x.parameters.find("cursor")) {
    list.before = parse_task_id(*cursor);
    if (!list.before)
      errors.add(place{place::document::query}.child("cursor"), "value_error",
                 "expected the cursor of an earlier answer (header Overwatch-Next-Cursor)");
  }
  if (!read_filter(x.parameters, list.filter, errors))
    return error_response(errors);
  if (auto refusal = read_consistency(x, list.level))
    return std::move(*refusal);
  auto page = s.ask<task_page>(list);
  if (!page)
    return error_response(page.error());
  response out;
  append_array(out.body, page->tasks, [&](const task_record& task) { append_task(out.body, task, false); });
  if (page->next) {
    auto cursor = to_string(*page->next);
    auto link = "<" + std::string{x.path} + "?" + x.parameters.with("cursor", cursor) + ">; rel=\"next\"";
    out.header("Link", link).header("Overwatch-Next-Cursor", cursor);
  }
  if (page->cut_short)
    out.header("Overwatch-Cut-Short", "true");
  return out;
}

// `?wait=30`: answers when the task has ended, or after that many seconds with the task as it is.
response wait_for_task(service& s, const task_id& id, milliseconds limit) {
  auto permit = s.long_ones.enter();
  if (!permit)
    return too_many_long_requests();
  auto out = task_response(s.gateway.ask<task_record>(wait_request{id, limit}, limit + s.options.request_timeout));
  out.waited = true;
  return out;
}

response get_task(service& s, const request& x) {
  auto id = id_of(x);
  if (!id)
    return no_such_task(x);
  milliseconds wait{0};
  if (const auto* text = x.parameters.find("wait")) {
    error_list errors;
    auto duration = parse_duration(*text);
    if (!duration || *duration > max_wait) {
      place root{place::document::query};
      errors.add(root.child("wait"), "value_error", "expected seconds from 0 to 60, got \"" + *text + "\"");
      return error_response(errors);
    }
    wait = *duration;
  }
  if (wait.count() > 0)
    return wait_for_task(s, *id, wait);
  get_request get{*id};
  if (auto refusal = read_consistency(x, get.level))
    return std::move(*refusal);
  return task_response(s.ask<task_record>(get));
}

response remove_task(service& s, const request& x) {
  auto id = id_of(x);
  return id ? task_response(s.ask<task_record>(remove_request{*id})) : no_such_task(x);
}

} // namespace

response task_response(const caf::expected<task_record>& task) {
  if (!task)
    return error_response(task.error());
  response out;
  append_task(out.body, *task, true);
  return out;
}

std::vector<route> task_routes() {
  return {
    {"POST", "/api/overwatch/tasks", "", create_task},
    {"GET", "/api/overwatch/tasks",
     "status task_type priority tags assigned_to subsystem context.* origin origin_id workflow created_from created_to "
     "q limit cursor consistency",
     list_tasks},
    {"GET", "/api/overwatch/tasks/{id}", "wait consistency", get_task},
    {"DELETE", "/api/overwatch/tasks/{id}", "", remove_task},
  };
}

} // namespace overwatch::http
