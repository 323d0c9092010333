#include "tests/bench/noop_load.hpp"

#include <stdexcept>

namespace overwatch::bench {

namespace {

constexpr std::chrono::milliseconds pace{10};
constexpr unsigned outcome_samples = 200;
constexpr unsigned outcome_wait_s = 30;

using clock = std::chrono::steady_clock;

/// What a client sees: submit, then wait for the end, in two requests.
void measure_outcome(support::node_api& api, const std::string& task, report& results) {
  histogram outcomes;
  auto next = clock::now();
  for (unsigned i = 0; i < outcome_samples; ++i) {
    pause_until(next += pace);
    auto start = clock::now();
    auto ended = api.wait(api.submit(task), outcome_wait_s);
    outcomes.add(clock::now() - start);
    if (ended.status != "completed")
      throw std::runtime_error{"a task of the benchmark is " + ended.status};
  }
  results.set("outcome_p50_us", outcomes.percentile_us(0.5));
  results.set("outcome_p99_us", outcomes.percentile_us(0.99));
}

} // namespace

void measure_start(const bench_options& options, report& results) {
  auto node = start_node(options, results);
  support::node_api api{node->http_port()};
  auto task = noop_task();
  histogram submits;
  std::vector<task_id> ids;
  auto next = clock::now();
  for (auto left = 2 * options.duration / pace; left > 0; --left) { // 10 s unless told otherwise
    pause_until(next += pace);
    auto start = clock::now();
    ids.push_back(api.submit(task));
    submits.add(clock::now() - start);
  }
  wait_until_completed(api, ids.size());
  histogram starts;
  for (const auto& id : ids) {
    auto view = api.task(id);
    starts.add(view.started_at - view.created_at);
  }
  results.set("submit_p50_us", submits.percentile_us(0.5));
  results.set("start_p50_us", starts.percentile_us(0.5));
  results.set("start_p99_us", starts.percentile_us(0.99));
  measure_outcome(api, task, results);
  node->stop();
}

} // namespace overwatch::bench
