#include "tests/support/deterministic_node.hpp"

#include "actors/event_hub.hpp"
#include "actors/metrics.hpp"
#include "actors/task_reader.hpp"
#include "runtime/replication/make_raft_log.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>
#include <utility>

namespace overwatch::test {

namespace {

const timestamp beginning{std::chrono::hours{24 * 365 * 56}};

void send_offer(pool_actor::stateful_pointer<played_pool_state> self) {
  ++self->state.offer.number;
  self->send(self->state.scheduler, self->state.offer, caf::actor_cast<caf::strong_actor_ptr>(self));
}

pool_actor::behavior_type played_pool(pool_actor::stateful_pointer<played_pool_state> self, scheduler_actor scheduler,
                                      pool_offer first) {
  self->state.scheduler = std::move(scheduler);
  self->state.offer = std::move(first);
  send_offer(self);
  return {
    [=](assignment_batch& x) {
      auto& state = self->state;
      if (state.deaf)
        return;
      state.offer.heard = x.mark;
      for (auto& attempt : x.attempts) {
        state.offer.held.push_back({attempt.task.spec->id, attempt.fence, false});
        state.assigned.push_back(std::move(attempt));
      }
      std::move(x.settled.begin(), x.settled.end(), std::back_inserter(state.settled));
      if (x.report)
        send_offer(self);
    },
    [=](const stop_attempt& x) { self->state.stops.push_back(x); },
    [=](const deadline_change& x) { self->state.deadlines.push_back(x); },
    [=](const attempts_done&) {},
    [=](caf::update_atom, uint32_t slots) { self->state.resized.push_back(slots); },
    [=](const lease_grant& x) { self->state.granted.push_back(x); },
    [=](const leader_in_sight& x) {
      self->state.scheduler = caf::actor_cast<scheduler_actor>(x.scheduler);
      send_offer(self);
    },
    [=](caf::subscribe_atom, const caf::strong_actor_ptr&) {},
    [=](const drain_request&) { return drain_reply{}; },
    [=](const pools_request&) { return pool_status{}; },
    [=](const workers_request&) { return workers_reply{}; },
    [=](caf::flush_atom) {},
    [=](caf::tick_atom, uint64_t) {},
  };
}

} // namespace

deterministic_node::config::config() {
  add_node_messages(*this);
  set("scheduler.policy", caf::atom("testing"));
}

deterministic_node::deterministic_node()
  : coordinator_{dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())} {
  coordinator_.clock().current_time += std::chrono::hours{1};
  scheduling.clock = [this] { return time(); };
  gateway_settings.clock = [this] { return time(); };
  gateway_settings.task_types = {"noop", "other", "nobody"};
  replication.checkpoint_bytes = ~0ULL; // checkpoints have a thread of their own
  replication.node = "here";
  replication.clock = [this] { return time(); };
}

deterministic_node::~deterministic_node() {
  kill_all();
}

void deterministic_node::kill_all() {
  for (const auto& x : spawned_)
    caf::anon_send_exit(x, caf::exit_reason::kill);
  spawned_.clear();
  pools_.clear();
  links = {};
  gateway_handle = nullptr;
  settle();
  coordinator_.clock().cancel_all();
}

void deterministic_node::start() {
  auto keep = [this](auto handle) {
    spawned_.push_back(caf::actor_cast<caf::actor>(handle));
    return handle;
  };
  links.journal = keep(system_.spawn(journal, db.get(), journaling));
  links.events = keep(system_.spawn(event_hub, event_hub_options{}));
  links.metrics = keep(system_.spawn(metrics));
  links.reader = keep(system_.spawn(task_reader, db.get(), task_reader_options{}));
  links.scheduler = keep(system_.spawn(scheduler, scheduling, links.events));
  caf::anon_send(links.scheduler, node_capacity{"here", 1'000, 4, 8'192});
  replica_links below{db.get(), links.journal, links.reader, links.events, links.metrics};
  links.replica = keep(system_.spawn(replica, replication, below, links.scheduler, make_raft_log));
  links.replicas = {links.replica};
  ++gateway_settings.seed; // every start has ids of its own
  gateway_handle = keep(system_.spawn(gateway, gateway_settings));
  caf::anon_send(gateway_handle, links);
  settle();
}

void deterministic_node::crash(memory_store::survival state, uint64_t seed) {
  auto left = db->lose_unsynced(state, seed);
  kill_all();
  db = std::move(left);
}

void deterministic_node::settle() {
  while (coordinator_.try_run_once())
    continue;
}

void deterministic_node::advance(caf::timespan duration) {
  coordinator_.clock().advance_time(duration);
  settle();
}

timestamp deterministic_node::time() const {
  auto since_start = coordinator_.clock().now().time_since_epoch();
  return beginning + std::chrono::duration_cast<std::chrono::microseconds>(since_start);
}

pool_actor deterministic_node::offer(const std::string& task_type, uint32_t slots, const std::string& node) {
  return play(pool_offer{task_type, node, slots, true});
}

pool_actor deterministic_node::play(pool_offer first) {
  auto handle = system_.spawn(played_pool, links.scheduler, std::move(first));
  spawned_.push_back(caf::actor_cast<caf::actor>(handle));
  auto* actor = caf::actor_cast<caf::abstract_actor*>(handle);
  pools_[handle.address()] = &dynamic_cast<pool_actor::stateful_pointer<played_pool_state>>(actor)->state;
  settle();
  return handle;
}

std::vector<assignment> deterministic_node::take_assigned(const pool_actor& pool) {
  return std::exchange(pools_.at(pool.address())->assigned, {});
}

std::vector<stop_attempt> deterministic_node::take_stops(const pool_actor& pool) {
  return std::exchange(pools_.at(pool.address())->stops, {});
}

std::vector<lease_grant> deterministic_node::take_grants(const pool_actor& pool) {
  return std::exchange(pools_.at(pool.address())->granted, {});
}

std::vector<deadline_change> deterministic_node::take_deadlines(const pool_actor& pool) {
  return std::exchange(pools_.at(pool.address())->deadlines, {});
}

std::vector<uint32_t> deterministic_node::resized(const pool_actor& pool) {
  return pools_.at(pool.address())->resized;
}

std::vector<settled_outcome> deterministic_node::take_settled(const pool_actor& pool) {
  return std::exchange(pools_.at(pool.address())->settled, {});
}

// It does not hold the attempt any more. The state of a pool that a test has ended is gone.
void deterministic_node::forget(const attempt_outcome& outcome) {
  for (auto& [address, pool] : pools_) {
    auto handle = caf::actor_cast<caf::strong_actor_ptr>(address);
    if (!handle || caf::actor_cast<caf::abstract_actor*>(handle)->getf(caf::abstract_actor::is_cleaned_up_flag))
      continue;
    auto& held = pool->offer.held;
    held.erase(std::remove_if(held.begin(), held.end(),
                              [&](const auto& x) { return x.id == outcome.id && x.fence == outcome.fence; }),
               held.end());
  }
}

void deterministic_node::finish(attempt_outcome outcome) {
  forget(outcome);
  caf::anon_send(links.scheduler, outcome_batch{{std::move(outcome)}});
  settle();
}

void deterministic_node::report(const pool_actor& pool, attempt_outcome outcome) {
  forget(outcome);
  caf::send_as(caf::actor_cast<caf::actor>(pool), links.scheduler, outcome_batch{{std::move(outcome)}});
  settle();
}

attempt_outcome deterministic_node::outcome_of(const assignment& x, violation kind, std::string message) {
  attempt_outcome outcome;
  outcome.id = x.task.spec->id;
  outcome.fence = x.fence;
  outcome.kind = kind;
  outcome.message = std::move(message);
  outcome.started_at = x.started_at;
  return outcome;
}

void deterministic_node::finish(const assignment& x, violation kind, std::string message) {
  finish(outcome_of(x, kind, std::move(message)));
}

} // namespace overwatch::test
