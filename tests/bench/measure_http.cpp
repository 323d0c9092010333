#include "tests/bench/noop_load.hpp"

namespace overwatch::bench {

namespace {

constexpr std::chrono::milliseconds warm_up{1000};

load_result run(const bench_options& options, const support::node_process& node, load_script& script) {
  check_interrupted();
  load_options load;
  load.port = node.http_port();
  load.connections = options.connections;
  load.warm_up = warm_up;
  load.duration = options.duration;
  return run_load(load, script);
}

} // namespace

void measure_http(const bench_options& options, report& results) {
  auto node = start_node(options, results);
  support::node_api api{node->http_port()};

  hello_script hello;
  results.set("http_hello_per_s", run(options, *node, hello).per_second());

  // Only enqueues, as the peers' figures do.
  api.stop_dispatch();
  single_script single;
  auto enqueued = run(options, *node, single);
  results.set("http_single_per_s", enqueued.per_second());
  results.set("http_single_p50_us", enqueued.latencies.percentile_us(0.5));
  results.set("http_single_p99_us", enqueued.latencies.percentile_us(0.99));
  api.resume_dispatch();
  wait_until_completed(api, single.accepted());

  single_script running;
  results.set("http_single_running_per_s", run(options, *node, running).per_second());
  wait_until_completed(api, single.accepted() + running.accepted());

  api.stop_dispatch();
  batch_script batches{api};
  auto batched = run(options, *node, batches);
  results.set("http_batch_per_s", batched.per_second() * batch_tasks);
  results.set("http_batch_p50_us", batched.latencies.percentile_us(0.5));
  results.set("http_batch_p99_us", batched.latencies.percentile_us(0.99));
  node->stop();
}

} // namespace overwatch::bench
