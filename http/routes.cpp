#include "http/orchestrator.hpp"
#include "http/service.hpp"

namespace overwatch::http {

const std::vector<route>& all_routes() {
  static const auto routes = [] {
    std::vector<route> out;
    for (auto* rows :
         {task_routes,   batch_routes,        task_action_routes, task_control_routes, workflow_routes, gate_routes,
          key_routes,    schedule_routes,     rule_routes,        control_routes,      stats_routes,    config_routes,
          pool_routes,   worker_routes,       resource_routes,    cluster_routes,      event_routes,    metrics_routes,
          health_routes, orchestrator_routes, openapi_routes})
      for (auto& row : rows())
        out.push_back(row);
    return out;
  }();
  return routes;
}

response too_many_long_requests() {
  return error_response(503, "unavailable",
                        "too many event streams and waits are under way (setting http.max_long_requests); try again");
}

std::optional<task_id> id_of(const request& x) { return parse_task_id(x.values.front()); }

std::optional<response> read_consistency(const request& x, consistency& out) {
  const auto* text = x.parameters.find("consistency");
  if (!text || *text == "current")
    return std::nullopt;
  if (*text == "local") {
    out = consistency::local;
    return std::nullopt;
  }
  error_list errors;
  errors.add(place{place::document::query}.child("consistency"), "value_error",
             "expected current or local, got \"" + text->substr(0, 64) + "\"");
  return error_response(errors);
}

response no_such_task(const request& x) {
  return error_response(404, "not_found", "no task has the id \"" + x.values.front() + "\"; an id is a UUID");
}

} // namespace overwatch::http
