#include "tests/bench/bench.hpp"

#include "actors/event_hub.hpp"
#include "actors/journal.hpp"
#include "actors/metrics.hpp"
#include "actors/replica.hpp"
#include "actors/scheduler.hpp"
#include "actors/task_reader.hpp"
#include "messages/codec.hpp"
#include "messages/gate.hpp"
#include "runtime/replication/make_raft_log.hpp"
#include "runtime/storage/rocks_store.hpp"
#include "tests/support/process/scratch_directory.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <stdexcept>
#include <thread>

namespace overwatch::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr size_t entry_tasks = 2'000;
constexpr size_t backlog = 8'000; ///< tasks of the load that are on their way
constexpr uint64_t gated_tasks = 100'000;
constexpr uint32_t work_slots = 4'096;
constexpr std::chrono::milliseconds poll{2};
constexpr std::chrono::minutes patience{10};

/// A pool whose attempts end when they begin; those of type `hold` never do.
pool_actor::behavior_type instant_pool(pool_actor::pointer self, scheduler_actor scheduler, std::string task_type,
                                       uint32_t slots) {
  self->send(scheduler, pool_offer{task_type, "here", slots, true}, caf::actor_cast<caf::strong_actor_ptr>(self));
  return {
    [=](assignment_batch& x) {
      if (x.report) { // asked once, before it has anything
        pool_offer offer{task_type, "here", slots, true};
        offer.heard = x.mark;
        self->send(scheduler, std::move(offer), caf::actor_cast<caf::strong_actor_ptr>(self));
      }
      if (task_type == "hold")
        return;
      outcome_batch ended;
      for (const auto& one : x.attempts) {
        attempt_outcome outcome;
        outcome.id = one.task.spec->id;
        outcome.fence = one.fence;
        outcome.started_at = one.started_at;
        ended.outcomes.push_back(std::move(outcome));
      }
      self->send(scheduler, std::move(ended));
    },
    [=](const stop_attempt&) {},
    [=](const deadline_change&) {},
    [=](const attempts_done&) {},
    [=](caf::update_atom, uint32_t) {},
    [=](const lease_grant&) {},
    [=](const leader_in_sight&) {},
    [=](caf::subscribe_atom, const caf::strong_actor_ptr&) {},
    [=](const drain_request&) { return drain_reply{}; },
    [=](const pools_request&) { return pool_status{}; },
    [=](const workers_request&) { return workers_reply{}; },
    [=](caf::flush_atom) {},
    [=](caf::tick_atom, uint64_t) {},
  };
}

struct system_config : caf::actor_system_config {
  system_config() { add_messages(*this); }
};

/// The actors that decide, on a store of their own: what a node has between its gateway and its handlers.
class deciders {
public:
  deciders() {
    system_.await_actors_before_shutdown(false); // those that count end in the destructor
    auto opened = open_rocks_store(directory_.path() + "/data", {});
    if (!opened)
      throw std::runtime_error{"cannot open a store: " + describe(opened.error()).message};
    db_ = std::move(*opened);
    auto journal_handle = keep(system_.spawn<caf::detached>(journal, db_.get(), journal_options{}));
    auto events = keep(system_.spawn(event_hub, event_hub_options{}));
    auto measures = keep(system_.spawn(metrics));
    auto reader = keep(system_.spawn<caf::detached>(task_reader, db_.get(), task_reader_options{}));
    scheduler_ = keep(system_.spawn(scheduler, scheduler_options{}, events));
    self_->send(scheduler_, node_capacity{"here", 2 * work_slots, 4, 16'000});
    replica_options options;
    options.node = "here";
    replica_links below{db_.get(), journal_handle, reader, events, measures};
    replica_ = keep(system_.spawn(replica, options, below, scheduler_,
                                  make_raft_log));
    auto led = [&] { return ask<scheduler_status>(scheduler_, scheduler_status_request{}).leads; };
    wait_until(led, "a leader");
    keep(system_.spawn(instant_pool, scheduler_, "hold", 1'000U));
  }

  ~deciders() {
    for (const auto& x : actors_)
      caf::anon_send_exit(x, caf::exit_reason::kill);
    self_->wait_for(actors_); // they use the store
  }

  void offer_work() { keep(system_.spawn(instant_pool, scheduler_, "work", work_slots)); }

  propose_reply propose(std::vector<command> commands) {
    propose_request request;
    request.commands = std::move(commands);
    auto reply = ask<propose_reply>(scheduler_, request);
    for (const auto& x : reply.results)
      if (x.error)
        throw std::runtime_error{"refused: " + x.error.message};
    return reply;
  }

  command submit(const std::string& task_type, const std::function<void(task_spec&)>& change = {}) {
    auto spec = std::make_shared<task_spec>();
    spec->id = ids_.next(now(), 0);
    spec->name = "one of many";
    spec->task_type = task_type;
    spec->created_at = now();
    if (change)
      change(*spec);
    last_ = spec->id;
    return submit_command{{std::move(spec), payload_}, false};
  }

  template <class Make>
  void submit_many(uint64_t count, Make make) {
    std::vector<command> commands;
    for (uint64_t n = 0; n < count; ++n) {
      commands.push_back(make(n));
      if (commands.size() == entry_tasks || n + 1 == count)
        propose(std::exchange(commands, {}));
    }
  }

  void set_gate(const std::string& name, bool open) {
    gate_record gate;
    gate.name = name;
    gate.open = open;
    propose({put_command{document_kind::gate, name, encode(gate), {}}});
  }

  stats_reply stats() { return ask<stats_reply>(replica_, stats_request{}); }

  /// Waiting tasks of every kind, a sixth each: behind a closed gate, a held key, a parent that waits, a time to come,
  /// a rate without tokens; and in a queue that nobody serves.
  void fill(uint64_t waiting) {
    set_gate("closed", false);
    constexpr uint64_t keys = 100;
    auto keyed = [](task_spec& x, uint64_t n) { x.concurrency = {"key " + std::to_string(n % keys), 1}; };
    submit_many(keys, [&](uint64_t n) { return submit("hold", [&](auto& x) { keyed(x, n); }); });
    auto rated = [](task_spec& x) { x.rate = {"slow", 1, std::chrono::hours{24}}; };
    submit_many(1, [&](uint64_t) { return submit("hold", rated); });
    wait_until([&] { return stats().attempts == keys + 1; }, "what holds the keys");
    submit_many(waiting, [&](uint64_t n) {
      return submit(n % 6 == 5 ? "unserved" : "work", [&](task_spec& x) {
        switch (n % 6) {
        case 0:
          x.required_gates = {"closed"};
          x.on_closed_gate = gate_policy::wait;
          break;
        case 1:
          x.depends_on = {last_}; // the one before
          break;
        case 2:
          keyed(x, n / 6);
          break;
        case 3:
          x.scheduled_at = now() + std::chrono::hours{24} + std::chrono::milliseconds{n};
          break;
        case 4:
          rated(x);
          break;
        default:
          x.fairness_key = "user " + std::to_string(n % 1'000);
        }
      });
    });
  }

  /// Tasks per second that are submitted, started and ended, for so long.
  double decisions_per_second(std::chrono::seconds duration) {
    offer_work();
    auto begun = stats().completed;
    auto submitted = begun;
    auto run_until = [&](clock::time_point end) {
      while (clock::now() < end) {
        check_interrupted();
        if (submitted - stats().completed < backlog) {
          submit_many(entry_tasks, [&](uint64_t) { return submit("work"); });
          submitted += entry_tasks;
        } else {
          std::this_thread::sleep_for(poll);
        }
      }
    };
    run_until(clock::now() + std::chrono::seconds{1});
    auto start = clock::now();
    auto before = stats().completed;
    run_until(start + duration);
    auto completed = stats().completed - before;
    return static_cast<double>(completed) / std::chrono::duration<double>(clock::now() - start).count();
  }

  template <class Condition>
  void wait_until(Condition holds, const char* what) {
    auto end = clock::now() + patience;
    while (!holds()) {
      check_interrupted();
      if (clock::now() > end)
        throw std::runtime_error{std::string{"waited too long for "} + what};
      std::this_thread::sleep_for(poll);
    }
  }

private:
  template <class Handle>
  Handle keep(Handle handle) {
    actors_.push_back(caf::actor_cast<caf::actor>(handle));
    return handle;
  }

  template <class Reply, class Handle, class Request>
  Reply ask(const Handle& handle, const Request& request) {
    Reply result{};
    self_->request(handle, patience, request)
      .receive([&](Reply& reply) { result = std::move(reply); },
               [](caf::error& error) { throw std::runtime_error{describe(error).message}; });
    return result;
  }

  support::scratch_directory directory_;
  std::unique_ptr<rocks_store> db_;
  system_config config_;
  caf::actor_system system_{config_};
  caf::scoped_actor self_{system_, true}; // hidden: the system does not wait for it
  std::vector<caf::actor> actors_;
  scheduler_actor scheduler_;
  replica_actor replica_;
  task_id_generator ids_{1};
  task_id last_;
  std::shared_ptr<const std::string> payload_ = std::make_shared<const std::string>(payload_bytes, ' ');
};

/// From the opening of a gate until all that waited for it are in the queue, and how long the change itself took.
void measure_gate(report& results) {
  deciders actors;
  actors.set_gate("g", false);
  actors.submit_many(gated_tasks, [&](uint64_t) {
    return actors.submit("unserved", [](task_spec& x) {
      x.required_gates = {"g"};
      x.on_closed_gate = gate_policy::wait;
    });
  });
  auto start = clock::now();
  auto passed = [&] { return std::chrono::duration<double>(clock::now() - start).count(); };
  actors.set_gate("g", true);
  results.set("gate_open_ms", passed() * 1e3);
  actors.wait_until(
    [&] {
      for (const auto& x : actors.stats().counts)
        if (x.status == task_status::pending && x.count > 0)
          return false;
      return true;
    },
    "the tasks behind the gate");
  results.set("gate_released_s", passed());
}

} // namespace

void measure_decisions(const bench_options& options, report& results) {
  auto measure = [&](const char* key, uint64_t waiting) {
    deciders actors;
    actors.fill(waiting);
    results.set(key, actors.decisions_per_second(options.duration));
  };
  measure("decisions_few_per_s", 1'000);
  measure("decisions_some_per_s", 100'000);
  measure("decisions_many_per_s", options.deep);
  results.set("decisions_ratio_some", *results.get("decisions_some_per_s") / *results.get("decisions_few_per_s"));
  results.set("decisions_ratio_many", *results.get("decisions_many_per_s") / *results.get("decisions_few_per_s"));
  measure_gate(results);
}

} // namespace overwatch::bench
