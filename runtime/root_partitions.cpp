#include "runtime/root.hpp"

#include "actors/event_hub.hpp"
#include "actors/gate_manager.hpp"
#include "actors/group_plan.hpp"
#include "actors/leader_balance.hpp"
#include "actors/mirror.hpp"
#include "actors/replica.hpp"
#include "actors/scheduler.hpp"
#include "actors/state_shipper.hpp"
#include "actors/task_reader.hpp"
#include "runtime/random_seed.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>
#include <utility>

/// The part of the root that deals with partitions: what runs for each, who leads them, and what follows from that.
namespace overwatch {

namespace {

constexpr auto balance_interval = std::chrono::seconds{5};
constexpr auto steady_before_balance = std::chrono::seconds{10}; // without a change of leaders
constexpr size_t max_moves = 16; // at one look
constexpr auto transfer_timeout = std::chrono::seconds{5};

scheduler_options make_scheduler_options(const std::string& node, const settings& config) {
  scheduler_options x;
  x.node = node;
  x.ready = {config.tasks.ready_window, config.tasks.ageing_step};
  x.max_lost = config.tasks.max_lost;
  x.retention = config.tasks.retention;
  x.reserve_after = config.resources.reserve_after;
  x.adopt_timeout = config.cluster.adopt_timeout;
  x.lease = config.cluster.lease;
  x.restore_limit = config.snapshots.restore_limit;
  x.seed = random_seed();
  return x;
}

template <class Handle>
caf::strong_actor_ptr as_ptr(const Handle& x) {
  return caf::actor_cast<caf::strong_actor_ptr>(x);
}

} // namespace

// -- starting ------------------------------------------------------------------

void root_state::start_scheduler(partition_id number) {
  auto& x = partitions_[number];
  task_reader_options reading;
  reading.partition = number;
  x.reader = watch("task_reader", self_->spawn<caf::detached>(task_reader, options_.db, reading));
  x.pages = watch("task_reader", self_->spawn<caf::detached>(task_reader, options_.db, reading));
  auto scheduling = make_scheduler_options(options_.node, options_.config);
  scheduling.partition = number;
  if (router_ && options_.identity.partitions != 1)
    scheduling.router = caf::actor_cast<partition_gateway_actor>(router_);
  x.scheduler = watch("scheduler", self_->spawn(scheduler, std::move(scheduling), links_.events));
  self_->send(links_.journal, caf::subscribe_atom::value, as_ptr(x.scheduler));
}

void root_state::start_partitions() {
  shipper_ = watch("state_shipper", self_->spawn<caf::detached>(state_shipper, options_.db, state_shipper_options{}));
  partitions_.resize(std::max<size_t>(options_.identity.partitions, 1));
  for (partition_id number = 0; number < partitions_.size(); ++number) {
    if (number != control_partition) {
      auto x = options_.gateway;
      x.partition = number;
      x.seed = random_seed();
      partitions_[number].gateway = watch("gateway", self_->spawn(gateway, std::move(x)));
      start_scheduler(number);
    }
    start_replica(number);
  }
  links_.replica = partitions_.front().replica;
  for (const auto& one : partitions_)
    links_.replicas.push_back(one.replica);
  join_cluster();
  if (partitions_.size() > 1)
    start_slot_keeper();
  leaders_changed_ = std::chrono::steady_clock::now();
  if (!std::exchange(balancing_, true))
    self_->delayed_send(self_, balance_interval, caf::tick_atom::value);
}

// The pools hear of it before the first scheduler, so that none gets all slots.
void root_state::start_slot_keeper() {
  slot_keeper_options x;
  x.node = options_.node;
  x.places = places_;
  keeper_ = watch("slot_keeper", self_->spawn(slot_keeper, std::move(x)));
  for (const auto& one : links_.pools)
    self_->send(one, caf::subscribe_atom::value, as_ptr(keeper_));
  self_->send(links_.sessions, caf::subscribe_atom::value, as_ptr(keeper_));
}

void root_state::start_replica(partition_id number) {
  replica_options x;
  x.partition = number;
  x.partitions = static_cast<uint32_t>(partitions_.size());
  x.node = options_.node;
  x.checkpoint_bytes = static_cast<uint64_t>(options_.config.storage.checkpoint_mb) << 20;
  x.self = options_.identity.member;
  x.initial_members.clear();
  if (options_.identity.founder)
    x.initial_members.push_back({x.self, member_address(options_.node, options_.address), true});
  auto& own = partitions_[number];
  replica_links below{options_.db, links_.journal, own.pages, links_.events, links_.metrics, shipper_, {}, {}};
  below.on_leadership.emplace_back(root_actor{self_});
  if (router_)
    below.on_leadership.emplace_back(router_);
  below.roster_listener = links_.membership;
  own.replica = watch("replica", self_->spawn(replica, std::move(x), below, own.scheduler, options_.make_log));
  self_->send(shipper_, caf::join_atom::value, number, as_ptr(own.replica));
}

// The other nodes may talk to what runs here, and what runs here hears of them.
void root_state::join_cluster() {
  local_components own;
  own.handles.router = router_ ? as_ptr(router_) : nullptr;
  own.handles.event_hub = as_ptr(links_.events);
  own.handles.shipper = as_ptr(shipper_);
  for (const auto& one : partitions_) {
    own.handles.gateways.push_back(as_ptr(one.gateway));
    own.handles.schedulers.push_back(as_ptr(one.scheduler));
    own.replicas.push_back(as_ptr(one.replica));
  }
  self_->send(links_.membership, std::move(own));
  for (const auto& one : partitions_)
    self_->send(links_.membership, caf::subscribe_atom::value, as_ptr(one.replica));
  self_->send(links_.membership, caf::subscribe_atom::value, caf::actor_cast<caf::strong_actor_ptr>(self_));
  self_->send(links_.membership, caf::subscribe_atom::value, as_ptr(links_.events));
  if (router_)
    self_->send(links_.membership, caf::subscribe_atom::value, as_ptr(router_));
}

void root_state::tell_gateways() {
  links_.front = router_ ? caf::actor_cast<gateway_actor>(router_) : gateway_actor{};
  for (partition_id number = 0; number < partitions_.size(); ++number) {
    const auto& one = partitions_[number];
    auto links = links_;
    links.scheduler = one.scheduler;
    links.replica = one.replica;
    links.reader = one.reader;
    self_->send(one.gateway, std::move(links));
    if (router_)
      self_->send(router_, caf::join_atom::value, number, as_ptr(one.gateway));
  }
}

// -- leadership ----------------------------------------------------------------

void root_state::set_leader(const leader_report& x) {
  if (x.partition >= partitions_.size())
    return; // of components that were stopped
  partitions_[x.partition].leader = x;
  leaders_changed_ = std::chrono::steady_clock::now();
  if (x.partition == control_partition) {
    if (x.here && !links_.generator && !stop_.promise)
      start_singletons();
    else if (!x.here)
      stop_singletons();
  }
  tell_pools_of(x.partition);
  if (!leads_any())
    stop_handing_over();
}

bool root_state::leads_any() const {
  return std::any_of(partitions_.begin(), partitions_.end(), [](const auto& x) { return x.leader.here; });
}

void root_state::set_peer(const peer_report& x) {
  peers_[x.node] = x;
  tell_pools();
}

void root_state::start_singletons() {
  gate_manager_options gates;
  gates.sample = options_.sample;
  if (router_ && partitions_.size() > 1) {
    mirror_options mirroring;
    mirroring.partitions = static_cast<uint32_t>(partitions_.size());
    links_.mirror = watch("mirror", self_->spawn(mirror, mirroring, links_.replica,
                                                 caf::actor_cast<partition_gateway_actor>(router_)));
    gates.mirror = links_.mirror;
  }
  links_.gates = watch("gate_manager", self_->spawn(gate_manager, std::move(gates), links_.scheduler, links_.replicas));
  links_.generator = watch("generator", self_->spawn(generator, make_generator_options(), links_.scheduler, links_.replicas));
  tell_gateways();
}

// Whatever they still propose is refused: the scheduler does not lead any more.
void root_state::stop_singletons() {
  if (!links_.generator)
    return;
  for (const auto& x : {caf::actor_cast<caf::actor>(links_.gates), caf::actor_cast<caf::actor>(links_.generator),
                        caf::actor_cast<caf::actor>(links_.mirror)}) {
    if (!x)
      continue;
    components_.erase(x.address());
    self_->send_exit(x, caf::exit_reason::kill);
  }
  links_.gates = nullptr;
  links_.generator = nullptr;
  links_.mirror = nullptr;
  tell_gateways();
}

// What does not come off is tried again at the next look.
void root_state::balance() {
  if (stop_.promise)
    return;
  self_->delayed_send(self_, balance_interval, caf::tick_atom::value);
  if (std::chrono::steady_clock::now() - leaders_changed_ < steady_before_balance)
    return;
  const auto& draining = partitions_.front().leader.draining;
  std::set<std::string> up;
  if (draining.count(options_.node) == 0)
    up.insert(options_.node);
  for (const auto& [node, peer] : peers_)
    if (peer.up && draining.count(node) == 0)
      up.insert(node);
  std::map<partition_id, std::string> leaders;
  for (partition_id number = 0; number < partitions_.size(); ++number) {
    const auto& leader = partitions_[number].leader;
    if (leader.node.empty() || (leader.node == options_.node && !leader.here))
      return; // somebody is about to lead
    leaders[number] = leader.node;
  }
  for (size_t moves = 0; moves < max_moves; ++moves) {
    auto move = next_leader_move(leaders, up, options_.node);
    if (!move)
      return;
    self_->request(partitions_[move->partition].replica, transfer_timeout, transfer_request{move->partition, move->to})
      .then([](const group_status&) {}, [](const caf::error&) {});
    leaders[move->partition] = move->to;
  }
}

// -- pools ---------------------------------------------------------------------

caf::strong_actor_ptr root_state::scheduler_in_sight(partition_id number) const {
  const auto& own = partitions_[number];
  if (own.leader.here)
    return as_ptr(own.scheduler);
  auto peer = peers_.find(own.leader.node);
  if (peer == peers_.end() || !peer->second.up || peer->second.handles.schedulers.size() <= number)
    return nullptr;
  return peer->second.handles.schedulers[number];
}

void root_state::tell_pools() {
  for (partition_id number = 0; number < partitions_.size(); ++number)
    tell_pools_of(number);
}

// Pools work for the scheduler where the partition leads.
void root_state::tell_pools_of(partition_id number) {
  auto next = scheduler_in_sight(number);
  if (next == partitions_[number].scheduler_in_sight)
    return;
  partitions_[number].scheduler_in_sight = next;
  if (next) {
    auto scheduler = caf::actor_cast<scheduler_actor>(next);
    self_->send(scheduler, node_capacity{options_.node, options_.config.tasks.max_concurrent_tasks, options_.cpus,
                                         options_.memory_mb, options_.labels});
    self_->send(scheduler, snapshots_);
  }
  if (keeper_)
    self_->send(keeper_, caf::join_atom::value, number, next);
  leader_in_sight leader{number, next};
  if (auto peer = peers_.find(partitions_[number].leader.node); next && peer != peers_.end())
    leader.grants_leases = peer->second.protocol >= lease_protocol;
  for (const auto& one : links_.pools)
    self_->send(one, leader);
  self_->send(links_.sessions, leader);
}

} // namespace overwatch
