#pragma once

#include "actors/pool.hpp"
#include "tests/actors/control_node.hpp"

#include <set>

namespace overwatch::test {

/// Real pools of several nodes, whose workers do what the test says. They outlive the scheduler: `fail_over` replaces that, with
/// its replica and the store below, as the death of the leader's node does.
class execution_node : public control_node {
public:
  using attempt = std::shared_ptr<const attempt_context>;

  struct held_work {
    attempt context;
    uint64_t worker = 0;
    pool_actor owner;
  };

  /// What the workers of one pool have and have heard.
  struct board {
    std::string node;
    std::map<std::string, std::string> labels;
    pool_actor handle;
    std::vector<held_work> running;
    std::vector<stop_attempt> stops;
    std::vector<settled_outcome> settled;
  };

  execution_node() { scheduling.node = "here"; }

  ~execution_node() override {
    for (const auto& x : boards)
      caf::anon_send_exit(x->handle, caf::exit_reason::kill);
    for (const auto& x : workers)
      caf::anon_send_exit(x, caf::exit_reason::kill);
    workers.clear();
    settle();
  }

  /// A pool of type noop on this node.
  board& add_pool(const std::string& node, uint32_t slots) {
    auto x = std::make_shared<board>();
    x->node = node;
    auto options = common;
    options.task_type = "noop";
    options.node = node;
    options.slots = slots;
    options.clock = [this] { return time(); };
    options.make_worker = [this, x](caf::actor_system& system, uint64_t number, pool_actor owner) {
      auto worker = system.spawn([=](worker_actor::pointer) -> worker_actor::behavior_type {
        return {
          [=](const work& given) {
            for (const auto& context : given.attempts) {
              x->running.push_back({context, number, owner});
              ++begun[{context->task().id, context->attempt()}];
            }
          },
          [=](const stop_attempt& stop) { x->stops.push_back(stop); },
          [=](const settled_batch& batch) {
            x->settled.insert(x->settled.end(), batch.outcomes.begin(), batch.outcomes.end());
          },
        };
      });
      workers.push_back(caf::actor_cast<caf::actor>(worker));
      return worker;
    };
    x->handle = system_.spawn(pool, std::move(options), links.journal);
    boards.push_back(x);
    return *x;
  }

  /// Tells a pool who leads (null: nobody is in sight), and that scheduler what the node of the pool has.
  void join(board& x, const caf::strong_actor_ptr& scheduler) {
    if (scheduler)
      caf::anon_send(caf::actor_cast<scheduler_actor>(scheduler), node_capacity{x.node, 1'000, 4, 8'192, x.labels});
    caf::anon_send(x.handle, leader_in_sight{0, scheduler});
    settle();
  }
  void join_all() {
    for (const auto& x : boards)
      join(*x, caf::actor_cast<caf::strong_actor_ptr>(links.scheduler));
  }

  /// The worker says how its attempt ended.
  void end(board& x, size_t which, outcome how) {
    auto what = x.running.at(which);
    x.running.erase(x.running.begin() + static_cast<std::ptrdiff_t>(which));
    attempts_done done;
    done.worker = what.worker;
    done.items.push_back({what.context->task().id, std::move(how), time(), {}, what.context->fence()});
    caf::anon_send(what.owner, std::move(done));
  }

  /// Moves time as a clock does, so that what is sent now and then comes in between.
  void pass(caf::timespan duration) {
    constexpr caf::timespan step = std::chrono::milliseconds{100};
    for (; duration > step; duration -= step)
      advance(step);
    advance(duration);
  }

  /// The node of the leader dies; what was not synced is gone. Time goes on for the pools.
  void lose_leader() {
    auto left = db->lose_unsynced(memory_store::survival::none, 0);
    for (const auto& x : spawned_)
      caf::anon_send_exit(x, caf::exit_reason::kill);
    spawned_.clear();
    links = {};
    gateway_handle = nullptr;
    settle();
    db = std::move(left);
  }

  void fail_over() {
    lose_leader();
    start();
  }

  pool_options common; ///< of all pools: what the test wants beside the defaults
  std::vector<std::shared_ptr<board>> boards;
  std::vector<caf::actor> workers;
  std::map<std::pair<task_id, uint32_t>, int> begun; ///< by task and attempt
};

} // namespace overwatch::test
