#include "http/health.hpp"
#include "http/json_text.hpp"
#include "http/service.hpp"
#include "http/totals.hpp"

#include <boost/json.hpp>

/// Status, start and stop.
namespace overwatch::http {

namespace {

constexpr uint32_t newest_backups = 20; // that are looked at for one that made a backup

response message(std::string_view text) {
  response out;
  object_writer json{out.body};
  json.text("message", text).close();
  return out;
}

response start_dispatch(service& s, const request&) {
  auto reply = s.ask<dispatch_reply>(dispatch_request{true, false});
  if (!reply)
    return error_response(reply.error());
  return message(reply->changed ? "Overwatch system starting" : "Overwatch system is already running");
}

response stop_dispatch(service& s, const request& x) {
  error_list errors;
  bool cancel_running = false;
  x.parameters.read_boolean("now", cancel_running, errors);
  if (!errors.empty())
    return error_response(errors);
  auto reply = s.ask<dispatch_reply>(dispatch_request{false, cancel_running});
  if (!reply)
    return error_response(reply.error());
  return message(reply->changed ? "Overwatch system stopped" : "Overwatch system is not running");
}

// The newest task that `filter` allows; nothing when there is none or the search fails.
std::optional<task_record> newest(service& s, task_filter filter) {
  list_request list;
  list.filter = std::move(filter);
  list.limit = 1;
  auto page = s.ask<task_page>(std::move(list));
  if (!page || page->tasks.empty())
    return std::nullopt;
  return std::move(page->tasks.front());
}

// Tasks of this type also list, verify, restore and prune.
bool makes_a_backup(const std::string& payload) {
  boost::system::error_code error;
  auto value = boost::json::parse(payload, error);
  const auto* fields = error ? nullptr : value.if_object();
  const auto* action = fields ? fields->if_contains("action") : nullptr;
  return fields && (!action || *action == "create");
}

std::optional<timestamp> last_backup(service& s) {
  list_request list;
  list.filter.task_types = {"data_backup"};
  list.filter.statuses = {task_status::completed};
  list.limit = newest_backups;
  auto page = s.ask<task_page>(std::move(list));
  if (page)
    for (const auto& x : page->tasks)
      if (auto task = s.ask<task_record>(get_request{x.spec.id}); task && makes_a_backup(task->payload))
        return task->state.finished_at;
  return std::nullopt;
}

std::optional<timestamp> last_generation(service& s) {
  task_filter filter;
  filter.origin = origin_kind::schedule;
  auto task = newest(s, std::move(filter));
  return task ? std::optional{task->spec.created_at} : std::nullopt;
}

void append_scheduler_stats(std::string& out, const stats_reply& stats) {
  auto sums = sum_up(stats);
  object_writer json{out};
  json.integer("queue_size", sums.waiting)
    .integer("running_tasks", sums.running)
    .integer("completed_tasks", stats.completed)
    .integer("failed_tasks", stats.failed);
  object_writer counts{json.member("task_stats")};
  counts.integer("submitted", stats.submitted)
    .integer("completed", stats.completed)
    .integer("failed", stats.failed)
    .integer("cancelled", stats.cancelled)
    .close();
  json.number("average_execution_time", sums.average_execution_time).close();
}

void append_node(std::string& out, const node_status& status) {
  object_writer json{out};
  json.text("name", status.node)
    .text("instance", status.instance)
    .text("version", status.version)
    .boolean("ready", status.ready)
    .boolean("dispatching", status.dispatching)
    .boolean("stopping", status.stopping)
    .text_or_null("problem", status.problem)
    .text("disk", name_of(status.disk))
    .integer("disk_free_bytes", status.disk_free_bytes)
    .text("data_dir", status.data_dir)
    .integer("restarts", status.restarts)
    .close();
}

response status(service& s, const request&) {
  auto status = s.ask<node_status>(status_request{});
  if (!status)
    return error_response(status.error());
  auto stats = s.ask<stats_reply>(stats_request{});
  if (!stats)
    return error_response(stats.error());
  auto settings = s.ask<settings_reply>(settings_request{});
  if (!settings)
    return error_response(settings.error());
  auto uptime = std::chrono::duration<double>(now() - status->started_at).count();
  auto health = health_of(*status);
  response out;
  object_writer json{out.body};
  json.boolean("running", status->dispatching && !status->stopping).number("uptime", uptime);
  object_writer system{json.member("system_state")};
  system.time("started_at", status->started_at)
    .number("uptime", uptime)
    .time("last_backup", last_backup(s))
    .text("health_status", health)
    .close();
  append_scheduler_stats(json.member("scheduler_stats"), *stats);
  json.time("last_generation", last_generation(s))
    .raw("generation_interval", settings->values["generation_interval"])
    .text("health_status", health);
  append_node(json.member("node"), *status);
  json.close();
  return out;
}

} // namespace

std::vector<route> control_routes() {
  return {
    {"GET", "/api/overwatch/status", "", status},
    {"POST", "/api/overwatch/start", "", start_dispatch},
    {"POST", "/api/overwatch/stop", "now", stop_dispatch},
  };
}

} // namespace overwatch::http
