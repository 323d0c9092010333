#include "tests/bench/noop_load.hpp"

#include <algorithm>

namespace overwatch::bench {

namespace {

using clock = std::chrono::steady_clock;

/// How many unfinished tasks count as none: enough that the node never waits for the client between two polls.
constexpr uint64_t shallow_tasks = 10'000;
constexpr uint64_t first_point = 100'000;
constexpr std::chrono::milliseconds warm_up{2000};
constexpr double megabyte = 1e6;

load_options load_for(const bench_options& options, const support::node_process& node) {
  load_options load;
  load.port = node.http_port();
  load.connections = options.connections;
  return load;
}

/// Submits so many tasks in batches; answers with the rate.
double fill(const bench_options& options, const support::node_process& node, support::node_api& api, uint64_t tasks) {
  if (tasks == 0)
    return 0;
  batch_script batches{api, tasks};
  auto start = clock::now();
  run_load(load_for(options, node), batches);
  return static_cast<double>(batches.accepted()) / std::chrono::duration<double>(clock::now() - start).count();
}

/// Submits and runs at the same time, with `backlog` unfinished tasks kept up; answers with outcomes per second.
double churn(const bench_options& options, const support::node_process& node, support::node_api& api,
             uint64_t backlog) {
  batch_script batches{api, batch_script::no_limit, backlog};
  auto load = load_for(options, node);
  load.duration = warm_up + options.duration;
  batches.count_from(clock::now() + warm_up);
  run_load(load, batches);
  return batches.completed_per_second();
}

/// Outcomes per second while nothing is submitted.
double drain(const bench_options& options, const support::node_process& node, support::node_api& api) {
  batch_script none{api, batch_script::no_limit, 0};
  auto load = load_for(options, node);
  load.duration = options.duration;
  none.count_from(clock::now());
  run_load(load, none);
  return none.completed_per_second();
}

} // namespace

void measure_deep(const bench_options& options, report& results) {
  {
    auto node = start_node(options, results);
    support::node_api api{node->http_port()};
    results.set("shallow_per_s", churn(options, *node, api, shallow_tasks));
  }
  auto node = start_node(options, results);
  support::node_api api{node->http_port()};
  api.stop_dispatch();
  auto empty = static_cast<double>(node->resident_bytes());
  auto last_tenth = options.deep / 10;
  auto first = std::min(first_point, options.deep - last_tenth);
  fill(options, *node, api, first);
  if (first == first_point) {
    auto at_first = static_cast<double>(node->resident_bytes());
    results.set("rss_100k_mb", at_first / megabyte);
    results.set("bytes_per_queued_task_100k", (at_first - empty) / static_cast<double>(first));
  }
  fill(options, *node, api, options.deep - first - last_tenth);
  results.set("deep_submit_per_s", fill(options, *node, api, last_tenth));
  auto at_deep = static_cast<double>(node->resident_bytes());
  results.set("deep_tasks", static_cast<double>(options.deep));
  results.set("rss_empty_mb", empty / megabyte);
  results.set("rss_deep_mb", at_deep / megabyte);
  results.set("bytes_per_queued_task", (at_deep - empty) / static_cast<double>(options.deep));

  api.resume_dispatch();
  results.set("deep_per_s", churn(options, *node, api, options.deep));
  results.set("deep_ratio", *results.get("deep_per_s") / *results.get("shallow_per_s"));
  results.set("drained_per_s", drain(options, *node, api));
}

} // namespace overwatch::bench
