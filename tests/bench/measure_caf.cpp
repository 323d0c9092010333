#include "messages/actors.hpp"
#include "tests/bench/noop_load.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_actor.hpp>

#include <deque>
#include <stdexcept>

namespace overwatch::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr size_t requests_in_flight = 8;
constexpr std::chrono::seconds request_limit{30};
constexpr std::chrono::milliseconds warm_up{1000};

struct client_config : caf::actor_system_config {
  client_config() {
    add_messages(*this);
    load<caf::io::middleman>();
    set("middleman.heartbeat-interval", caf::timespan{std::chrono::milliseconds{500}});
    set("middleman.connection-timeout", caf::timespan{std::chrono::seconds{2}});
    set("scheduler.max-threads", 1); // the node needs the cores
  }
};

submit_request make_batch() {
  auto spec = std::make_shared<task_spec>();
  spec->name = "bench";
  spec->task_type = "noop";
  auto payload = std::make_shared<const std::string>("{\"data\":\"" + std::string(payload_bytes - 11, 'x') + "\"}");
  submit_request batch;
  batch.tasks.assign(batch_tasks, submission{spec, payload});
  return batch;
}

/// Batches per second over `duration`, after the warm-up.
double run_batches(caf::actor_system& system, const gateway_actor& gateway, std::chrono::seconds duration) {
  caf::scoped_actor self{system};
  auto batch = make_batch();
  auto send = [&] { return self->request(gateway, request_limit, batch); };
  std::deque<decltype(send())> in_flight;
  auto receive_oldest = [&] {
    in_flight.front().receive(
      [](const submit_reply& reply) {
        if (reply.receipts.size() != batch_tasks)
          throw std::runtime_error{"a batch over CAF was answered with too few receipts"};
        for (const auto& receipt : reply.receipts)
          if (receipt.error)
            throw std::runtime_error{"a task over CAF was refused: " + receipt.error.message};
      },
      [](const caf::error& error) { throw std::runtime_error{"a batch over CAF failed: " + describe(error).message}; });
    in_flight.pop_front();
  };
  auto from = clock::now() + warm_up;
  auto to = from + duration;
  uint64_t answers = 0;
  while (clock::now() < to) {
    check_interrupted();
    while (in_flight.size() < requests_in_flight)
      in_flight.push_back(send());
    receive_oldest();
    if (auto now = clock::now(); now >= from && now < to)
      ++answers;
  }
  while (!in_flight.empty())
    receive_oldest();
  return static_cast<double>(answers) / static_cast<double>(duration.count());
}

} // namespace

void measure_caf(const bench_options& options, report& results) {
  auto node = start_node(options, results, true);
  support::node_api api{node->http_port()};
  api.stop_dispatch(); // only enqueues, as the batches over HTTP
  client_config config;
  caf::actor_system system{config};
  auto gateway = system.middleman().remote_actor<gateway_actor>("127.0.0.1", node->caf_port());
  if (!gateway)
    throw std::runtime_error{"cannot reach the node over CAF: " + describe(gateway.error()).message};
  results.set("caf_batch_per_s", run_batches(system, *gateway, options.duration) * batch_tasks);
  *gateway = nullptr;
  node->stop();
}

} // namespace overwatch::bench
