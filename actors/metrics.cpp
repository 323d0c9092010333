#include "actors/metrics.hpp"

#include "actors/change_facts.hpp"

#include <caf/event_based_actor.hpp>

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

namespace overwatch {

namespace {

double seconds(std::chrono::microseconds x) {
  return std::max(0.0, std::chrono::duration<double>(x).count());
}

void observe_latency(metrics_state& state, const task_change& change) {
  const auto& task = change.state;
  auto ran = (change.kind == change_kind::ended || change.kind == change_kind::retrying) && task.execution;
  if (!ran || change.before != task_status::running || !task.started_at)
    return;
  auto& type = state.types[change.spec->task_type];
  type.execution.observe(seconds(*task.execution));
  if (task.queued_at) // not of an attempt that is retried: the next one has a time of its own
    type.start_latency.observe(seconds(*task.started_at - *task.queued_at));
  if (change.spec->scheduled_at && task.fence.attempt == 1)
    type.jitter.observe(seconds(*task.started_at - *change.spec->scheduled_at));
}

void observe(metrics_state& state, const applied_entry& entry) {
  for (const auto& change : entry.changes) {
    observe_latency(state, change);
    if (broke_a_rule(change)) {
      std::pair key{change.spec->task_type, change.state.error.kind};
      ++state.violations[key];
      if (change.kind == change_kind::ended)
        ++state.failures[key];
    }
    auto rollback = rollback_told_by(change);
    state.rollbacks_done += rollback == rollback_status::done;
    state.rollbacks_failed += rollback == rollback_status::failed;
  }
}

metric_family histogram_family(std::string name, std::string help, const metrics_state& state,
                               histogram_value metrics_state::by_type::*member) {
  auto family = make_family(std::move(name), std::move(help), metric_type::histogram);
  for (const auto& [task_type, values] : state.types)
    family.samples.push_back({{{"task_type", task_type}}, 0, values.*member});
  return family;
}

metric_family violation_family(std::string name, std::string help, const metrics_state::by_violation& counts,
                               const char* type_label, const char* kind_label) {
  auto family = make_family(std::move(name), std::move(help), metric_type::counter);
  for (const auto& [key, count] : counts)
    family.samples.push_back({{{type_label, key.first}, {kind_label, std::string{name_of(key.second)}}},
                              static_cast<double>(count),
                              {}});
  return family;
}

metric_family rollback_family(const metrics_state& state) {
  auto family = make_family("rollback_operations_total", "Rollbacks that ended.", metric_type::counter);
  family.samples.push_back({{{"outcome", "done"}}, static_cast<double>(state.rollbacks_done), {}});
  family.samples.push_back({{{"outcome", "failed"}}, static_cast<double>(state.rollbacks_failed), {}});
  return family;
}

// A task that waits, for whatever reason, is in the queue as clients see it.
metric_family queue_depth_family(const std::vector<task_count>& counts) {
  std::array<uint64_t, priority_names.size()> depths{};
  for (const auto& x : counts)
    if (!is_terminal(x.status) && x.status != task_status::running)
      depths[static_cast<size_t>(x.importance)] += x.count;
  auto family = make_family("task_queue_depth", "Tasks that wait to run.", metric_type::gauge);
  for (size_t i = 0; i < depths.size(); ++i)
    family.samples.push_back({{{"priority", std::string{priority_names[i]}}}, static_cast<double>(depths[i]), {}});
  return family;
}

metric_family single(std::string name, std::string help, metric_type type, double value) {
  auto family = make_family(std::move(name), std::move(help), type);
  family.samples.push_back({{}, value, {}});
  return family;
}

double resident_bytes() {
  std::unique_ptr<FILE, int (*)(FILE*)> file{std::fopen("/proc/self/statm", "re"), std::fclose};
  long total = 0;
  long resident = 0;
  if (!file || std::fscanf(file.get(), "%ld %ld", &total, &resident) != 2)
    return 0;
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_files() {
  std::unique_ptr<DIR, int (*)(DIR*)> directory{::opendir("/proc/self/fd"), ::closedir};
  double count = 0;
  while (directory && ::readdir(directory.get()))
    ++count;
  return std::max(0.0, count - 3); // ".", ".." and the directory itself
}

} // namespace

metric_family make_family(std::string name, std::string help, metric_type type) {
  return {std::move(name), std::move(help), type, {}};
}

std::vector<metric_family> families_of(const stats_reply& stats) {
  std::vector<metric_family> result;
  auto tasks = make_family("overwatch_tasks", "Stored tasks.", metric_type::gauge);
  for (const auto& x : stats.counts)
    tasks.samples.push_back({{{"task_type", x.task_type},
                              {"status", std::string{name_of(x.status)}},
                              {"priority", std::string{name_of(x.importance)}}},
                             static_cast<double>(x.count),
                             {}});
  result.push_back(std::move(tasks));
  auto counter = [&](const char* name, const char* help, uint64_t value) {
    result.push_back(single(name, help, metric_type::counter, static_cast<double>(value)));
  };
  counter("overwatch_tasks_submitted_total", "Tasks accepted.", stats.submitted);
  counter("overwatch_tasks_completed_total", "Tasks that completed.", stats.completed);
  counter("overwatch_tasks_failed_total", "Tasks that failed for good.", stats.failed);
  counter("overwatch_tasks_cancelled_total", "Tasks that were cancelled.", stats.cancelled);
  counter("overwatch_attempts_total", "Attempts started.", stats.attempts);
  counter("overwatch_retries_total", "Attempts that ended with a violation that is retried.", stats.retries);
  result.push_back(queue_depth_family(stats.counts));
  counter("overwatch_log_applied_index", "Newest applied entry of the log.", stats.applied);
  result.back().type = metric_type::gauge;
  return result;
}

std::vector<metric_family> families_of(const journal_stats& stats) {
  auto sync = make_family("overwatch_journal_sync_seconds", "Time to make a batch durable.", metric_type::histogram);
  sync.samples.push_back({{}, 0, stats.sync_seconds});
  std::vector<metric_family> result{std::move(sync)};
  result.push_back(single("overwatch_journal_writes_total", "Batches written to the store.", metric_type::counter,
                          static_cast<double>(stats.writes)));
  result.push_back(single("overwatch_journal_entries_total", "Log entries written.", metric_type::counter,
                          static_cast<double>(stats.entries)));
  result.push_back(single("overwatch_journal_written_bytes_total", "Bytes given to the store.", metric_type::counter,
                          static_cast<double>(stats.bytes)));
  result.push_back(single("overwatch_disk_free_bytes", "Space left where the store is.", metric_type::gauge,
                          static_cast<double>(stats.disk.free_bytes)));
  return result;
}

std::vector<metric_family> families_of(const std::vector<pool_status>& pools) {
  auto slots = make_family("overwatch_pool_slots", "Attempts that a pool may run at once.", metric_type::gauge);
  auto busy = make_family("overwatch_pool_busy", "Attempts that a pool runs.", metric_type::gauge);
  auto waiting = make_family("overwatch_pool_waiting", "Attempts that a pool was given and has not begun.",
                             metric_type::gauge);
  auto abandoned = make_family("overwatch_pool_abandoned", "Handlers that ignored a stop.", metric_type::gauge);
  for (const auto& x : pools) {
    std::map<std::string, std::string> labels{{"task_type", x.task_type}};
    slots.samples.push_back({labels, static_cast<double>(x.slots), {}});
    busy.samples.push_back({labels, static_cast<double>(x.busy), {}});
    waiting.samples.push_back({labels, static_cast<double>(x.waiting), {}});
    abandoned.samples.push_back({labels, static_cast<double>(x.abandoned), {}});
  }
  return {std::move(slots), std::move(busy), std::move(waiting), std::move(abandoned)};
}

std::vector<metric_family> process_families() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  auto cpu = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
             + static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
  return {single("process_cpu_seconds_total", "CPU time of the node.", metric_type::counter, cpu),
          single("process_resident_memory_bytes", "Memory of the node.", metric_type::gauge, resident_bytes()),
          single("process_open_fds", "Open file descriptors of the node.", metric_type::gauge, open_files())};
}

metrics_actor::behavior_type metrics(metrics_actor::stateful_pointer<metrics_state> self) {
  return {
    [=](const applied_ptr& x) { observe(self->state, *x); },
    [=](const metrics_request&) {
      const auto& state = self->state;
      using by_type = metrics_state::by_type;
      metrics_reply reply;
      reply.families.push_back(histogram_family("overwatch_task_start_latency_seconds",
                                                "From eligible to the call of the handler.", state,
                                                &by_type::start_latency));
      reply.families.push_back(histogram_family("task_execution_latency_seconds", "Time in the handler.", state,
                                                &by_type::execution));
      reply.families.push_back(histogram_family("execution_jitter_seconds",
                                                "From scheduled_at to the call of the handler.", state,
                                                &by_type::jitter));
      reply.families.push_back(violation_family("task_failures_total", "Tasks that failed for good.", state.failures,
                                                "type", "reason"));
      reply.families.push_back(violation_family("overwatch_violations_total",
                                                "Violations, also those that were retried.", state.violations,
                                                "task_type", "kind"));
      reply.families.push_back(rollback_family(state));
      return reply;
    },
  };
}

} // namespace overwatch
