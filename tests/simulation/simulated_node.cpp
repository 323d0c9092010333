#include "tests/simulation/simulated_node.hpp"

#include "actors/event_hub.hpp"
#include "actors/gate_manager.hpp"
#include "actors/gateway.hpp"
#include "actors/generator.hpp"
#include "actors/group_plan.hpp"
#include "actors/journal.hpp"
#include "actors/metrics.hpp"
#include "actors/mirror.hpp"
#include "actors/pool.hpp"
#include "actors/router.hpp"
#include "actors/scheduler.hpp"
#include "actors/slot_keeper.hpp"
#include "actors/state_shipper.hpp"
#include "actors/task_reader.hpp"
#include "tests/simulation/played_connector.hpp"
#include "tests/simulation/played_worker.hpp"
#include "tests/simulation/slot_mistakes.hpp"
#include "tests/simulation/small_log.hpp"

#include <caf/send.hpp>

namespace overwatch::simulation {

namespace {

const timestamp beginning{std::chrono::hours{24 * 365 * 56}};
constexpr milliseconds request_timeout{8'000};
const std::set<std::string> task_types{"drill", "work"};

caf::strong_actor_ptr pointer(const caf::actor& x) { return caf::actor_cast<caf::strong_actor_ptr>(x); }

template <class Handle>
caf::strong_actor_ptr pointer(const Handle& x) {
  return caf::actor_cast<caf::strong_actor_ptr>(x);
}

} // namespace

/// What `root_state` holds.
struct simulated_node::parts {
  struct partition {
    scheduler_actor scheduler;
    replica_actor replica;
    task_reader_actor reader;
    task_reader_actor pages;
    gateway_state::interface gateway;
    leader_report leader;
    caf::strong_actor_ptr in_sight; ///< the scheduler that leads
  };
  node_identity identity;
  gateway_links links;
  std::vector<partition> partitions;
  state_shipper_actor shipper;
  std::shared_ptr<running_limit> places = std::make_shared<running_limit>(slots_of_node);
  slot_keeper_actor keeper; ///< none with one partition
  router_state::interface router;
  caf::actor supervisor;
  std::map<std::string, peer_report> peers;
};

simulated_node::simulated_node(node_world& all, std::string name, std::vector<std::string> nodes)
  : world_{all}, name_{std::move(name)}, nodes_{std::move(nodes)}, disk_{all.random, all.fault} {
  disk_.die = [this] {
    doomed_ = true;
    host_->crash_after = 1;
  };
}

simulated_node::~simulated_node() {
  if (is_up())
    crash();
}

timestamp simulated_node::wall_clock() const { return beginning + clock() + wall_offset_; }

void simulated_node::set_clock_rate(int percent) { clock_.set_rate(percent, world_.time.now()); }

// -- lives -----------------------------------------------------------------------

void simulated_node::start() {
  disk_.start_anew();
  doomed_ = false;
  auto random = [this] { return uint64_t{seed()} << 32 | seed(); };
  auto faults = std::exchange(disk_.faults, {});
  auto identity = open_identity(disk_, nodes_.empty(), world_.partitions, random);
  disk_.faults = faults;
  if (!identity)
    return; // the disk is full
  host_ = std::make_unique<host>(world_.net, world_.random, ++world_.newest_host, name_, clock());
  host_->any_order = world_.any_order;
  if (world_.fault == mutation::accept_stale)
    host_->tamper = [this](caf::message& x) { forge_tokens(x); };
  if (world_.fault == mutation::unheard_share)
    host_->tamper = forge_answers;
  spawn_components(*identity);
}

void simulated_node::crash() {
  disk_.lose_power();
  world_.checker.died(host_->id());
  world_.steps += host_->steps();
  host_->kill();
  client_ = nullptr;
  front_ = nullptr;
  replicas_.clear();
  parts_.reset();
  host_.reset();
}

void simulated_node::run() {
  if (is_up() && host_->has_work(clock()) && !host_->run(clock()))
    crash();
}

// As a scheduler would that looks at no token: whatever comes counts for the newest attempt.
void simulated_node::forge_tokens(caf::message& x) {
  if (!x.match_elements<outcome_batch>())
    return;
  for (auto& outcome : x.get_mutable_as<outcome_batch>(0).outcomes)
    if (auto newest = world_.checker.newest_fence(outcome.id))
      outcome.fence = *newest;
}

// As a scheduler would that never says by which share it goes.
void simulated_node::forge_answers(caf::message& x) {
  if (x.match_elements<slot_demand>())
    x.get_mutable_as<slot_demand>(0).heard = 0;
}

void simulated_node::wipe() { disk_.wipe(); }

void simulated_node::stall_disk(milliseconds duration) {
  if (is_up())
    host_->stall(caf::actor_cast<caf::actor>(parts_->links.journal), clock() + duration);
}

void simulated_node::call(std::function<void(caf::event_based_actor*)> what) {
  if (is_up())
    caf::anon_send(client_, client_call{std::move(what)});
}

const replica_state* simulated_node::replica_of(partition_id partition) const {
  if (!is_up() || partition >= replicas_.size())
    return nullptr;
  auto* actor = caf::actor_cast<caf::abstract_actor*>(replicas_[partition]);
  const auto& state = dynamic_cast<replica_actor::stateful_pointer<replica_state>>(actor)->state;
  return state.log ? &state : nullptr;
}

bool simulated_node::leads(partition_id partition) const {
  const auto* x = replica_of(partition);
  return x && x->log->log().leads() && x->group.opened;
}

// -- what runs on it ---------------------------------------------------------------

// In the order of `root_state::start_all`.
void simulated_node::spawn_components(const node_identity& identity) {
  auto& system = host_->system();
  auto keep = [this](auto handle) {
    host_->keep(pointer(handle));
    return handle;
  };
  parts_ = std::make_unique<parts>();
  auto& x = *parts_;
  x.identity = identity;
  x.supervisor = keep(system.spawn([this](caf::event_based_actor* self) { return supervisor(self); }));
  host_->prefer(x.supervisor);
  client_ = keep(system.spawn([](caf::event_based_actor* self) -> caf::behavior {
    return {[=](const client_call& call) { call.run(self); }};
  }));
  router_options routing;
  routing.node = name_;
  routing.request_timeout = request_timeout;
  routing.seed = seed();
  routing.clock = [this] { return wall_clock(); };
  x.router = keep(system.spawn(router, routing));
  front_ = caf::actor_cast<gateway_actor>(x.router);
  x.links.front = front_;
  journal_options journaling;
  journaling.checkpoint_detached = false;
  x.links.journal = keep(system.spawn(journal, &disk_, journaling));
  x.links.events = keep(system.spawn(event_hub, event_hub_options{}));
  x.links.metrics = keep(system.spawn(metrics));
  spawn_partition(control_partition);
  x.links.scheduler = x.partitions.front().scheduler;
  x.links.reader = x.partitions.front().reader;
  spawn_pools();
  membership_options joining;
  joining.node = name_;
  joining.address = address_of(name_);
  joining.version = "simulated";
  joining.instance = name_ + "#" + std::to_string(host_->id());
  joining.identity = identity;
  joining.partitions = world_.partitions;
  for (const auto& node : nodes_)
    joining.nodes.push_back({node, address_of(node)});
  joining.seed = seed();
  joining.link.silent_pings = 4; // as a real node has it
  joining.clock = [this] { return wall_clock(); };
  auto connector = keep(play_connector(system, world_.net, world_.random, host_->id()));
  auto keeper = keep(system.spawn(identity_keeper, &disk_));
  x.links.membership = keep(
    system.spawn(membership, std::move(joining), connector, keeper, caf::actor_cast<identity_listener>(x.supervisor)));
  host_->front = pointer(x.links.membership);
  tell_gateways();
}

void simulated_node::spawn_partition(partition_id number) {
  auto& system = host_->system();
  auto& x = parts_->partitions.emplace_back();
  auto keep = [this](auto handle) {
    host_->keep(pointer(handle));
    return handle;
  };
  gateway_options asked;
  asked.partition = number;
  asked.status.node = name_;
  asked.task_types = task_types;
  asked.max_concurrent_tasks = slots_of_node;
  asked.request_timeout = request_timeout * 9 / 10;
  asked.seed = seed();
  asked.clock = [this] { return wall_clock(); };
  x.gateway = keep(system.spawn(gateway, asked));
  task_reader_options reading;
  reading.partition = number;
  x.reader = keep(system.spawn(task_reader, &disk_, reading));
  x.pages = keep(system.spawn(task_reader, &disk_, reading));
  scheduler_options scheduling;
  scheduling.node = name_;
  scheduling.partition = number;
  scheduling.max_lost = 1'000; // tasks are lost more often than anywhere else, and shall run
  scheduling.seed = seed();
  scheduling.clock = asked.clock;
  if (world_.partitions > 1)
    scheduling.router = caf::actor_cast<partition_gateway_actor>(parts_->router);
  x.scheduler = keep(system.spawn(scheduler, scheduling, parts_->links.events));
  caf::anon_send(parts_->links.journal, caf::subscribe_atom::value, pointer(x.scheduler));
}

void simulated_node::tell_gateways() {
  auto& own = *parts_;
  for (partition_id number = 0; number < own.partitions.size(); ++number) {
    const auto& one = own.partitions[number];
    auto links = own.links;
    links.scheduler = one.scheduler;
    links.replica = one.replica;
    links.reader = one.reader;
    caf::anon_send(one.gateway, std::move(links));
    caf::anon_send(own.router, caf::join_atom::value, number, pointer(one.gateway));
  }
}

void simulated_node::spawn_pools() {
  for (const auto& task_type : task_types) {
    pool_options x;
    x.task_type = task_type;
    x.node = name_;
    x.slots = slots_of_pool;
    x.places = parts_->places;
    x.clock = [this] { return wall_clock(); };
    x.make_worker = [this](caf::actor_system& system, uint64_t number, pool_actor owner) {
      return play_worker(system, number, std::move(owner), *host_, world_.checker);
    };
    auto handle = host_->system().spawn(pool, std::move(x), parts_->links.journal);
    host_->keep(pointer(handle));
    parts_->links.pools.push_back(handle);
  }
}

caf::behavior simulated_node::supervisor(caf::event_based_actor* self) {
  self->set_default_handler(caf::drop);
  return {
    [=](const identity_report& x) { take_identity(x); },
    [=](const leader_report& x) { take_leader(x); },
    [=](const peer_report& x) { take_peer(x); },
    [=](const applied_ptr& x) {
      if (!host_->is_alive())
        return;
      world_.checker.applied(name_, *x);
      world_.schedules.applied(*x);
      world_.gates.applied(*x);
    },
  };
}

void simulated_node::take_identity(const identity_report& x) {
  auto& own = *parts_;
  own.identity = x.identity;
  own.links.waiting_for = x.waiting_for;
  if (x.identity.settled() && replicas_.empty())
    start_partitions();
  tell_gateways();
}

void simulated_node::start_partitions() {
  auto& own = *parts_;
  state_shipper_options shipping;
  shipping.first_transfer = seed();
  shipping.chunk_bytes = 600; // so that a state has some
  own.shipper = host_->system().spawn(state_shipper, &disk_, shipping);
  host_->keep(pointer(own.shipper));
  for (partition_id number = 0; number < own.identity.partitions; ++number) {
    if (number != control_partition)
      spawn_partition(number);
    start_replica(number);
  }
  own.links.replica = replicas_.front();
  own.links.replicas = replicas_;
  join_cluster();
  if (own.partitions.size() > 1)
    start_slot_keeper();
}

void simulated_node::start_slot_keeper() {
  auto& own = *parts_;
  slot_keeper_options x;
  x.node = name_;
  x.places = own.places;
  own.keeper = host_->system().spawn(slot_keeper, std::move(x));
  host_->keep(pointer(own.keeper));
  for (const auto& one : own.links.pools)
    caf::anon_send(one, caf::subscribe_atom::value, pointer(own.keeper));
}

void simulated_node::start_replica(partition_id number) {
  auto& own = *parts_;
  auto& place = own.partitions[number];
  replica_options x;
  x.partition = number;
  x.partitions = own.identity.partitions;
  x.node = name_;
  x.self = own.identity.member;
  x.initial_members.clear();
  if (own.identity.founder)
    x.initial_members.push_back({x.self, member_address(name_, address_of(name_)), true});
  x.checkpoint_bytes = 12'000; // so that there are some
  x.flush_tasks = 32;
  x.receive_detached = false;
  x.clock = [this] { return wall_clock(); };
  replica_links below{&disk_, own.links.journal, place.pages, own.links.events, own.links.metrics, own.shipper, {}, {}};
  below.on_leadership.push_back(caf::actor_cast<leader_listener>(own.supervisor));
  below.on_leadership.emplace_back(own.router);
  below.roster_listener = own.links.membership;
  auto make_log = [seed = static_cast<unsigned>(seed()), fault = world_.fault](log_setup setup) {
    return make_small_log(std::move(setup), seed, fault);
  };
  place.replica = host_->system().spawn(replica, std::move(x), below, place.scheduler, make_log);
  host_->keep(pointer(place.replica));
  replicas_.push_back(place.replica);
  caf::anon_send(place.replica, caf::subscribe_atom::value, pointer(own.supervisor));
  caf::anon_send(own.shipper, caf::join_atom::value, number, pointer(place.replica));
}

void simulated_node::join_cluster() {
  auto& own = *parts_;
  local_components known;
  known.handles.router = pointer(own.router);
  known.handles.event_hub = pointer(own.links.events);
  known.handles.shipper = pointer(own.shipper);
  for (const auto& one : own.partitions) {
    known.handles.gateways.push_back(pointer(one.gateway));
    known.handles.schedulers.push_back(pointer(one.scheduler));
    known.replicas.push_back(pointer(one.replica));
  }
  caf::anon_send(own.links.membership, std::move(known));
  auto subscribe = [&](const auto& who) {
    caf::anon_send(own.links.membership, caf::subscribe_atom::value, pointer(who));
  };
  for (const auto& one : replicas_)
    subscribe(one);
  subscribe(own.supervisor);
  subscribe(own.router);
}

// -- leadership --------------------------------------------------------------------

void simulated_node::take_leader(const leader_report& x) {
  if (x.partition >= parts_->partitions.size())
    return;
  parts_->partitions[x.partition].leader = x;
  if (x.partition == control_partition)
    lead_control(x.here);
  tell_pools(x.partition);
}

// What runs where the control partition leads.
void simulated_node::lead_control(bool here) {
  if (here == (parts_->links.generator != nullptr))
    return;
  if (here)
    start_singletons();
  else
    stop_singletons();
  tell_gateways();
}

void simulated_node::start_singletons() {
  auto& links = parts_->links;
  gate_manager_options gates;
  gates.clock = [this] { return wall_clock(); };
  if (world_.partitions > 1) {
    mirror_options mirroring;
    mirroring.partitions = world_.partitions;
    links.mirror = host_->system().spawn(mirror, mirroring, links.replica,
                                         caf::actor_cast<partition_gateway_actor>(parts_->router));
    host_->keep(pointer(links.mirror));
    if (world_.fault != mutation::hasty_gate)
      gates.mirror = links.mirror;
  }
  links.gates = host_->system().spawn(gate_manager, std::move(gates), links.scheduler, links.replicas);
  host_->keep(pointer(links.gates));
  generator_options x;
  x.interval = std::chrono::seconds{0}; // there are no rules
  x.clock = [this] { return wall_clock(); };
  x.seed = seed();
  x.node = name_;
  x.task_types = task_types;
  x.own_thread = false;
  auto scheduler = links.scheduler;
  if (world_.fault == mutation::forget_slot || world_.fault == mutation::split_slots) {
    scheduler = make_mistakes(host_->system(), scheduler, world_.fault);
    host_->keep(pointer(scheduler));
  }
  links.generator = host_->system().spawn(generator, std::move(x), std::move(scheduler), links.replicas);
  host_->keep(pointer(links.generator));
}

void simulated_node::stop_singletons() {
  auto& links = parts_->links;
  caf::anon_send_exit(links.gates, caf::exit_reason::kill);
  links.gates = nullptr;
  caf::anon_send_exit(links.generator, caf::exit_reason::kill);
  links.generator = nullptr;
  if (links.mirror)
    caf::anon_send_exit(links.mirror, caf::exit_reason::kill);
  links.mirror = nullptr;
}

void simulated_node::take_peer(const peer_report& x) {
  parts_->peers[x.node] = x;
  for (partition_id number = 0; number < parts_->partitions.size(); ++number)
    tell_pools(number);
}

void simulated_node::tell_pools(partition_id number) {
  auto& own = *parts_;
  auto& place = own.partitions[number];
  caf::strong_actor_ptr next;
  if (place.leader.here)
    next = pointer(place.scheduler);
  else if (auto peer = own.peers.find(place.leader.node); peer != own.peers.end() && peer->second.up)
    if (const auto& schedulers = peer->second.handles.schedulers; schedulers.size() > number)
      next = schedulers[number];
  if (next == place.in_sight)
    return;
  place.in_sight = next;
  if (next)
    caf::anon_send(caf::actor_cast<scheduler_actor>(next), node_capacity{name_, slots_of_node, 4, 4'096, {}});
  if (own.keeper)
    caf::anon_send(own.keeper, caf::join_atom::value, number, next);
  for (const auto& one : own.links.pools)
    caf::anon_send(one, leader_in_sight{number, next});
}

} // namespace overwatch::simulation
