#include "http/json_text.hpp"
#include "http/service.hpp"
#include "http/task_json.hpp"

#include <charconv>

/// Attached workers: programs in any language that execute tasks.
namespace overwatch::http {

namespace {

// An attempt is named by its task and a token; the two numbers of the token are nobody's business.
std::string token_of(const fencing_token& fence) {
  return std::to_string(fence.epoch) + '.' + std::to_string(fence.attempt);
}

bool read_token(const input& in, fencing_token& out) {
  std::string text;
  if (!read_text(in, 3, 32, text))
    return false;
  const auto* end = text.data() + text.size();
  auto epoch = std::from_chars(text.data(), end, out.epoch);
  if (epoch.ec == std::errc{} && epoch.ptr != end && *epoch.ptr == '.') {
    auto attempt = std::from_chars(epoch.ptr + 1, end, out.attempt);
    if (attempt.ec == std::errc{} && attempt.ptr == end)
      return true;
  }
  in.refuse("the token of a claimed attempt");
  return false;
}

void read_id(const input& in, task_id& out) {
  std::string text;
  if (!read_text(in, 36, 36, text))
    return;
  if (auto id = parse_task_id(text))
    out = *id;
  else
    in.refuse("the id of a claimed task");
}

/// An array of objects; `Item` has the members `id` and `fence`, which must be set.
template <class Item, size_t N>
void read_attempts(const input& in, const std::array<field_rule<Item>, N>& rules, std::vector<Item>& out) {
  const auto* array = in.value.if_array();
  if (!array || array->size() > worker_limits::attempts) {
    in.refuse("an array of at most " + std::to_string(worker_limits::attempts) + " attempts");
    return;
  }
  for (size_t i = 0; i < array->size(); ++i) {
    auto at = in.at.child(i);
    Item item;
    if (!read_object({(*array)[i], at, in.errors}, rules, item))
      continue;
    if (item.id.is_nil())
      refuse_missing(at, in.errors, "id");
    if (item.fence.attempt == 0)
      refuse_missing(at, in.errors, "token");
    out.push_back(std::move(item));
  }
}

// -- registration ----------------------------------------------------------------

constexpr std::array<field_rule<register_worker_request>, 2> worker_rules{{
  {"name",
   [](const input& in, register_worker_request& x) { read_text(in, 1, worker_limits::name_bytes, x.name); }},
  {"types",
   [](const input& in, register_worker_request& x) {
     const auto* object = in.value.if_object();
     if (!object) {
       in.refuse("an object: task types and their slots");
       return;
     }
     for (const auto& member : *object) {
       std::string_view type{member.key().data(), member.key().size()};
       auto at = in.at.child(type);
       served_type served{std::string{type}, 1};
       if (read_unsigned({member.value(), at, in.errors}, 1, worker_limits::slots, served.slots))
         x.types.push_back(std::move(served));
     }
   }},
}};

response create_worker(service& s, const request& x) {
  register_worker_request body;
  auto check = [](const register_worker_request& read, error_list& errors) {
    if (read.name.empty())
      refuse_missing(place{}, errors, "name");
    if (read.types.empty())
      refuse_missing(place{}, errors, "types");
  };
  if (auto error = read_body(x, worker_rules, body, check))
    return std::move(*error);
  body.address = std::string{x.client};
  auto reply = s.ask<worker_registration>(std::move(body));
  if (!reply)
    return error_response(reply.error());
  response out;
  object_writer{out.body}.text("id", reply->worker).seconds("lease", reply->lease).close();
  return out.header("Location", std::string{api_root} + "/workers/" + reply->worker);
}

response remove_worker(service& s, const request& x) {
  auto reply = s.ask<leave_reply>(leave_request{x.values.front()});
  if (!reply)
    return error_response(reply.error());
  response out;
  object_writer{out.body}.text("id", x.values.front()).integer("running", reply->running).close();
  return out;
}

// -- claims ----------------------------------------------------------------------

constexpr std::array<field_rule<claim_request>, 3> claim_rules{{
  {"task_type",
   [](const input& in, claim_request& x) { read_text(in, 1, task_limits::type_bytes, x.task_type); }},
  {"limit", [](const input& in, claim_request& x) { read_unsigned(in, 1, worker_limits::claim, x.limit); }},
  {"wait", [](const input& in, claim_request& x) { read_duration(in, milliseconds{0}, worker_limits::wait, x.wait); }},
}};

void append_parent(std::string& out, const parent_result& x) {
  object_writer json{out};
  json.text("name", x.name)
    .text("id", to_string(x.id))
    .text("status", name_of(x.status))
    .raw("result", x.result ? checked_json(*x.result) : std::string{})
    .close();
}

void append_claimed(std::string& out, const claimed_attempt& x) {
  const auto& spec = *x.task.spec;
  object_writer json{out};
  json.text("id", to_string(spec.id))
    .text("token", token_of(x.fence))
    .integer("attempt", x.fence.attempt)
    .text("task_type", spec.task_type)
    .text("name", spec.name)
    .text("description", spec.description)
    .text("priority", name_of(spec.importance))
    .texts("tags", spec.tags)
    .map("context", spec.context)
    .raw("payload", checked_json(*x.task.payload))
    .seconds("limit", x.limit);
  auto& parents = json.member("parents");
  append_array(parents, x.parents, [&](const parent_result& parent) { append_parent(parents, parent); });
  json.close();
}

void append_stops(object_writer& json, const std::vector<attempt_stop>& stops) {
  auto& list = json.member("stop");
  append_array(list, stops, [&](const attempt_stop& x) {
    object_writer{list}
      .text("id", to_string(x.id))
      .text("token", token_of(x.fence))
      .text("reason", name_of(x.reason))
      .close();
  });
}

response claim(service& s, const request& x) {
  claim_request body;
  if (!x.body.empty())
    if (auto error = read_body(x, claim_rules, body))
      return std::move(*error);
  body.worker = x.values.front();
  auto permit = s.long_ones.enter();
  if (!permit)
    return too_many_long_requests();
  auto limit = body.wait + s.options.request_timeout;
  auto reply = s.gateway.ask<claim_reply>(std::move(body), limit);
  response out;
  if (!reply)
    out = error_response(reply.error());
  else {
    object_writer json{out.body};
    auto& list = json.member("attempts");
    append_array(list, reply->attempts, [&](const claimed_attempt& attempt) { append_claimed(list, attempt); });
    append_stops(json, reply->stops);
    json.close();
  }
  out.waited = true;
  return out;
}

// -- reports and outcomes --------------------------------------------------------

void read_line(const input& in, log_entry& out) {
  static constexpr std::array<field_rule<log_entry>, 3> rules{{
    {"level", [](const input& in, log_entry& x) { read_name(in, log_level_names, x.level); }},
    {"message", [](const input& in, log_entry& x) { read_text(in, 0, 4 * task_limits::message_bytes, x.message); }},
    {"data", [](const input& in, log_entry& x) { append_value(in, x.data); }},
  }};
  if (in.value.is_string())
    read_text(in, 0, 4 * task_limits::message_bytes, out.message);
  else
    read_object(in, rules, out);
}

void read_lines(const input& in, std::vector<log_entry>& out) {
  const auto* array = in.value.if_array();
  if (!array || array->size() > worker_limits::lines) {
    in.refuse("an array of at most " + std::to_string(worker_limits::lines) + " lines");
    return;
  }
  for (size_t i = 0; i < array->size(); ++i) {
    auto at = in.at.child(i);
    log_entry line;
    read_line({(*array)[i], at, in.errors}, line);
    out.push_back(std::move(line));
  }
}

constexpr std::array<field_rule<attempt_beat>, 5> beat_rules{{
  {"id", [](const input& in, attempt_beat& x) { read_id(in, x.id); }},
  {"token", [](const input& in, attempt_beat& x) { read_token(in, x.fence); }},
  {"progress",
   [](const input& in, attempt_beat& x) {
     double percent = 0;
     if (read_number(in, 0, 100, percent))
       x.percent = percent;
   }},
  {"message", [](const input& in, attempt_beat& x) { read_text(in, 0, task_limits::message_bytes, x.message); }},
  {"log", [](const input& in, attempt_beat& x) { read_lines(in, x.lines); }},
}};

constexpr std::array<field_rule<heartbeat_request>, 1> heartbeat_rules{{
  {"attempts", [](const input& in, heartbeat_request& x) { read_attempts(in, beat_rules, x.attempts); }},
}};

response heartbeat(service& s, const request& x) {
  heartbeat_request body;
  if (!x.body.empty())
    if (auto error = read_body(x, heartbeat_rules, body))
      return std::move(*error);
  body.worker = x.values.front();
  auto reply = s.ask<heartbeat_reply>(std::move(body));
  if (!reply)
    return error_response(reply.error());
  response out;
  object_writer json{out.body};
  json.seconds("lease", reply->lease);
  append_stops(json, reply->stops);
  json.close();
  return out;
}

enum class finished_status : uint8_t { completed, failed };
constexpr std::array<std::string_view, 2> finished_status_names{"completed", "failed"};

constexpr std::array<field_rule<finished_attempt>, 8> finished_rules{{
  {"id", [](const input& in, finished_attempt& x) { read_id(in, x.id); }},
  {"token", [](const input& in, finished_attempt& x) { read_token(in, x.fence); }},
  {"status",
   [](const input& in, finished_attempt& x) {
     finished_status status{};
     if (read_name(in, finished_status_names, status))
       x.completed = status == finished_status::completed;
   }},
  {"result", [](const input& in, finished_attempt& x) { append_value(in, x.result); }},
  {"message", [](const input& in, finished_attempt& x) { read_text(in, 0, task_limits::message_bytes, x.message); }},
  {"retryable", [](const input& in, finished_attempt& x) { read_boolean(in, x.retryable); }},
  {"execution_time",
   [](const input& in, finished_attempt& x) {
     double seconds = 0;
     constexpr double most = 1e9;
     if (read_number(in, 0, most, seconds))
       x.execution = std::chrono::microseconds{static_cast<int64_t>(seconds * 1e6)};
   }},
  {"log", [](const input& in, finished_attempt& x) { read_lines(in, x.lines); }},
}};

constexpr std::array<field_rule<finish_request>, 1> finish_rules{{
  {"attempts", [](const input& in, finish_request& x) { read_attempts(in, finished_rules, x.attempts); }},
}};

response finish(service& s, const request& x) {
  finish_request body;
  auto check = [](const finish_request& read, error_list& errors) {
    if (read.attempts.empty())
      refuse_missing(place{}, errors, "attempts");
  };
  if (auto error = read_body(x, finish_rules, body, check))
    return std::move(*error);
  body.worker = x.values.front();
  auto reply = s.ask<finish_reply>(std::move(body));
  if (!reply)
    return error_response(reply.error());
  response out;
  object_writer json{out.body};
  auto& list = json.member("attempts");
  append_array(list, reply->receipts, [&](const finish_receipt& receipt) {
    object_writer item{list};
    item.text("id", to_string(receipt.id)).text("token", token_of(receipt.fence)).boolean("durable", !receipt.error);
    if (receipt.error)
      append_problem(item.member("error"), to_problem(receipt.error));
    else
      item.null("error");
    item.close();
  });
  json.close();
  return out;
}

} // namespace

std::vector<route> worker_routes() {
  return {
    {"POST", "/api/overwatch/workers", "", create_worker},
    {"DELETE", "/api/overwatch/workers/{worker}", "", remove_worker},
    {"POST", "/api/overwatch/workers/{worker}/claim", "", claim},
    {"POST", "/api/overwatch/workers/{worker}/heartbeat", "", heartbeat},
    {"POST", "/api/overwatch/workers/{worker}/finish", "", finish},
  };
}

} // namespace overwatch::http
