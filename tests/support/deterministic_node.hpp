#pragma once

#include "actors/gateway.hpp"
#include "actors/journal.hpp"
#include "actors/replica.hpp"
#include "actors/scheduler.hpp"
#include "tests/support/memory_store.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <gtest/gtest.h>

namespace overwatch::test {

/// A pool that a test plays: it remembers what it was given and sends the outcomes that the test wants. Asked what it
/// holds, it says the truth.
struct played_pool_state {
  pool_offer offer; ///< `held`: all that was assigned and has not ended
  bool deaf = false; ///< what it is told gets lost
  std::vector<assignment> assigned;
  std::vector<stop_attempt> stops;
  std::vector<uint32_t> resized;
  std::vector<deadline_change> deadlines;
  std::vector<settled_outcome> settled;
  std::vector<lease_grant> granted;
  scheduler_actor scheduler;
  static inline const char* name = "played_pool";
};

/// The actors of one node on CAF's test coordinator: one thread, virtual time, a store in memory. Nothing
/// happens but in `settle` (messages) and `advance` (time).
class deterministic_node : public ::testing::Test {
public:
  deterministic_node();
  ~deterministic_node() override;

  /// Starts journal, hub, metrics, reader, scheduler, replica and gateway on `db`.
  void start();

  /// Kills all of them, as kill -9 would, and replaces the store by what a crash leaves of it.
  void crash(memory_store::survival state, uint64_t seed = 0);

  void settle();
  void advance(caf::timespan duration);
  timestamp time() const;

  /// Offers `slots` for a task type; the test plays the pool.
  pool_actor offer(const std::string& task_type, uint32_t slots, const std::string& node = "here");
  pool_actor play(pool_offer first);
  void hear_nothing(const pool_actor& pool, bool deaf) { pools_.at(pool.address())->deaf = deaf; }
  std::vector<assignment> take_assigned(const pool_actor& pool);
  std::vector<stop_attempt> take_stops(const pool_actor& pool);
  std::vector<lease_grant> take_grants(const pool_actor& pool);
  std::vector<deadline_change> take_deadlines(const pool_actor& pool);
  std::vector<uint32_t> resized(const pool_actor& pool);
  std::vector<settled_outcome> take_settled(const pool_actor& pool);
  void finish(const assignment& x, violation kind = violation::none, std::string message = {});
  void finish(attempt_outcome outcome);
  static attempt_outcome outcome_of(const assignment& x, violation kind = violation::none, std::string message = {});

  /// The pool itself says it, so that it hears what became of it.
  void report(const pool_actor& pool, attempt_outcome outcome);

  /// Asks and settles; an error fails the test unless `fault` takes it.
  template <class Reply, class Handle, class Request>
  Reply ask(const Handle& handle, const Request& request, failure* fault = nullptr) {
    Reply result{};
    // Without the types of what is asked: each of them would take half a second to compile. Time stands still here.
    auto response = self_->request(caf::actor_cast<caf::actor>(handle), caf::infinite, caf::make_message(request));
    settle();
    response.receive([&](Reply& reply) { result = std::move(reply); },
                     [&](caf::error& error) {
                       if (fault)
                         *fault = describe(error);
                       else
                         ADD_FAILURE() << describe(error).message;
                     });
    return result;
  }

  /// Submits through the gateway; `change` may set any field.
  template <class Change>
  submit_receipt submit(const std::string& name, Change change) {
    auto spec = std::make_shared<task_spec>();
    spec->name = name;
    spec->task_type = "noop";
    change(*spec);
    submit_request request{{{spec, std::make_shared<const std::string>("{}")}}};
    auto reply = ask<submit_reply>(gateway_handle, request);
    return reply.receipts.empty() ? submit_receipt{} : reply.receipts.front();
  }
  submit_receipt submit(const std::string& name) {
    return submit(name, [](task_spec&) {});
  }
  task_record get(const task_id& id) { return ask<task_record>(gateway_handle, get_request{id}); }
  task_status status_of(const task_id& id) { return get(id).state.status; }

  std::unique_ptr<memory_store> db = std::make_unique<memory_store>();
  scheduler_options scheduling;
  replica_options replication;
  journal_options journaling;
  gateway_options gateway_settings;
  gateway_state::interface gateway_handle;
  gateway_links links;

protected:
  void kill_all();
  void forget(const attempt_outcome& outcome);

  struct config : caf::actor_system_config {
    config();
  };
  config config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& coordinator_;
  caf::scoped_actor self_{system_, true};
  std::vector<caf::actor> spawned_;
  std::map<caf::actor_addr, played_pool_state*> pools_;
};

} // namespace overwatch::test
