#include "http/task_reader.hpp"

namespace overwatch::http {

namespace {

namespace limits = task_limits;

constexpr size_t parse_memory_bytes = 8192; // on the stack, which has 100 KB here
constexpr size_t file_path_bytes = 4096;
constexpr milliseconds shortest{1};

struct draft {
  task_spec spec;
  std::string payload;
  timestamp now;
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

// Seeds number priorities from 0, the most urgent, to 4.
void read_priority(const input& in, priority& out) {
  uint8_t number = 0;
  if (in.value.is_number() && read_unsigned(in, 0, priority_names.size() - 1, number))
    out = static_cast<priority>(number);
  else if (!in.value.is_number())
    read_name(in, priority_names, out);
}

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
   [](const input& in, snapshot_scope& x) { read_texts(in, limits::list_entries, file_path_bytes, x.files); }},
}};

// Rules, schedules and alerts are inside the node: a client is always `api`.
constexpr std::array<std::string_view, 1> client_origins{"api"};

constexpr std::array<field_rule<task_origin>, 2> origin_rules{{
  {"kind", [](const input& in, task_origin& x) { read_name(in, client_origins, x.kind); }},
  {"id",
   [](const input& in, task_origin& x) {
     if (!in.value.is_null())
       read_label(in, x.id);
   }},
}};

void read_concurrency(const input& in, concurrency_limit& out) {
  if (in.value.is_null())
    return;
  auto before = in.errors.count();
  if (read_object(in, concurrency_rules, out) && out.key.empty() && in.errors.count() == before)
    in.errors.add(in.at.child("key"), "missing", "this field is needed");
}

constexpr std::array<field_rule<draft>, 25> task_rules{{
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
  {"depends_on", [](const input& in, draft& x) { read_dependencies(in, x.spec.depends_on); }},
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
  {"concurrency", [](const input& in, draft& x) { read_concurrency(in, x.spec.concurrency); }},
  {"snapshot",
   [](const input& in, draft& x) {
     if (!in.value.is_null())
       read_object(in, snapshot_rules, x.spec.snapshot);
   }},
  {"origin", [](const input& in, draft& x) { read_object(in, origin_rules, x.spec.origin); }},
}};

} // namespace

std::optional<submission> read_task(const input& in, timestamp now) {
  draft x;
  x.now = now;
  x.spec.created_at = now;
  auto before = in.errors.count();
  if (!read_object(in, task_rules, x))
    return std::nullopt;
  if (!x.has_name)
    in.errors.add(in.at.child("name"), "missing", "this field is needed");
  if (in.errors.count() != before)
    return std::nullopt;
  if (!x.has_payload)
    x.payload = "{}";
  return submission{std::make_shared<task_spec>(std::move(x.spec)),
                    std::make_shared<std::string>(std::move(x.payload))};
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
