#include "http/json_text.hpp"
#include "http/service.hpp"
#include "http/task_json.hpp"
#include "http/task_reader.hpp"
#include "http/workflow_graph.hpp"

/// Workflows: submit, list, get and cancel.
namespace overwatch::http {

namespace {

namespace limits = task_limits;

struct workflow_body {
  submit_workflow_request request;
  timestamp now;
  bool has_name = false;
  bool has_tasks = false;
};

void add_fault(const input& in, graph_fault fault) {
  auto task = in.at.child(fault.task);
  auto field = task.child(fault.field);
  in.errors.add(fault.parent ? field.child(*fault.parent) : field, "value_error", std::move(fault.message));
}

void read_tasks(const input& in, workflow_body& x) {
  x.has_tasks = true;
  const auto* array = in.value.if_array();
  if (array == nullptr || array->empty() || array->size() > limits::workflow_tasks) {
    in.refuse("an array of 1 to " + std::to_string(limits::workflow_tasks) + " tasks");
    return;
  }
  auto before = in.errors.count();
  for (size_t i = 0; i < array->size(); ++i)
    if (auto task = read_workflow_task({(*array)[i], in.at.child(i), in.errors}, x.now))
      x.request.tasks.push_back(std::move(*task));
  if (in.errors.count() != before)
    return;
  for (auto& fault : check_graph(x.request.tasks))
    add_fault(in, std::move(fault));
}

constexpr std::array<field_rule<workflow_body>, 4> workflow_rules{{
  {"name",
   [](const input& in, workflow_body& x) {
     x.has_name = true;
     read_text(in, 1, limits::name_bytes, x.request.name);
   }},
  {"id",
   [](const input& in, workflow_body& x) {
     if (!in.value.is_null())
       read_id(in, x.request.id);
   }},
  {"compensate", [](const input& in, workflow_body& x) { read_boolean(in, x.request.compensate); }},
  {"tasks", read_tasks},
}};

void append_member(std::string& out, const workflow_member& x) {
  object_writer json{out};
  json.text("name", x.name)
    .text("id", to_string(x.id))
    .text("status", name_of(x.status))
    .text("rollback", name_of(x.rollback))
    .texts("depends_on", x.depends_on)
    .close();
}

void append_workflow(std::string& out, const workflow_record& x, bool whole) {
  object_writer json{out};
  json.text("id", to_string(x.id))
    .text("name", x.name)
    .text("status", name_of(x.status))
    .text("compensation", name_of(x.compensation))
    .time("created_at", x.created_at)
    .time("finished_at", x.finished_at)
    .text_or_null("failed_task", x.failed_task)
    .text_or_null("cancel_reason", x.cancel_reason);
  if (whole) {
    auto& tasks = json.member("tasks");
    append_array(tasks, x.tasks, [&](const workflow_member& task) { append_member(tasks, task); });
  }
  json.close();
}

response workflow_response(const caf::expected<workflow_record>& workflow) {
  if (!workflow)
    return error_response(workflow.error());
  response out;
  append_workflow(out.body, *workflow, true);
  return out;
}

response no_such_workflow(const request& x) {
  return error_response(404, "not_found", "no workflow has the id \"" + x.values.front() + "\"; an id is a UUID");
}

response create_workflow(service& s, const request& x) {
  workflow_body body;
  body.now = now();
  auto check = [](const workflow_body& read, error_list& errors) {
    if (!read.has_name)
      refuse_missing(place{}, errors, "name");
    if (!read.has_tasks)
      refuse_missing(place{}, errors, "tasks");
  };
  if (auto error = read_body(x, workflow_rules, body, check))
    return std::move(*error);
  auto workflow = s.ask<workflow_record>(std::move(body.request));
  auto out = workflow_response(workflow);
  if (workflow)
    out.header("Location", std::string{api_root} + "/workflows/" + to_string(workflow->id));
  return out;
}

response list_workflows(service& s, const request& x) {
  error_list errors;
  list_workflows_request list;
  int64_t limit = list.limit;
  x.parameters.read_integer("limit", 1, 1000, limit, errors);
  list.limit = static_cast<uint32_t>(limit);
  if (const auto* cursor = x.parameters.find("cursor")) {
    list.before = parse_task_id(*cursor);
    if (!list.before)
      errors.add(place{place::document::query}.child("cursor"), "value_error",
                 "expected the field next of an earlier answer");
  }
  if (!errors.empty())
    return error_response(errors);
  if (auto refusal = read_consistency(x, list.level))
    return std::move(*refusal);
  auto page = s.ask<workflow_page>(list);
  if (!page)
    return error_response(page.error());
  response out;
  object_writer json{out.body};
  auto& workflows = json.member("workflows");
  append_array(workflows, page->workflows, [&](const workflow_record& w) { append_workflow(workflows, w, false); });
  json.text_or_null("next", page->next ? to_string(*page->next) : std::string{}).close();
  return out;
}

response get_workflow(service& s, const request& x) {
  auto id = id_of(x);
  if (!id)
    return no_such_workflow(x);
  get_workflow_request get{*id};
  if (auto refusal = read_consistency(x, get.level))
    return std::move(*refusal);
  return workflow_response(s.ask<workflow_record>(get));
}

constexpr std::array<field_rule<cancel_workflow_request>, 1> cancel_rules{{
  {"reason",
   [](const input& in, cancel_workflow_request& x) { read_text(in, 0, limits::message_bytes, x.reason); }},
}};

response cancel_workflow(service& s, const request& x) {
  auto id = id_of(x);
  if (!id)
    return no_such_workflow(x);
  cancel_workflow_request cancel;
  cancel.id = *id;
  if (!x.body.empty())
    if (auto error = read_body(x, cancel_rules, cancel))
      return std::move(*error);
  return workflow_response(s.ask<workflow_record>(std::move(cancel)));
}

} // namespace

std::vector<route> workflow_routes() {
  return {
    {"POST", "/api/overwatch/workflows", "", create_workflow},
    {"GET", "/api/overwatch/workflows", "limit cursor consistency", list_workflows},
    {"GET", "/api/overwatch/workflows/{id}", "consistency", get_workflow},
    {"POST", "/api/overwatch/workflows/{id}/cancel", "", cancel_workflow},
  };
}

} // namespace overwatch::http
