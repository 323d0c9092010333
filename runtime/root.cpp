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

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <random>

namespace overwatch {

namespace {

constexpr size_t max_failures = 3;
constexpr auto failure_window = std::chrono::minutes{1};
constexpr auto close_timeout = std::chrono::seconds{30};
constexpr auto settle_timeout = std::chrono::seconds{5}; // the log does not move while the disk is full
constexpr uint64_t mebi = 1ULL << 20;

scheduler_options make_scheduler_options(const std::string& node, const settings& config) {
  scheduler_options x;
  x.node = node;
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

void root_state::set_up(pointer self, root_options options, gateway_state::interface gateway,
                        router_state::interface router) {
  self_ = self;
  options_ = std::move(options);
  gateway_ = std::move(gateway);
  router_ = std::move(router);
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
  leader_ = {};
  peers_.clear();
  scheduler_in_sight_ = nullptr;
  auto restarts = links_.restarts;
  links_ = {};
  links_.restarts = restarts;
  links_.journal = watch("journal", self_->spawn<caf::detached>(journal, options_.db,
                                                                journal_options{config.storage.min_free_mb * mebi,
                                                                                milliseconds{1000}, milliseconds{1000}}));
  event_hub_options hub;
  hub.max_events = config.storage.event_history;
  links_.events = watch("event_hub", self_->spawn(event_hub, hub));
  links_.metrics = watch("metrics", self_->spawn(metrics));
  links_.reader = watch("task_reader", self_->spawn<caf::detached>(task_reader, options_.db, task_reader_options{}));
  pages_ = watch("task_reader", self_->spawn<caf::detached>(task_reader, options_.db, task_reader_options{}));
  links_.scheduler = watch("scheduler", self_->spawn(scheduler, make_scheduler_options(options_.node, config), links_.events));
  self_->send(links_.journal, caf::subscribe_atom::value, caf::actor_cast<caf::strong_actor_ptr>(links_.scheduler));
  start_snapshotter();
  for (const auto& [task_type, handler] : options_.handlers.entries())
    links_.pools.push_back(start_pool(task_type, handler, links_.journal));
  links_.sessions = watch("worker_sessions",
                          self_->spawn(worker_sessions, make_sessions_options(),
                                       router_ ? caf::actor_cast<gateway_actor>(router_) : caf::actor_cast<gateway_actor>(gateway_),
                                       links_.journal));
  start_membership();
  self_->send(gateway_, links_);
  if (router_)
    self_->send(router_, caf::join_atom::value, caf::actor_cast<caf::strong_actor_ptr>(gateway_));
}

void root_state::start_membership() {
  auto x = make_membership_options(options_.config, options_.identity, options_.instance, std::random_device{}());
  auto keeper = self_->spawn<caf::detached>(identity_keeper, options_.db); // goes with the one who holds it
  links_.membership = watch("membership", self_->spawn(membership, std::move(x), options_.connector, keeper,
                                                       identity_listener{root_actor{self_}}));
  if (options_.announce)
    options_.announce(links_.membership);
}

void root_state::set_identity(const identity_report& x) {
  options_.identity = x.identity;
  if (x.identity.settled() && !links_.replica && !restarting_ && !stop_.promise)
    start_replica();
  links_.waiting_for = x.waiting_for;
  self_->send(gateway_, links_);
}

void root_state::start_replica() {
  auto as_ptr = [](const auto& handle) { return caf::actor_cast<caf::strong_actor_ptr>(handle); };
  auto shipper = watch("state_shipper", self_->spawn<caf::detached>(state_shipper, options_.db, state_shipper_options{}));
  auto x = make_replica_options(options_);
  x.self = options_.identity.member;
  x.initial_members.clear();
  if (options_.identity.founder)
    x.initial_members.push_back({x.self, member_address(options_.node, options_.address), true});
  replica_links below{options_.db, links_.journal, pages_, links_.events, links_.metrics, shipper, {}, {}};
  below.on_leadership.emplace_back(root_actor{self_});
  if (router_)
    below.on_leadership.emplace_back(router_);
  below.roster_listener = links_.membership;
  links_.replica = watch("replica", self_->spawn(replica, std::move(x), below, links_.scheduler, options_.make_log));
  self_->send(shipper, caf::join_atom::value, control_partition, as_ptr(links_.replica));
  local_components own;
  own.handles = {router_ ? as_ptr(router_) : nullptr, {as_ptr(gateway_)}, as_ptr(links_.events), as_ptr(shipper),
                 {as_ptr(links_.scheduler)}};
  own.replicas.push_back(as_ptr(links_.replica));
  self_->send(links_.membership, std::move(own));
  self_->send(links_.membership, caf::subscribe_atom::value, as_ptr(links_.replica));
  self_->send(links_.membership, caf::subscribe_atom::value, as_ptr(self_));
  if (router_)
    self_->send(links_.membership, caf::subscribe_atom::value, as_ptr(router_));
}

// -- leadership ----------------------------------------------------------------

void root_state::set_leader(const leader_report& x) {
  leader_ = x;
  if (x.here && !links_.generator && !stop_.promise)
    start_singletons();
  else if (!x.here)
    stop_singletons();
  tell_pools();
  if (!x.here && !x.node.empty())
    stop_handing_over();
}

void root_state::set_peer(const peer_report& x) {
  peers_[x.node] = x;
  tell_pools();
}

void root_state::start_singletons() {
  gate_manager_options gates;
  gates.sample = options_.sample;
  links_.gates = watch("gate_manager", self_->spawn(gate_manager, std::move(gates), links_.scheduler, links_.replica));
  links_.generator = watch("generator", self_->spawn(generator, make_generator_options(), links_.scheduler, links_.replica));
  self_->send(gateway_, links_);
}

// Whatever they still propose is refused: the scheduler does not lead any more.
void root_state::stop_singletons() {
  if (!links_.generator)
    return;
  for (const auto& x : {caf::actor_cast<caf::actor>(links_.gates), caf::actor_cast<caf::actor>(links_.generator)}) {
    components_.erase(x.address());
    self_->send_exit(x, caf::exit_reason::kill);
  }
  links_.gates = nullptr;
  links_.generator = nullptr;
  self_->send(gateway_, links_);
}

// Pools work for the scheduler where the partition leads.
void root_state::tell_pools() {
  caf::strong_actor_ptr next;
  if (leader_.here)
    next = caf::actor_cast<caf::strong_actor_ptr>(links_.scheduler);
  else if (auto peer = peers_.find(leader_.node); peer != peers_.end() && peer->second.up)
    if (const auto& schedulers = peer->second.handles.schedulers; schedulers.size() > control_partition)
      next = schedulers[control_partition];
  if (next == scheduler_in_sight_)
    return;
  scheduler_in_sight_ = next;
  if (next) {
    auto scheduler = caf::actor_cast<scheduler_actor>(next);
    node_capacity capacity{options_.node, options_.config.tasks.max_concurrent_tasks, options_.cpus, options_.memory_mb,
                           options_.labels};
    self_->send(scheduler, std::move(capacity));
    self_->send(scheduler, snapshots_);
  }
  for (const auto& one : links_.pools)
    self_->send(one, caf::join_atom::value, control_partition, next);
  self_->send(links_.sessions, caf::join_atom::value, control_partition, next);
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
  hand_over(x);
  return promise;
}

// Another node leads before this one goes, if there is one: nobody has to wait for an election.
void root_state::hand_over(const drain_request& x) {
  auto is_up = [](const auto& peer) { return peer.second.up; };
  if (!leader_.here || std::none_of(peers_.begin(), peers_.end(), is_up)) {
    settle_and_drain(x);
    return;
  }
  stop_.handing_over = x;
  self_->request(links_.replica, settle_timeout, transfer_request{})
    .then([](const group_status&) {}, [this](const caf::error&) { stop_handing_over(); });
  self_->delayed_send(self_, settle_timeout, caf::leave_atom::value);
}

// The leader has changed, or will not.
void root_state::stop_handing_over() {
  if (stop_.handing_over)
    settle_and_drain(*std::exchange(stop_.handing_over, {}));
}

void root_state::settle_and_drain(const drain_request& x) {
  self_->send(links_.scheduler, caf::leave_atom::value);
  // What was started already reaches its pool first, so that the pools know all that they have to send back.
  self_->request(links_.scheduler, settle_timeout, settle_request{})
    .then([this, x](const scheduler_status&) { drain_pools(x); }, [this, x](const caf::error&) { drain_pools(x); });
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
    [=](caf::close_atom) { self->state.stop_components(); },
  };
}

} // namespace overwatch
