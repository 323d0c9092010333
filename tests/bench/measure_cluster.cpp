#include "tests/bench/bench_cluster.hpp"
#include "tests/bench/noop_load.hpp"

namespace overwatch::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds warm_up{1000};
constexpr std::chrono::milliseconds pace{10};
constexpr unsigned lone_submits = 300;

load_options load_of(const bench_options& options, uint16_t port) {
  check_interrupted();
  load_options load;
  load.port = port;
  load.connections = options.connections;
  load.warm_up = warm_up;
  load.duration = options.duration;
  return load;
}

/// Submits with nothing else under way.
double lone_submit_us(uint16_t port) {
  support::node_api api{port};
  auto task = noop_task();
  histogram times;
  auto next = clock::now();
  for (unsigned i = 0; i < lone_submits; ++i) {
    pause_until(next += pace);
    auto start = clock::now();
    api.submit(task);
    times.add(clock::now() - start);
  }
  return times.percentile_us(0.5);
}

/// Tasks per second from the first submit, in batches, to the last durable outcome.
double end_to_end(const bench_options& options, uint16_t port) {
  support::node_api api{port};
  auto before = api.counters().completed;
  auto tasks = (options.tasks + batch_tasks - 1) / batch_tasks * batch_tasks;
  batch_script batches{api, tasks};
  auto load = load_of(options, port);
  load.warm_up = load.duration = std::chrono::milliseconds{0}; // until all are submitted
  auto start = clock::now();
  run_load(load, batches);
  wait_until_completed(api, before + tasks);
  return static_cast<double>(tasks) / std::chrono::duration<double>(clock::now() - start).count();
}

void measure_size(const bench_options& options, report& results, unsigned nodes) {
  bench_cluster cluster{options, results, nodes};
  auto key = "nodes" + std::to_string(nodes) + "_";
  auto port = cluster.port(cluster.leader());
  auto other = cluster.port(cluster.follower());
  support::node_api api{port};
  results.set(key + "submit_p50_us", lone_submit_us(port));
  if (nodes > 1)
    results.set(key + "follower_submit_p50_us", lone_submit_us(other));

  api.stop_dispatch(); // only enqueues, as the peers' figures do
  single_script single;
  auto enqueued = run_load(load_of(options, port), single);
  results.set(key + "single_per_s", enqueued.per_second());
  results.set(key + "single_p50_us", enqueued.latencies.percentile_us(0.5));
  results.set(key + "single_p99_us", enqueued.latencies.percentile_us(0.99));
  auto waiting = single.accepted();
  if (nodes > 1) {
    single_script passed_on;
    results.set(key + "follower_single_per_s", run_load(load_of(options, other), passed_on).per_second());
    waiting += passed_on.accepted();
  }
  auto before = api.counters();
  api.resume_dispatch();
  wait_until_completed(api, before.completed + waiting);

  single_script running;
  results.set(key + "single_running_per_s", run_load(load_of(options, port), running).per_second());
  wait_until_completed(api, before.completed + waiting + running.accepted());

  results.set(key + "end_to_end_per_s", end_to_end(options, port));
  api.stop_dispatch();
  batch_script batches{api};
  results.set(key + "batch_per_s", run_load(load_of(options, port), batches).per_second() * batch_tasks);
  cluster.stop();
}

} // namespace

void measure_cluster(const bench_options& options, report& results) {
  measure_size(options, results, 1);
  measure_size(options, results, 3);
}

void measure_partitions(const bench_options& options, report& results) {
  for (unsigned partitions : bench_partitions) {
    bench_cluster cluster{options, results, 3, partitions};
    auto port = cluster.port(cluster.leader());
    auto key = "partitions" + std::to_string(partitions) + "_";
    results.set(key + "end_to_end_per_s", end_to_end(options, port));
    support::node_api api{port};
    auto before = api.counters().completed;
    single_script single;
    results.set(key + "single_per_s", run_load(load_of(options, port), single).per_second());
    wait_until_completed(api, before + single.accepted());
    cluster.stop();
  }
}

} // namespace overwatch::bench
