#include "runtime/root.hpp"

#include "actors/event_hub.hpp"
#include "actors/gate_manager.hpp"
#include "actors/generator.hpp"
#include "actors/journal.hpp"
#include "actors/metrics.hpp"
#include "actors/pool.hpp"
#include "actors/replica.hpp"
#include "actors/scheduler.hpp"
#include "actors/task_reader.hpp"
#include "actors/worker_sessions.hpp"
#include "config/log.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <random>

namespace overwatch {

namespace {

constexpr size_t max_failures = 3;
constexpr auto failure_window = std::chrono::minutes{1};
constexpr auto close_timeout = std::chrono::seconds{30};
constexpr auto settle_timeout = std::chrono::seconds{5}; // the log does not move while the disk is full
constexpr uint64_t mebi = 1ULL << 20;

scheduler_options make_scheduler_options(const settings& config) {
  scheduler_options x;
  x.ready = {config.tasks.ready_window, config.tasks.ageing_step};
  x.max_lost = config.tasks.max_lost;
  x.retention = config.tasks.retention;
  x.reserve_after = config.resources.reserve_after;
  x.seed = std::random_device{}();
  return x;
}

replica_options make_replica_options(const root_options& options) {
  replica_options x;
  x.node = options.node;
  x.checkpoint_bytes = options.config.storage.checkpoint_mb * mebi;
  return x;
}

} // namespace

void root_state::set_up(pointer self, root_options options, gateway_state::interface gateway) {
  self_ = self;
  options_ = std::move(options);
  gateway_ = std::move(gateway);
}

template <class Handle>
Handle root_state::watch(const char* what, Handle handle) {
  self_->monitor(handle);
  components_[handle.address()] = {what, caf::actor_cast<caf::actor>(handle)};
  return handle;
}

pool_actor root_state::start_pool(const std::string& task_type, const handler_registry::entry& handler,
                                  journal_actor journal) {
  pool_options x;
  x.task_type = task_type;
  x.node = options_.node;
  x.handler = handler;
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
  snapshotter_offer offer;
  for (const auto& [task_type, handler] : options_.handlers.entries())
    if (const auto& hooks = handler.options.hooks; hooks.snapshot) {
      x.hooks[task_type] = hooks;
      offer.hooked_types.insert(task_type);
    }
  links_.snapshotter = watch("snapshotter", self_->spawn(snapshotter, options_.files, std::move(x)));
  offer.node = options_.node;
  offer.handle = caf::actor_cast<caf::strong_actor_ptr>(links_.snapshotter);
  self_->send(links_.scheduler, std::move(offer));
}

worker_sessions_options root_state::make_sessions_options() const {
  worker_sessions_options x;
  x.node = options_.node;
  x.lease = options_.config.workers.lease;
  x.max_sessions = options_.config.workers.max;
  x.task_types = options_.task_types;
  x.pool.snapshotter = links_.snapshotter;
  x.seed = static_cast<uint64_t>(std::random_device{}()) << 32 | std::random_device{}();
  return x;
}

generator_options root_state::make_generator_options() const {
  generator_options x;
  x.interval = options_.config.tasks.generation_interval;
  x.node = options_.node;
  x.seed = std::random_device{}();
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
  auto journal_handle = watch("journal", self_->spawn<caf::detached>(journal, options_.db,
                                                                      journal_options{config.storage.min_free_mb * mebi,
                                                                                      milliseconds{1000}, milliseconds{1000}}));
  event_hub_options hub;
  hub.max_events = config.storage.event_history;
  links_.journal = journal_handle;
  links_.events = watch("event_hub", self_->spawn(event_hub, hub));
  links_.metrics = watch("metrics", self_->spawn(metrics));
  links_.reader = watch("task_reader", self_->spawn<caf::detached>(task_reader, options_.db, task_reader_options{}));
  auto pages = watch("task_reader", self_->spawn<caf::detached>(task_reader, options_.db, task_reader_options{}));
  links_.scheduler = watch("scheduler", self_->spawn(scheduler, make_scheduler_options(config), links_.events));
  self_->send(links_.scheduler, node_capacity{options_.node, config.tasks.max_concurrent_tasks, options_.cpus,
                                              options_.memory_mb});
  start_snapshotter();
  self_->send(journal_handle, caf::subscribe_atom::value, caf::actor_cast<caf::strong_actor_ptr>(links_.scheduler));
  replica_links below{options_.db, journal_handle, pages, links_.events, links_.metrics};
  links_.replica = watch("replica", self_->spawn(replica, make_replica_options(options_), below, links_.scheduler,
                                                 options_.make_log));
  links_.pools.clear();
  for (const auto& [task_type, handler] : options_.handlers.entries()) {
    links_.pools.push_back(start_pool(task_type, handler, journal_handle));
    self_->send(links_.pools.back(), caf::join_atom::value, links_.scheduler);
  }
  links_.sessions = watch("worker_sessions", self_->spawn(worker_sessions, make_sessions_options(), caf::actor_cast<gateway_actor>(gateway_),
                                                          journal_handle));
  self_->send(links_.sessions, caf::join_atom::value, links_.scheduler);
  gate_manager_options gates;
  gates.sample = options_.sample;
  links_.gates = watch("gate_manager", self_->spawn(gate_manager, std::move(gates), links_.scheduler, links_.replica));
  links_.generator = watch("generator", self_->spawn(generator, make_generator_options(), links_.scheduler, links_.replica));
  self_->send(gateway_, links_);
}

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
    options_.give_up("component " + what + " failed " + std::to_string(failures_.size()) + " times within a minute: " + reason);
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

// -- stopping ------------------------------------------------------------------

caf::result<stop_reply> root_state::stop(const drain_request& x) {
  if (stop_.promise)
    return make_error(ec::conflict, "the node stops already");
  auto promise = self_->make_response_promise<stop_reply>();
  stop_.promise = promise;
  self_->send(gateway_, caf::leave_atom::value);
  self_->send(links_.scheduler, caf::leave_atom::value);
  // What was started already reaches its pool first, so that the pools know all that they have to send back.
  self_->request(links_.scheduler, settle_timeout, settle_request{})
    .then([this, x](const scheduler_status&) { drain_pools(x); }, [this, x](const caf::error&) { drain_pools(x); });
  return promise;
}

void root_state::drain_pools(const drain_request& x) {
  stop_.pools = links_.pools.size() + 1; // and those of attached workers
  auto limit = x.limit + pool_options{}.stop_grace + close_timeout;
  auto ended = [this](const drain_reply& reply) {
    stop_.reply.finished += reply.finished;
    stop_.reply.requeued += reply.requeued;
    drained();
  };
  auto failed = [this](const caf::error&) { drained(); };
  self_->request(links_.sessions, limit, x).then(ended, failed);
  for (const auto& handle : links_.pools)
    self_->request(handle, limit, x).then(ended, failed);
}

void root_state::drained() {
  if (--stop_.pools == 0)
    flush_and_close();
}

// The outcomes of the pools are in the log before the state is written for the last time.
void root_state::flush_and_close() {
  auto close = [this](auto&&...) { self_->send(self_, caf::close_atom::value); };
  auto flush = [this, close](auto&&...) {
    self_->request(links_.replica, close_timeout, flush_request{})
      .then([close](uint64_t) { close(); }, [close](const caf::error&) { close(); });
  };
  self_->request(links_.scheduler, close_timeout, settle_request{})
    .then([flush](const scheduler_status&) { flush(); }, [flush](const caf::error&) { flush(); });
}

root_actor::behavior_type root(root_state::pointer self, root_options options, gateway_state::interface gateway) {
  auto& state = self->state;
  state.set_up(self, std::move(options), std::move(gateway));
  self->set_down_handler([=](const caf::down_msg& x) { self->state.component_down(x); });
  state.start_all();
  return {
    [=](const drain_request& x) { return self->state.stop(x); },
    [=](caf::close_atom) { self->state.stop_components(); },
  };
}

} // namespace overwatch
