#include "http/json_text.hpp"
#include "http/service.hpp"
#include "http/task_json.hpp"
#include "http/task_reader.hpp"

/// Changing one task, approving it, and its rollback snapshot.
namespace overwatch::http {

namespace {

namespace limits = task_limits;

// A time, or null for none.
void read_time_or_none(const input& in, std::optional<std::optional<timestamp>>& out) {
  timestamp time;
  if (in.value.is_null())
    out.emplace(std::nullopt);
  else if (read_time(in, now(), time))
    out.emplace(time);
}

constexpr std::array<field_rule<patch_request>, 4> patch_rules{{
  {"priority",
   [](const input& in, patch_request& x) {
     priority value{};
     if (read_priority(in, value))
       x.importance = value;
   }},
  {"scheduled_at", [](const input& in, patch_request& x) { read_time_or_none(in, x.scheduled_at); }},
  {"deadline", [](const input& in, patch_request& x) { read_time_or_none(in, x.deadline); }},
  {"tags",
   [](const input& in, patch_request& x) {
     std::vector<std::string> tags;
     if (read_texts(in, limits::list_entries, limits::label_bytes, tags))
       x.tags = std::move(tags);
   }},
}};

response patch_task(service& s, const request& x) {
  auto id = id_of(x);
  if (!id)
    return no_such_task(x);
  patch_request patch;
  patch.id = *id;
  auto check = [](const patch_request& read, error_list& errors) {
    if (!read.importance && !read.scheduled_at && !read.deadline && !read.tags)
      errors.add(place{}, "missing", "nothing to change; send priority, scheduled_at, deadline or tags");
  };
  if (auto error = read_body(x, patch_rules, patch, check))
    return std::move(*error);
  return task_response(s.ask<task_record>(std::move(patch)));
}

constexpr std::array<field_rule<approve_request>, 3> approval_rules{{
  {"gate", [](const input& in, approve_request& x) { read_text(in, 1, limits::label_bytes, x.gate); }},
  {"by", [](const input& in, approve_request& x) { read_text(in, 1, limits::label_bytes, x.by); }},
  {"reason", [](const input& in, approve_request& x) { read_text(in, 1, limits::message_bytes, x.reason); }},
}};

response approve_task(service& s, const request& x) {
  auto id = id_of(x);
  if (!id)
    return no_such_task(x);
  approve_request approval;
  approval.id = *id;
  auto check = [](const approve_request& read, error_list& errors) {
    if (read.by.empty())
      refuse_missing(place{}, errors, "by");
    if (read.reason.empty())
      refuse_missing(place{}, errors, "reason");
  };
  if (auto error = read_body(x, approval_rules, approval, check))
    return std::move(*error);
  return task_response(s.ask<task_record>(std::move(approval)));
}

constexpr std::array<field_rule<rollback_request>, 2> rollback_rules{{
  {"by", [](const input& in, rollback_request& x) { read_text(in, 0, limits::label_bytes, x.by); }},
  {"reason", [](const input& in, rollback_request& x) { read_text(in, 0, limits::message_bytes, x.reason); }},
}};

response roll_back_task(service& s, const request& x) {
  auto id = id_of(x);
  if (!id)
    return no_such_task(x);
  rollback_request rollback;
  rollback.id = *id;
  if (!x.body.empty())
    if (auto error = read_body(x, rollback_rules, rollback))
      return std::move(*error);
  return task_response(s.ask<task_record>(std::move(rollback)));
}

std::string mode_text(uint32_t mode) {
  std::string out = "0000";
  for (auto digit = out.rbegin(); digit != out.rend(); ++digit, mode >>= 3)
    *digit = static_cast<char>('0' + (mode & 7));
  return out;
}

void append_entry(std::string& out, const snapshot_entry& x) {
  object_writer json{out};
  json.text("path", x.path)
    .text("kind", name_of(x.kind))
    .integer("bytes", x.bytes)
    .text("mode", mode_text(x.mode))
    .close();
}

void append_captured(std::string& out, const captured_key& x) {
  object_writer json{out};
  json.text("key", x.key).integer("version", x.version).integer("bytes", x.bytes).close();
}

response task_snapshot(service& s, const request& x) {
  auto id = id_of(x);
  if (!id)
    return no_such_task(x);
  auto snapshot = s.ask<snapshot_record>(get_snapshot_request{*id});
  if (!snapshot)
    return error_response(snapshot.error());
  response out;
  object_writer json{out.body};
  json.text("id", to_string(snapshot->id))
    .integer("attempt", snapshot->attempt)
    .boolean("stored", snapshot->stored)
    .time("kept_until", snapshot->kept_until)
    .integer("entries", snapshot->entries)
    .integer("bytes", snapshot->bytes);
  auto& files = json.member("files");
  append_array(files, snapshot->files, [&](const snapshot_entry& entry) { append_entry(files, entry); });
  auto& keys = json.member("keys");
  append_array(keys, snapshot->keys, [&](const captured_key& key) { append_captured(keys, key); });
  json.boolean("truncated", snapshot->truncated).boolean("handler_state", snapshot->handler_state).close();
  return out;
}

} // namespace

std::vector<route> task_control_routes() {
  return {
    {"PATCH", "/api/overwatch/tasks/{id}", "", patch_task},
    {"POST", "/api/overwatch/tasks/{id}/approve", "", approve_task},
    {"POST", "/api/overwatch/tasks/{id}/rollback", "", roll_back_task},
    {"GET", "/api/overwatch/tasks/{id}/snapshot", "", task_snapshot},
  };
}

} // namespace overwatch::http
