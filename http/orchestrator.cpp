#include "http/orchestrator.hpp"

#include "http/json_text.hpp"
#include "http/service.hpp"

namespace overwatch::http {

namespace {

namespace limits = task_limits;

constexpr double default_deadline_seconds = 30;
constexpr double shortest_deadline_seconds = 0.001;

constexpr std::array<std::string_view, 4> dialect_priorities{"LOW", "NORMAL", "HIGH", "CRITICAL"};
constexpr std::array<priority, 4> priorities{priority::low, priority::normal, priority::high, priority::critical};

// `background` has no name of its own here; LOW is where such tasks belong.
std::string_view dialect_name(priority x) {
  for (size_t i = 0; i < priorities.size(); ++i)
    if (priorities[i] == x)
      return dialect_priorities[i];
  return dialect_priorities.front();
}

std::string_view dialect_name(task_status status, rollback_status rollback) {
  switch (status) {
    case task_status::running:
      return "RUNNING";
    case task_status::completed:
      return "COMPLETE";
    case task_status::failed:
      return rollback == rollback_status::done ? "ROLLED_BACK" : "FAILED";
    case task_status::cancelled:
      return "FAILED";
    default:
      return "READY";
  }
}

// -- submit --------------------------------------------------------------------

struct draft {
  task_spec spec;
  std::string payload = "{}";
  std::string user_id;
  std::string session_id;
  double deadline_seconds = default_deadline_seconds;
};

void read_labels(const input& in, std::vector<std::string>& out) {
  read_texts(in, limits::list_entries, limits::label_bytes, out);
}

// Null or empty: nobody's.
void read_owner(const input& in, std::string& out) {
  if (!in.value.is_null())
    read_text(in, 0, limits::label_bytes, out);
}

void read_payload(const input& in, draft& x) {
  if (!in.value.is_object()) {
    in.refuse("an object");
    return;
  }
  x.payload.clear();
  append_value(in, x.payload);
  if (x.payload.size() > limits::payload_bytes)
    in.errors.add(in.at, "value_error",
                  "expected at most " + std::to_string(limits::payload_bytes) + " bytes of JSON, got " +
                    std::to_string(x.payload.size()));
}

constexpr std::array<field_rule<snapshot_scope>, 2> snapshot_rules{{
  {"keys", [](const input& in, snapshot_scope& x) { read_labels(in, x.keys); }},
  {"files",
   [](const input& in, snapshot_scope& x) { read_texts(in, limits::list_entries, limits::path_bytes, x.files); }},
}};

constexpr std::array<field_rule<draft>, 10> submit_rules{{
  {"task_type", [](const input& in, draft& x) { read_text(in, 1, limits::type_bytes, x.spec.task_type); }},
  {"name", [](const input& in, draft& x) { read_text(in, 1, limits::name_bytes, x.spec.name); }},
  {"priority",
   [](const input& in, draft& x) {
     size_t position = 0;
     if (find_name(in, dialect_priorities.data(), dialect_priorities.size(), position))
       x.spec.importance = priorities[position];
   }},
  {"deadline_seconds",
   [](const input& in, draft& x) {
     read_number(in, shortest_deadline_seconds, std::chrono::duration<double>(limits::max_timeout).count(),
                 x.deadline_seconds);
   }},
  {"user_id", [](const input& in, draft& x) { read_owner(in, x.user_id); }},
  {"session_id", [](const input& in, draft& x) { read_owner(in, x.session_id); }},
  {"context",
   [](const input& in, draft& x) { read_text_map(in, limits::list_entries, limits::label_bytes, x.spec.context); }},
  {"payload", read_payload},
  {"required_gates", [](const input& in, draft& x) { read_labels(in, x.spec.required_gates); }},
  {"snapshot",
   [](const input& in, draft& x) {
     if (!in.value.is_null())
       read_object(in, snapshot_rules, x.spec.snapshot);
   }},
}};

// What follows from the fields, once all are read.
submission complete(draft&& x, timestamp time) {
  auto& spec = x.spec;
  if (spec.name.empty())
    spec.name = spec.task_type;
  if (!x.user_id.empty())
    spec.context["user_id"] = std::move(x.user_id);
  if (!x.session_id.empty())
    spec.context["session_id"] = std::move(x.session_id);
  auto allowed = std::chrono::round<milliseconds>(std::chrono::duration<double>(x.deadline_seconds));
  spec.created_at = time;
  spec.deadline = time + allowed;
  spec.timeout = allowed; // only the deadline ends an attempt here
  return {std::make_shared<task_spec>(std::move(spec)), std::make_shared<std::string>(std::move(x.payload))};
}

void append_request(object_writer& json, const task_spec& spec, const task_id& id) {
  json.text("task_id", to_string(id))
    .text("task_type", spec.task_type)
    .text("name", spec.name)
    .text("priority", dialect_name(spec.importance))
    .time("created_at", spec.created_at)
    .time("deadline", spec.deadline)
    .map("context", spec.context)
    .texts("required_gates", spec.required_gates);
}

response submit(service& s, const request& x) {
  draft read;
  read.spec.task_type.clear();
  json::value value;
  if (auto error = parse_json(x.body, {}, value))
    return error_response(to_problem(*error));
  error_list errors;
  place root;
  if (read_object({value, root, errors}, submit_rules, read) && value.as_object().if_contains("task_type") == nullptr)
    errors.add(root.child("task_type"), "missing", "this field is needed");
  if (!errors.empty())
    return error_response(errors);
  auto task = complete(std::move(read), now());
  auto receipt = s.gateway.submit(task, s.options.request_timeout);
  if (!receipt)
    return error_response(receipt.error());
  response out;
  object_writer json{out.body};
  append_request(json, *task.spec, receipt->id);
  json.text("status", dialect_name(receipt->status, rollback_status::none)).close();
  return out.header("Location", "/orchestrator/tasks/" + to_string(receipt->id));
}

// -- one task --------------------------------------------------------------------

// Why it failed: null unless it did.
void append_failure(object_writer& json, const task_state& state) {
  if (state.status == task_status::cancelled)
    json.text("reason", "cancelled").text("error", state.cancel_reason);
  else if (state.status == task_status::failed)
    json.text("reason", name_of(state.error.kind)).text("error", state.error.message);
  else
    json.null("reason").null("error");
}

response show(service& s, const request& x) {
  auto id = id_of(x);
  if (!id)
    return no_such_task(x);
  auto task = s.ask<task_record>(get_request{*id});
  if (!task)
    return error_response(task.error());
  const auto& state = task->state;
  response out;
  object_writer json{out.body};
  append_request(json, task->spec, task->spec.id);
  json.text("status", dialect_name(state.status, state.rollback));
  append_failure(json, state);
  json.text("rollback", name_of(state.rollback))
    .time("started_at", state.started_at)
    .time("finished_at", state.finished_at);
  if (auto seconds = execution_seconds(state))
    json.number("execution_time", *seconds);
  else
    json.null("execution_time");
  if (task->result.empty() || is_json(task->result))
    json.raw("result", task->result);
  else
    json.text("result", task->result); // a handler called it JSON and it is not
  json.close();
  return out;
}

// -- stats -----------------------------------------------------------------------

struct sums {
  std::map<std::string, uint64_t> queue_depth; // by priority
  std::map<std::string, uint64_t> states;      // READY to FAILED; what was rolled back is in FAILED
};

sums sum_up_states(const stats_reply& stats) {
  sums out;
  for (auto name : dialect_priorities)
    out.queue_depth[std::string{name}] = 0;
  for (auto name : {"READY", "RUNNING", "COMPLETE", "FAILED"})
    out.states[name] = 0;
  for (const auto& x : stats.counts) {
    auto name = dialect_name(x.status, rollback_status::none);
    out.states[std::string{name}] += x.count;
    if (name == "READY")
      out.queue_depth[std::string{dialect_name(x.importance)}] += x.count;
  }
  return out;
}

// The rollbacks since the node started, by their outcome.
std::map<std::string, uint64_t> rollbacks_of(const metrics_reply& metrics) {
  std::map<std::string, uint64_t> out{{"done", 0}, {"failed", 0}};
  for (const auto& family : metrics.families)
    if (family.name == "rollback_operations_total")
      for (const auto& sample : family.samples)
        out[sample.labels.at("outcome")] = static_cast<uint64_t>(sample.value);
  return out;
}

void append_share(object_writer& json, std::string_view key, uint64_t part, uint64_t whole) {
  if (whole == 0)
    json.null(key);
  else
    json.number(key, static_cast<double>(part) / static_cast<double>(whole));
}

response stats(service& s, const request&) {
  auto stats = s.ask<stats_reply>(stats_request{});
  if (!stats)
    return error_response(stats.error());
  auto metrics = s.ask<metrics_reply>(metrics_request{});
  if (!metrics)
    return error_response(metrics.error());
  auto sums = sum_up_states(*stats);
  auto failed = stats->failed + stats->cancelled;
  auto ended = stats->completed + failed;
  response out;
  object_writer json{out.body};
  json.map("queue_depth", sums.queue_depth)
    .integer("queue_size", sums.states["READY"])
    .integer("running", sums.states["RUNNING"])
    .integer("submitted", stats->submitted)
    .integer("completed", stats->completed)
    .integer("failed", failed);
  append_share(json, "completion_rate", stats->completed, ended);
  append_share(json, "failure_rate", failed, ended);
  json.map("rollbacks", rollbacks_of(*metrics)).map("states", sums.states).close();
  return out;
}

} // namespace

std::vector<route> orchestrator_routes() {
  return {
    {"POST", "/orchestrator/submit", "", submit},
    {"GET", "/orchestrator/tasks/{id}", "", show},
    {"GET", "/orchestrator/stats", "", stats},
  };
}

} // namespace overwatch::http
