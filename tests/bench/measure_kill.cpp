#include "tests/bench/noop_load.hpp"
#include "tests/support/process/task_ledger.hpp"

#include <cstdio>
#include <iostream>
#include <random>
#include <stdexcept>

namespace overwatch::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr uint64_t max_round_tasks = 20'000;
constexpr int first_kill_ms = 5;
constexpr int last_kill_ms = 400;

/// Submits batches, keeps the ids that were acknowledged, and kills the node at its first tick.
class kill_script : public load_script {
public:
  explicit kill_script(support::node_process& node)
    : node_{node}, request_{support::http_request_text("POST", support::batch_path, support::ndjson_type,
                                                       noop_batch(batch_tasks))} {}

  std::string_view next() override {
    if (sent_ + batch_tasks > max_round_tasks)
      return {};
    sent_ += batch_tasks;
    return request_;
  }

  void answered(int status, std::string_view body) override {
    if (status != 200)
      throw std::runtime_error{"a batch was answered with " + std::to_string(status) + ": " + std::string{body}};
    auto ids = support::ids_in(body);
    acknowledged_.insert(acknowledged_.end(), ids.begin(), ids.end());
  }

  bool finished() const override { return !node_.running(); }
  void tick() override { node_.kill(); }
  const std::vector<task_id>& acknowledged() const { return acknowledged_; }

private:
  support::node_process& node_;
  std::string request_;
  uint64_t sent_ = 0;
  std::vector<task_id> acknowledged_;
};

} // namespace

void measure_kill(const bench_options& options, report& results) {
  auto node = start_node(options, results);
  auto seed = std::random_device{}();
  std::cerr << "kill: seed " << seed << "\n";
  std::mt19937 random{seed};
  std::uniform_int_distribution<int> moment_ms{first_kill_ms, last_kill_ms};
  support::task_ledger all;
  histogram restarts;
  uint64_t missing = 0;
  for (uint32_t round = 0; round < options.kill_rounds; ++round) {
    kill_script script{*node};
    load_options load;
    load.port = node->http_port();
    load.connections = options.connections;
    load.tick_interval = std::chrono::milliseconds{moment_ms(random)};
    load.server_may_end = true;
    run_load(load, script);
    auto start = clock::now();
    node->start();
    restarts.add(clock::now() - start);
    support::node_api api{node->http_port()};
    support::task_ledger ledger;
    ledger.add(script.acknowledged());
    all.add(script.acknowledged());
    auto lost = ledger.missing(api);
    missing += lost.size();
    std::cerr << "kill: round " << round + 1 << ", " << ledger.size() << " acknowledged, " << lost.size()
              << " missing\n";
  }
  support::node_api api{node->http_port()};
  auto submitted = api.counters().submitted; // also those whose acknowledgement the kill cut off
  wait_until_completed(api, submitted);
  auto census = support::take_census(api);
  missing += all.missing(api).size();
  if (census.unfinished + census.ended_otherwise + census.listed_twice > 0 || census.listed != submitted)
    throw std::runtime_error{"after the drain the node counts " + std::to_string(submitted) + " tasks and lists " +
                             std::to_string(census.listed) + ", of them " + std::to_string(census.unfinished) +
                             " unfinished, " + std::to_string(census.ended_otherwise) + " not completed, " +
                             std::to_string(census.listed_twice) + " out of order"};
  results.set("kill_rounds", options.kill_rounds);
  results.set("kill_acknowledged", static_cast<double>(all.size()));
  results.set("kill_missing", static_cast<double>(missing));
  results.set("kill_doubled", static_cast<double>(api.counters().completed) - static_cast<double>(census.completed));
  results.set("kill_restart_p50_ms", restarts.percentile_us(0.5) / 1000);
  node->stop();
  if (missing > 0)
    throw std::runtime_error{std::to_string(missing) + " acknowledged tasks are missing after kill -9"};
}

} // namespace overwatch::bench
