#include "http/task_reader.hpp"

namespace overwatch::http {

namespace {

namespace limits = task_limits;

constexpr size_t parse_memory_bytes = 8192; // on the stack, which has 100 KB here
constexpr milliseconds shortest{1};

struct draft {
  task_spec spec;
  std::string payload;
  timestamp now;
  bool in_workflow = false;         // `depends_on` has names
  std::vector<std::string> parents; // these names
  bool has_name = false;
  bool has_payload = false;
};

void read_label(const input& in, std::string& out) { read_text(in, 0, limits::label_bytes, out); }

void read_labels(const input& in, std::vector<std::string>& out) {
  read_texts(in, limits::list_entries, limits::label_bytes, out);
}

void read_optional_time(const input& in, timestamp now, std::optional<timestamp>& out) {
  timestamp time;
  if (!in.value.is_null() && read_time(in, now, time))
    out = time;
}

void read_payload(const input& in, draft& x) {
  if (x.has_payload) {
    in.errors.add(in.at, "value_error", "payload and metadata are two names of one field; send one of them");
    return;
  }
  x.has_payload = true;
  if (!in.value.is_object()) {
    in.refuse("an object");
    return;
  }
  append_value(in, x.payload);
  if (x.payload.size() > limits::payload_bytes)
    in.errors.add(in.at, "value_error",
                  "expected at most " + std::to_string(limits::payload_bytes) + " bytes of JSON, got " +
                    std::to_string(x.payload.size()));
}

void read_dependencies(const input& in, std::vector<task_id>& out) {
  const auto* array = in.value.if_array();
  if (array == nullptr || array->size() > limits::list_entries) {
    in.refuse("an array of at most " + std::to_string(limits::list_entries) + " task ids");
    return;
  }
  out.resize(array->size());
  for (size_t i = 0; i < array->size(); ++i)
    read_id({(*array)[i], in.at.child(i), in.errors}, out[i]);
}

constexpr std::array<field_rule<retry_policy>, 5> retry_rules{{
  {"max_attempts",
   [](const input& in, retry_policy& x) { read_unsigned(in, 1, limits::max_attempts, x.max_attempts); }},
  {"backoff", [](const input& in, retry_policy& x) { read_name(in, backoff_kind_names, x.backoff); }},
  {"base", [](const input& in, retry_policy& x) { read_duration(in, milliseconds{0}, limits::max_timeout, x.base); }},
  {"max", [](const input& in, retry_policy& x) { read_duration(in, milliseconds{0}, limits::max_timeout, x.max); }},
  {"jitter", [](const input& in, retry_policy& x) { read_number(in, 0, 1, x.jitter); }},
}};

constexpr std::array<field_rule<resource_request>, 4> resource_rules{{
  {"cpu", [](const input& in, resource_request& x) { read_number(in, 0, 1, x.cpu); }},
  {"memory_mb", [](const input& in, resource_request& x) { read_unsigned(in, 0, UINT32_MAX, x.memory_mb); }},
  {"io", [](const input& in, resource_request& x) { read_number(in, 0, 1, x.io); }},
  {"exclusive", [](const input& in, resource_request& x) { read_labels(in, x.exclusive); }},
}};

constexpr std::array<field_rule<concurrency_limit>, 2> concurrency_rules{{
  {"key", [](const input& in, concurrency_limit& x) { read_text(in, 1, limits::label_bytes, x.key); }},
  {"limit", [](const input& in, concurrency_limit& x) { read_unsigned(in, 1, UINT32_MAX, x.limit); }},
}};

constexpr std::array<field_rule<snapshot_scope>, 2> snapshot_rules{{
  {"keys", [](const input& in, snapshot_scope& x) { read_labels(in, x.keys); }},
  {"files",
   [](const input& in, snapshot_scope& x) { read_texts(in, limits::list_entries, limits::path_bytes, x.files); }},
}};

constexpr std::array<field_rule<rate_limit>, 3> rate_rules{{
  {"key", [](const input& in, rate_limit& x) { read_text(in, 1, limits::label_bytes, x.key); }},
  {"limit", [](const input& in, rate_limit& x) { read_unsigned(in, 1, limits::max_rate, x.limit); }},
  {"per", [](const input& in, rate_limit& x) { read_duration(in, shortest, limits::max_timeout, x.per); }},
}};

constexpr std::array<field_rule<result_cache>, 2> cache_rules{{
  {"key", [](const input& in, result_cache& x) { read_text(in, 1, limits::label_bytes, x.key); }},
  {"ttl", [](const input& in, result_cache& x) { read_duration(in, shortest, limits::max_timeout, x.ttl); }},
}};

constexpr std::array<field_rule<task_placement>, 2> placement_rules{{
  {"node",
   [](const input& in, task_placement& x) {
     if (!in.value.is_null())
       read_label(in, x.node);
   }},
  {"labels",
   [](const input& in, task_placement& x) { read_text_map(in, limits::list_entries, limits::label_bytes, x.labels); }},
}};

// Rules, schedules and alerts are inside the node: a client is `api`, or a running task that submits children.
constexpr std::array<std::string_view, 2> client_origins{"api", "task"};
constexpr std::array<origin_kind, 2> client_origin_kinds{origin_kind::api, origin_kind::task};

constexpr std::array<field_rule<task_origin>, 2> origin_rules{{
  {"kind",
   [](const input& in, task_origin& x) {
     size_t position = 0;
     if (find_name(in, client_origins.data(), client_origins.size(), position))
       x.kind = client_origin_kinds[position];
   }},
  {"id",
   [](const input& in, task_origin& x) {
     if (!in.value.is_null())
       read_label(in, x.id);
   }},
}};

void read_origin(const input& in, task_origin& out) {
  auto before = in.errors.count();
  if (read_object(in, origin_rules, out) && in.errors.count() == before && out.kind == origin_kind::task &&
      !parse_task_id(out.id))
    in.errors.add(in.at.child("id"), "value_error", "expected the id of the task that submits this one");
}

// An object that limits by `key`, or null: nothing is limited then.
template <class Limit, size_t N>
void read_keyed(const input& in, const std::array<field_rule<Limit>, N>& rules, Limit& out) {
  if (in.value.is_null())
    return;
  auto before = in.errors.count();
  if (read_object(in, rules, out) && out.key.empty() && in.errors.count() == before)
    refuse_missing(in.at, in.errors, "key");
}

void read_cache(const input& in, result_cache& out) {
  auto before = in.errors.count();
  read_keyed(in, cache_rules, out);
  if (!in.value.is_null() && out.ttl.count() == 0 && in.errors.count() == before)
    refuse_missing(in.at, in.errors, "ttl");
}

void read_parents(const input& in, draft& x) {
  if (x.in_workflow)
    read_texts(in, limits::list_entries, limits::type_bytes, x.parents);
  else
    read_dependencies(in, x.spec.depends_on);
}

constexpr std::array<field_rule<draft>, 31> task_rules{{
  {"name",
   [](const input& in, draft& x) {
     x.has_name = true;
     read_text(in, 1, limits::name_bytes, x.spec.name);
   }},
  {"payload", read_payload},
  {"metadata", read_payload},
  {"task_type", [](const input& in, draft& x) { read_text(in, 1, limits::type_bytes, x.spec.task_type); }},
  {"priority", [](const input& in, draft& x) { read_priority(in, x.spec.importance); }},
  {"description", [](const input& in, draft& x) { read_text(in, 0, limits::description_bytes, x.spec.description); }},
  {"subsystem", [](const input& in, draft& x) { read_text(in, 1, limits::label_bytes, x.spec.subsystem); }},
  {"tags", [](const input& in, draft& x) { read_labels(in, x.spec.tags); }},
  {"assigned_to",
   [](const input& in, draft& x) {
     if (!in.value.is_null())
       read_label(in, x.spec.assigned_to);
   }},
  {"context",
   [](const input& in, draft& x) { read_text_map(in, limits::list_entries, limits::label_bytes, x.spec.context); }},
  {"scheduled_at", [](const input& in, draft& x) { read_optional_time(in, x.now, x.spec.scheduled_at); }},
  {"deadline", [](const input& in, draft& x) { read_optional_time(in, x.now, x.spec.deadline); }},
  {"timeout", [](const input& in, draft& x) { read_duration(in, shortest, limits::max_timeout, x.spec.timeout); }},
  {"retry", [](const input& in, draft& x) { read_object(in, retry_rules, x.spec.retry); }},
  {"id",
   [](const input& in, draft& x) {
     if (!in.value.is_null())
       read_id(in, x.spec.id);
   }},
  {"required_gates", [](const input& in, draft& x) { read_labels(in, x.spec.required_gates); }},
  {"on_closed_gate", [](const input& in, draft& x) { read_name(in, gate_policy_names, x.spec.on_closed_gate); }},
  {"depends_on", read_parents},
  {"on_dependency_failure",
   [](const input& in, draft& x) { read_name(in, dependency_policy_names, x.spec.on_dependency_failure); }},
  {"resources", [](const input& in, draft& x) { read_object(in, resource_rules, x.spec.resources); }},
  {"unique_key",
   [](const input& in, draft& x) {
     if (!in.value.is_null())
       read_label(in, x.spec.unique_key);
   }},
  {"unique_for",
   [](const input& in, draft& x) {
     milliseconds duration{0};
     if (!in.value.is_null() && read_duration(in, shortest, limits::max_timeout, duration))
       x.spec.unique_for = duration;
   }},
  {"concurrency", [](const input& in, draft& x) { read_keyed(in, concurrency_rules, x.spec.concurrency); }},
  {"snapshot",
   [](const input& in, draft& x) {
     if (!in.value.is_null())
       read_object(in, snapshot_rules, x.spec.snapshot);
   }},
  {"origin", [](const input& in, draft& x) { read_origin(in, x.spec.origin); }},
  {"cancel_on_gate_close", [](const input& in, draft& x) { read_boolean(in, x.spec.cancel_on_gate_close); }},
  {"keep_snapshot",
   [](const input& in, draft& x) { read_duration(in, milliseconds{0}, limits::max_timeout, x.spec.keep_snapshot); }},
  {"fairness_key",
   [](const input& in, draft& x) {
     if (!in.value.is_null())
       read_label(in, x.spec.fairness_key);
   }},
  {"rate", [](const input& in, draft& x) { read_keyed(in, rate_rules, x.spec.rate); }},
  {"cache", [](const input& in, draft& x) { read_cache(in, x.spec.cache); }},
  {"placement",
   [](const input& in, draft& x) {
     if (!in.value.is_null())
       read_object(in, placement_rules, x.spec.placement);
   }},
}};

// What the draft became; nothing when something is wrong with it.
std::optional<submission> finish(const input& in, draft& x, timestamp now) {
  x.now = now;
  x.spec.created_at = now;
  auto before = in.errors.count();
  if (!read_object(in, task_rules, x))
    return std::nullopt;
  if (!x.has_name)
    refuse_missing(in.at, in.errors, "name");
  if (in.errors.count() != before)
    return std::nullopt;
  if (!x.has_payload)
    x.payload = "{}";
  return submission{std::make_shared<task_spec>(std::move(x.spec)),
                    std::make_shared<std::string>(std::move(x.payload))};
}

// A time like `+5m`.
bool is_relative(const json::value& time) { return time.get_string().front() == '+'; }

// Refuses the fields that somebody else sets.
void refuse_fields(const input& in, const std::vector<std::string_view>& names, const std::string& why) {
  const auto* object = in.value.if_object();
  for (auto name : names)
    if (const auto* value = object == nullptr ? nullptr : object->if_contains(name); value && !value->is_null())
      in.errors.add(in.at.child(name), "value_error", why);
}

} // namespace

void read_id(const input& in, task_id& out) {
  const auto* text = in.value.if_string();
  auto id = text == nullptr ? std::nullopt : parse_task_id({text->data(), text->size()});
  auto is_version_7 = id && (id->high >> 12 & 0xF) == 7 && id->low >> 62 == 2;
  if (!is_version_7) {
    in.refuse("a UUID of version 7 (or no id: one is made)");
    return;
  }
  out = *id;
}

// Seeds number priorities from 0, the most urgent, to 4.
bool read_priority(const input& in, priority& out) {
  if (!in.value.is_number())
    return read_name(in, priority_names, out);
  uint8_t number = 0;
  if (!read_unsigned(in, 0, priority_names.size() - 1, number))
    return false;
  out = static_cast<priority>(number);
  return true;
}

std::optional<submission> read_task(const input& in, timestamp now) {
  draft x;
  return finish(in, x, now);
}

std::optional<submission> read_template(const input& in, timestamp now) {
  auto before = in.errors.count();
  refuse_fields(in, {"id", "scheduled_at", "unique_key", "unique_for", "origin"},
                "the schedule sets this field for each slot; leave it out");
  draft x;
  auto out = finish(in, x, now);
  if (out && out->spec->deadline && !is_relative(in.value.get_object().at("deadline")))
    in.errors.add(in.at.child("deadline"), "value_error",
                  "one moment cannot be the deadline of every slot; send a time from the start on, like \"+1h\"");
  return in.errors.count() == before ? out : std::nullopt;
}

std::optional<workflow_task> read_workflow_task(const input& in, timestamp now) {
  auto before = in.errors.count();
  refuse_fields(in, {"id"}, "the ids of a workflow's tasks are made with the workflow; leave it out");
  draft x;
  x.in_workflow = true;
  auto task = finish(in, x, now);
  if (!task || in.errors.count() != before)
    return std::nullopt;
  return workflow_task{task->spec->name, *task, std::move(x.parents)};
}

std::optional<submission> parse_task(std::string_view text, timestamp now, std::optional<syntax_error>& syntax,
                                     error_list& errors) {
  unsigned char buffer[parse_memory_bytes];
  json::monotonic_resource memory{buffer, sizeof(buffer)};
  json::value value(&memory);
  syntax = parse_json(text, &memory, value);
  if (syntax)
    return std::nullopt;
  return read_task({value, place{}, errors}, now);
}

} // namespace overwatch::http
