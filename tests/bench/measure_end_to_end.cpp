#include "tests/bench/noop_load.hpp"

namespace overwatch::bench {

void measure_end_to_end(const bench_options& options, report& results) {
  auto node = start_node(options, results);
  support::node_api api{node->http_port()};
  auto tasks = (options.tasks + batch_tasks - 1) / batch_tasks * batch_tasks;
  batch_script batches{api, tasks};
  load_options load;
  load.port = node->http_port();
  load.connections = options.connections;
  auto start = std::chrono::steady_clock::now();
  run_load(load, batches);
  wait_until_completed(api, tasks);
  std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  results.set("end_to_end_per_s", static_cast<double>(tasks) / elapsed.count());
  node->stop();
}

} // namespace overwatch::bench
