#include "http/health.hpp"

#include "http/json_text.hpp"
#include "http/service.hpp"

namespace overwatch::http {

namespace {

// A health answer must not wait as long as work does.
constexpr milliseconds health_timeout{2'000};

caf::expected<node_status> ask_status(service& s) {
  return s.gateway.ask<node_status>(status_request{},
                                    std::min(health_timeout, milliseconds{s.options.request_timeout}));
}

// The runtime does not answer: the process lives, but nothing else is known.
response health_without_runtime(service& s, const caf::error& error) {
  response out;
  object_writer json{out.body};
  json.text("status", "unhealthy")
    .time("timestamp", now())
    .text("version", s.options.version)
    .boolean("live", true)
    .boolean("ready", false)
    .text("problem", describe(error).message)
    .close();
  return out;
}

response health(service& s, const request&) {
  auto status = ask_status(s);
  if (!status)
    return health_without_runtime(s, status.error());
  response out;
  object_writer json{out.body};
  json.text("status", health_of(*status))
    .time("timestamp", now())
    .text("version", s.options.version)
    .boolean("live", true)
    .boolean("ready", status->ready)
    .text_or_null("problem", status->problem)
    .boolean("dispatching", status->dispatching)
    .boolean("stopping", status->stopping)
    .text("disk", name_of(status->disk))
    .integer("disk_free_bytes", status->disk_free_bytes)
    .text("node", status->node)
    .text("instance", status->instance)
    .time("started_at", status->started_at)
    .integer("restarts", status->restarts)
    .close();
  return out;
}

response live(service&, const request&) { return json_response(R"({"status":"alive"})"); }

response ready(service& s, const request&) {
  auto status = ask_status(s);
  if (!status)
    return error_response(503, "unavailable", describe(status.error()).message);
  if (!status->ready)
    return error_response(503, "unavailable", status->problem.empty() ? "the node is not ready" : status->problem);
  return json_response(R"({"status":"ready"})");
}

response root(service& s, const request&) {
  response out;
  object_writer json{out.body};
  json.text("name", "overwatch").text("version", s.options.version);
  object_writer links{json.member("links")};
  links.text("tasks", "/api/overwatch/tasks")
    .text("status", "/api/overwatch/status")
    .text("stats", "/api/overwatch/stats")
    .text("pools", "/api/overwatch/pools")
    .text("workers", "/api/overwatch/workers")
    .text("config", "/api/overwatch/config")
    .text("events", "/api/overwatch/events")
    .text("health", "/api/overwatch/health")
    .text("metrics", "/metrics")
    .close();
  json.close();
  return out;
}

} // namespace

std::string_view health_of(const node_status& status) {
  if (!status.ready)
    return "unhealthy";
  return status.disk == disk_state::ok && status.dispatching && !status.stopping ? "healthy" : "degraded";
}

std::vector<route> health_routes() {
  return {
    {"GET", "/api/overwatch/health", "", health},
    {"GET", "/api/overwatch/health/live", "", live},
    {"GET", "/api/overwatch/health/ready", "", ready},
    {"GET", "/", "", root},
  };
}

} // namespace overwatch::http
