#include "http/task_json.hpp"

#include "http/json_reader.hpp"
#include "http/json_text.hpp"

namespace overwatch::http {

namespace {

// Most of a task without payload fits; saves growing the string.
constexpr size_t usual_task_bytes = 2200;

void append_retry(std::string& out, const retry_policy& retry) {
  object_writer json{out};
  json.integer("max_attempts", retry.max_attempts)
    .text("backoff", name_of(retry.backoff))
    .seconds("base", retry.base)
    .seconds("max", retry.max)
    .number("jitter", retry.jitter)
    .close();
}

void append_resources(std::string& out, const resource_request& resources) {
  object_writer json{out};
  json.number("cpu", resources.cpu)
    .integer("memory_mb", resources.memory_mb)
    .number("io", resources.io)
    .texts("exclusive", resources.exclusive)
    .close();
}

void append_origin(std::string& out, const task_origin& origin) {
  object_writer json{out};
  json.text("kind", name_of(origin.kind)).text_or_null("id", origin.id).close();
}

void append_progress(std::string& out, double percent, std::string_view message) {
  object_writer json{out};
  json.number("percent", percent).text("message", message).close();
}

void append_error(std::string& out, const task_error& error) {
  if (error.kind == violation::none) {
    out += "null";
    return;
  }
  object_writer json{out};
  json.text("kind", name_of(error.kind)).text("message", error.message).close();
}

void append_rate(object_writer& json, const rate_limit& rate) {
  if (rate.key.empty()) {
    json.null("rate");
    return;
  }
  object_writer limit{json.member("rate")};
  limit.text("key", rate.key).integer("limit", rate.limit).seconds("per", rate.per).close();
}

void append_cache(object_writer& json, const result_cache& cache) {
  if (cache.key.empty()) {
    json.null("cache");
    return;
  }
  object_writer out{json.member("cache")};
  out.text("key", cache.key).seconds("ttl", cache.ttl).close();
}

void append_limits(object_writer& json, const task_spec& spec) {
  append_resources(json.member("resources"), spec.resources);
  json.text_or_null("unique_key", spec.unique_key);
  if (spec.unique_for)
    json.seconds("unique_for", *spec.unique_for);
  else
    json.null("unique_for");
  if (spec.concurrency.key.empty()) {
    json.null("concurrency");
  } else {
    object_writer limit{json.member("concurrency")};
    limit.text("key", spec.concurrency.key).integer("limit", spec.concurrency.limit).close();
  }
  if (spec.snapshot.keys.empty() && spec.snapshot.files.empty()) {
    json.null("snapshot");
  } else {
    object_writer scope{json.member("snapshot")};
    scope.texts("keys", spec.snapshot.keys).texts("files", spec.snapshot.files).close();
  }
  json.seconds("keep_snapshot", spec.keep_snapshot).text_or_null("fairness_key", spec.fairness_key);
  append_rate(json, spec.rate);
  append_cache(json, spec.cache);
  if (spec.placement.empty()) {
    json.null("placement");
  } else {
    object_writer where{json.member("placement")};
    where.text_or_null("node", spec.placement.node).map("labels", spec.placement.labels).close();
  }
  append_origin(json.member("origin"), spec.origin);
  json.text_or_null("workflow", text_of(spec.workflow));
}

void append_spec(object_writer& json, const task_spec& spec) {
  json.text("id", to_string(spec.id))
    .text("name", spec.name)
    .text("description", spec.description)
    .text("task_type", spec.task_type)
    .text("subsystem", spec.subsystem)
    .text("priority", name_of(spec.importance))
    .texts("tags", spec.tags)
    .text("assigned_to", spec.assigned_to)
    .map("context", spec.context)
    .time("created_at", spec.created_at)
    .time("scheduled_at", spec.scheduled_at)
    .time("deadline", spec.deadline)
    .seconds("timeout", spec.timeout);
  append_retry(json.member("retry"), spec.retry);
  json.texts("required_gates", spec.required_gates).text("on_closed_gate", name_of(spec.on_closed_gate))
    .boolean("cancel_on_gate_close", spec.cancel_on_gate_close);
  append_ids(json.member("depends_on"), spec.depends_on);
  json.text("on_dependency_failure", name_of(spec.on_dependency_failure));
  append_limits(json, spec);
}

void append_approvals(std::string& out, const std::vector<approval>& approvals) {
  append_array(out, approvals, [&](const approval& x) {
    object_writer json{out};
    json.text("gate", x.gate).text("by", x.by).text("reason", x.reason).time("time", x.time).close();
  });
}

void append_usage(std::string& out, const resource_usage& usage) {
  object_writer json{out};
  json.number("cpu_seconds", usage.cpu_seconds)
    .integer("peak_memory_bytes", usage.peak_memory_bytes)
    .integer("read_bytes", usage.read_bytes)
    .integer("written_bytes", usage.written_bytes)
    .close();
}

// What it waits for, and what was measured.
void append_control(object_writer& json, const task_state& state) {
  json.text_or_null("waits_for", state.waits_for).integer("parents_left", state.parents_left);
  append_approvals(json.member("approvals"), state.approvals);
  json.boolean("cached", !state.cached_from.is_nil()).text_or_null("cached_from", text_of(state.cached_from));
  append_usage(json.member("usage"), state.usage);
}

void append_state(object_writer& json, const task_state& state) {
  json.text("status", name_of(state.status))
    .integer("attempt", state.fence.attempt)
    .time("queued_at", state.queued_at)
    .time("started_at", state.started_at)
    .time("finished_at", state.finished_at);
  if (auto seconds = execution_seconds(state))
    json.number("execution_time", *seconds);
  else
    json.null("execution_time");
  append_progress(json.member("progress"), state.percent, state.message);
  append_error(json.member("error"), state.error);
  if (state.error.kind == violation::none)
    json.null("error_message");
  else
    json.text("error_message", state.error.message);
  json.text("rollback", name_of(state.rollback))
    .text_or_null("rollback_message", state.rollback_message)
    .time("snapshot_until", state.snapshot_until);
  append_control(json, state);
  json.text_or_null("node", state.node)
    .text_or_null("worker", state.worker)
    .boolean("cancel_requested", state.cancel_requested)
    .text_or_null("cancel_reason", state.cancel_reason);
}

} // namespace

std::string text_of(const task_id& id) { return id.is_nil() ? std::string{} : to_string(id); }

std::string checked_json(const std::string& text) {
  if (text.empty() || is_json(text))
    return text;
  std::string out;
  append_quoted(out, text);
  return out;
}

void append_ids(std::string& out, const std::vector<task_id>& ids) {
  append_array(out, ids, [&](const task_id& id) { append_quoted(out, to_string(id)); });
}

void append_task(std::string& out, const task_spec& spec, const task_state& state, std::string_view payload,
                 std::string_view result, bool whole) {
  out.reserve(out.size() + usual_task_bytes + 2 * payload.size() + result.size());
  object_writer json{out};
  append_spec(json, spec);
  append_state(json, state);
  if (whole) {
    auto object = payload.empty() ? std::string_view{"{}"} : payload;
    json.raw("payload", object).raw("metadata", object).raw("result", result);
  }
  json.close();
}

void append_task(std::string& out, const task_record& task, bool whole) {
  if (whole)
    append_task(out, task.spec, task.state, checked_json(task.payload), checked_json(task.result), true);
  else
    append_task(out, task.spec, task.state, {}, {}, false);
}

std::string submitted_task_json(const submission& task, const submit_receipt& receipt) {
  auto spec = *task.spec;
  spec.id = receipt.id;
  task_state state;
  state.status = receipt.status;
  std::string out;
  append_task(out, spec, state, *task.payload, {}, true);
  return out;
}

void append_event(std::string& out, const event& x, std::string_view cursor) {
  object_writer json{out};
  json.text("cursor", cursor).time("time", x.time).text("kind", name_of(x.kind));
  if (x.spec == nullptr) {
    json.null("task").text("message", x.message).close();
    return;
  }
  const auto& spec = *x.spec;
  object_writer task{json.member("task")};
  task.text("id", to_string(spec.id))
    .text("name", spec.name)
    .text("task_type", spec.task_type)
    .text("subsystem", spec.subsystem)
    .text("priority", name_of(spec.importance))
    .texts("tags", spec.tags)
    .text("assigned_to", spec.assigned_to)
    .map("context", spec.context);
  append_origin(task.member("origin"), spec.origin);
  task.close();
  json.text("status", name_of(x.status)).integer("attempt", x.attempt);
  append_progress(json.member("progress"), x.percent, x.kind == event_kind::task_progress ? x.message : "");
  append_error(json.member("error"), x.error);
  json.text("message", x.message);
  if (x.kind == event_kind::task_log)
    json.text("level", name_of(x.level));
  if (x.execution_time)
    json.number("execution_time", *x.execution_time);
  else
    json.null("execution_time");
  json.text("rollback", name_of(x.rollback)).close();
}

void append_log_entry(std::string& out, const log_entry& entry) {
  object_writer json{out};
  json.integer("sequence", entry.sequence)
    .time("time", entry.time)
    .text("level", name_of(entry.level))
    .integer("attempt", entry.attempt)
    .text("message", entry.message)
    .raw("data", checked_json(entry.data))
    .close();
}

} // namespace overwatch::http
