#include "http/totals.hpp"

#include "http/json_text.hpp"
#include "http/service.hpp"
#include "http/task_json.hpp"

namespace overwatch::http {

namespace {

constexpr uint32_t recent_tasks = 10;

response stats(service& s, const request& x) {
  stats_request counters;
  if (auto refusal = read_consistency(x, counters.level))
    return std::move(*refusal);
  auto stats = s.ask<stats_reply>(counters);
  if (!stats)
    return error_response(stats.error());
  list_request newest;
  newest.limit = recent_tasks;
  newest.level = counters.level;
  auto recent = s.ask<task_page>(newest);
  if (!recent)
    return error_response(recent.error());
  auto sums = sum_up(*stats);
  response out;
  object_writer json{out.body};
  json.integer("total_submitted", stats->submitted)
    .integer("total_completed", stats->completed)
    .integer("total_failed", stats->failed)
    .integer("total_cancelled", stats->cancelled)
    .integer("currently_running", sums.running)
    .integer("queue_size", sums.waiting)
    .number("average_execution_time", sums.average_execution_time)
    .integer("attempts", stats->attempts)
    .integer("retries", stats->retries)
    .map("violations", stats->violations)
    .map("by_status", sums.by_status)
    .map("by_type", sums.by_type)
    .map("by_priority", sums.by_priority)
    .integer("applied", stats->applied);
  auto& tasks = json.member("recent_tasks");
  append_array(tasks, recent->tasks, [&](const task_record& task) { append_task(tasks, task, false); });
  json.close();
  return out;
}

} // namespace

totals sum_up(const stats_reply& stats) {
  totals out;
  for (auto name : task_status_names)
    out.by_status[std::string{name}] = 0;
  for (auto name : priority_names)
    out.by_priority[std::string{name}] = 0;
  for (const auto& x : stats.counts) {
    out.by_status[std::string{name_of(x.status)}] += x.count;
    out.by_priority[std::string{name_of(x.importance)}] += x.count;
    out.by_type[x.task_type] += x.count;
    if (x.status == task_status::running)
      out.running += x.count;
    else if (!is_terminal(x.status))
      out.waiting += x.count;
  }
  if (stats.completed > 0)
    out.average_execution_time = stats.execution_seconds / static_cast<double>(stats.completed);
  return out;
}

std::vector<route> stats_routes() { return {{"GET", "/api/overwatch/stats", "consistency", stats}}; }

} // namespace overwatch::http
