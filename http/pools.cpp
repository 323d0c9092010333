#include "http/json_text.hpp"
#include "http/service.hpp"

/// Pools and their workers.
namespace overwatch::http {

namespace {

constexpr int64_t max_slots = 10'000;

void append_pool(std::string& out, const pool_status& x) {
  object_writer json{out};
  json.text("task_type", x.task_type)
    .text("node", x.node)
    .text("description", x.description)
    .integer("slots", x.slots)
    .integer("busy", x.busy)
    .integer("waiting", x.waiting)
    .integer("abandoned", x.abandoned)
    .boolean("blocking", x.blocking)
    .integer("started", x.started)
    .text_or_null("worker", x.worker)
    .text_or_null("address", x.address)
    .close();
}

response pools(service& s, const request&) {
  auto reply = s.ask<pools_reply>(pools_request{});
  if (!reply)
    return error_response(reply.error());
  response out;
  object_writer json{out.body};
  auto& list = json.member("pools");
  append_array(list, reply->pools, [&](const pool_status& x) { append_pool(list, x); });
  json.texts("types_without_handler", reply->types_without_handler)
    .integer("max_concurrent_tasks", reply->max_concurrent_tasks)
    .close();
  return out;
}

struct pool_change {
  std::optional<int64_t> slots;
};

constexpr std::array<field_rule<pool_change>, 1> pool_rules{{
  {"slots",
   [](const input& in, pool_change& x) {
     int64_t number = 0;
     if (read_integer(in, 1, max_slots, number))
       x.slots = number;
   }},
}};

response put_pool(service& s, const request& x) {
  const auto& type = x.values.front();
  pool_change body;
  auto check = [](const pool_change& read, error_list& errors) {
    if (!read.slots)
      refuse_missing(place{}, errors, "slots");
  };
  if (auto error = read_body(x, pool_rules, body, check))
    return std::move(*error);
  auto reply = s.ask<pools_reply>(pools_request{});
  if (!reply)
    return error_response(reply.error());
  auto of_type = [&](const pool_status& pool) { return pool.task_type == type; };
  if (std::none_of(reply->pools.begin(), reply->pools.end(), of_type))
    return error_response(404, "not_found", "no pool serves the task type \"" + type + "\"; GET /api/overwatch/pools "
                                            "lists those that exist");
  auto settings = s.ask<settings_reply>(settings_request{{{"slots." + type, std::to_string(*body.slots)}}});
  if (!settings)
    return error_response(settings.error());
  response out;
  object_writer json{out.body};
  json.text("task_type", type).raw("slots", settings->values["slots." + type]).close();
  return out;
}

response workers(service& s, const request&) {
  auto reply = s.ask<workers_reply>(workers_request{});
  if (!reply)
    return error_response(reply.error());
  response out;
  object_writer json{out.body};
  auto& list = json.member("workers");
  append_array(list, reply->workers, [&](const worker_status& x) {
    object_writer worker{list};
    worker.text("id", x.id)
      .text("task_type", x.task_type)
      .text("node", x.node)
      .boolean("busy", x.busy)
      .text_or_null("task", x.task ? to_string(*x.task) : std::string{})
      .time("since", x.since)
      .integer("completed", x.completed)
      .integer("failed", x.failed)
      .integer("slots", x.slots)
      .boolean("attached", !x.name.empty());
    if (!x.name.empty())
      worker.text("name", x.name).text("address", x.address).integer("running", x.running);
    worker.close();
  });
  json.close();
  return out;
}

} // namespace

std::vector<route> pool_routes() {
  return {
    {"GET", "/api/overwatch/workers", "", workers},
    {"GET", "/api/overwatch/pools", "", pools},
    {"PUT", "/api/overwatch/pools/{type}", "", put_pool},
  };
}

} // namespace overwatch::http
