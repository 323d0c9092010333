#include "runtime/root.hpp"

#include "actors/event_hub.hpp"
#include "actors/gate_manager.hpp"
#include "actors/generator.hpp"
#include "actors/group_plan.hpp"
#include "actors/journal.hpp"
#include "actors/membership.hpp"
#include "actors/metrics.hpp"
#include "actors/pool.hpp"
#include "actors/replica.hpp"
#include "actors/scheduler.hpp"
#include "actors/state_shipper.hpp"
#include "actors/task_reader.hpp"
#include "actors/worker_sessions.hpp"
#include "config/log.hpp"
#include "runtime/cluster/membership_settings.hpp"
#include "runtime/random_seed.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>

namespace overwatch {

namespace {

constexpr size_t max_failures = 3;
constexpr auto failure_window = std::chrono::minutes{1};
constexpr uint64_t mebi = 1ULL << 20;

} // namespace

void root_state::set_up(pointer self, root_options options, gateway_state::interface gateway,
                        router_state::interface router) {
  self_ = self;
  options_ = std::move(options);
  gateway_ = std::move(gateway);
  router_ = std::move(router);
}

pool_actor root_state::start_pool(const std::string& task_type, const handler_registry::entry& handler,
                                  journal_actor journal) {
  pool_options x;
  x.task_type = task_type;
  x.node = options_.node;
  x.handler = handler;
  x.places = places_;
  x.snapshotter = links_.snapshotter;
  x.services = options_.services;
  const auto& tasks = options_.config.tasks;
  auto configured = tasks.slots.find(task_type);
  x.slots = configured != tasks.slots.end() ? configured->second
            : handler.options.slots > 0     ? handler.options.slots
                                            : tasks.max_concurrent_tasks;
  return watch("pool", self_->spawn(pool, std::move(x), std::move(journal)));
}

void root_state::start_snapshotter() {
  snapshotter_options x;
  snapshots_ = {};
  for (const auto& [task_type, handler] : options_.handlers.entries())
    if (const auto& hooks = handler.options.hooks; hooks.snapshot) {
      x.hooks[task_type] = hooks;
      snapshots_.hooked_types.insert(task_type);
    }
  links_.snapshotter = watch("snapshotter", self_->spawn(snapshotter, options_.files, std::move(x)));
  snapshots_.node = options_.node;
  snapshots_.handle = caf::actor_cast<caf::strong_actor_ptr>(links_.snapshotter);
}

worker_sessions_options root_state::make_sessions_options() const {
  worker_sessions_options x;
  x.node = options_.node;
  x.lease = options_.config.workers.lease;
  x.max_sessions = options_.config.workers.max;
  x.task_types = options_.task_types;
  x.pool.places = places_;
  x.pool.snapshotter = links_.snapshotter;
  x.seed = random_seed();
  return x;
}

generator_options root_state::make_generator_options() const {
  generator_options x;
  x.interval = options_.config.tasks.generation_interval;
  x.node = options_.node;
  x.seed = random_seed();
  x.task_types = options_.task_types;
  x.snapshot_roots = options_.config.snapshots.roots;
  x.default_rules = options_.default_rules;
  x.native_rules = options_.native_rules;
  x.parse_task = options_.parse_task;
  x.judge = options_.judge;
  x.sample = options_.sample;
  return x;
}

// In the order of the picture in architecture: what is below comes first.
void root_state::start_all() {
  const auto& config = options_.config;
  partitions_.clear();
  peers_.clear();
  shipper_ = nullptr;
  keeper_ = nullptr;
  places_ = std::make_shared<running_limit>(config.tasks.max_concurrent_tasks);
  auto restarts = links_.restarts;
  links_ = {};
  links_.restarts = restarts;
  links_.journal =
    watch("journal", self_->spawn<caf::detached>(
                       journal, options_.db,
                       journal_options{config.storage.min_free_mb * mebi, milliseconds{1000}, milliseconds{1000}}));
  event_hub_options hub;
  hub.node = options_.node;
  hub.max_events = config.storage.event_history;
  links_.events = watch("event_hub", self_->spawn(event_hub, hub));
  links_.metrics = watch("metrics", self_->spawn(metrics));
  partitions_.emplace_back().gateway = gateway_;
  start_scheduler(control_partition);
  links_.scheduler = partitions_.front().scheduler;
  links_.reader = partitions_.front().reader;
  start_snapshotter();
  for (const auto& [task_type, handler] : options_.handlers.entries())
    links_.pools.push_back(start_pool(task_type, handler, links_.journal));
  links_.sessions = watch("worker_sessions", self_->spawn(worker_sessions, make_sessions_options(),
                                                          router_ ? caf::actor_cast<gateway_actor>(router_)
                                                                  : caf::actor_cast<gateway_actor>(gateway_),
                                                          links_.journal));
  start_membership();
  tell_gateways();
}

void root_state::start_membership() {
  auto x = make_membership_options(options_.config, options_.identity, options_.instance, random_seed());
  auto keeper = self_->spawn<caf::detached>(identity_keeper, options_.db); // goes with the one who holds it
  links_.membership = watch("membership", self_->spawn(membership, std::move(x), options_.connector, keeper,
                                                       identity_listener{root_actor{self_}}));
  if (options_.announce)
    options_.announce(links_.membership);
}

void root_state::set_identity(const identity_report& x) {
  options_.identity = x.identity;
  if (x.identity.settled() && !links_.replica && !restarting_ && !stop_.promise)
    start_partitions();
  links_.waiting_for = x.waiting_for;
  tell_gateways();
}

// -- failures ------------------------------------------------------------------

void root_state::component_down(const caf::down_msg& x) {
  auto i = components_.find(x.source);
  if (i == components_.end())
    return;
  auto what = i->second.first;
  components_.erase(i);
  if (restarting_ || stop_.promise) {
    if (components_.empty())
      all_down();
    return;
  }
  auto time = std::chrono::steady_clock::now();
  failures_.push_back(time);
  while (failures_.front() < time - failure_window)
    failures_.pop_front();
  auto reason = self_->system().render(x.reason);
  log_line(severity::error, "root", "a component failed; all are started again from durable state",
           {{"failed", what}, {"reason", reason}, {"times", failures_.size()}});
  if (failures_.size() >= max_failures)
    options_.give_up("component " + what + " failed " + std::to_string(failures_.size()) +
                     " times within a minute: " + reason);
  restarting_ = true;
  ++links_.restarts;
  stop_components();
}

void root_state::stop_components() {
  if (components_.empty())
    all_down();
  for (const auto& [address, component] : components_)
    self_->send_exit(component.second, caf::exit_reason::kill);
}

void root_state::all_down() {
  if (stop_.promise) {
    stop_.promise->deliver(stop_.reply);
    self_->quit();
    return;
  }
  restarting_ = false;
  start_all();
}

root_actor::behavior_type root(root_state::pointer self, root_options options, gateway_state::interface gateway,
                               router_state::interface router) {
  auto& state = self->state;
  state.set_up(self, std::move(options), std::move(gateway), std::move(router));
  self->set_down_handler([=](const caf::down_msg& x) { self->state.component_down(x); });
  state.start_all();
  return {
    [=](const drain_request& x) { return self->state.stop(x); },
    [=](const identity_report& x) { self->state.set_identity(x); },
    [=](const leader_report& x) { self->state.set_leader(x); },
    [=](const peer_report& x) { self->state.set_peer(x); },
    [=](caf::leave_atom) { self->state.stop_handing_over(); },
    [=](caf::tick_atom) { self->state.balance(); },
    [=](caf::close_atom) { self->state.stop_components(); },
  };
}

} // namespace overwatch
