#pragma once

#include "actors/membership.hpp"
#include "actors/replica.hpp"
#include "tests/simulation/faulty_store.hpp"
#include "tests/simulation/gate_checker.hpp"
#include "tests/simulation/host.hpp"
#include "tests/simulation/slot_checker.hpp"

#include <caf/event_based_actor.hpp>

#include <map>
#include <memory>

namespace overwatch::simulation {

/// What every node has; less than its two pools together.
inline constexpr uint32_t slots_of_pool = 5;
inline constexpr uint32_t slots_of_node = 8;

/// What the nodes of a simulated cluster share.
struct node_world {
  explicit node_world(uint64_t seed) : random{seed}, net{time, random} {}

  chance random;
  virtual_time time;
  wire net;
  task_checker checker{slots_of_pool, slots_of_node};
  slot_checker schedules{checker};
  gate_checker gates{checker};
  mutation fault = mutation::none;
  uint32_t partitions = 1;
  bool any_order = false;   ///< see `host::any_order`
  host_id newest_host = 0;
  uint64_t steps = 0; ///< of lives that are over
};

/// Something that a client in this node asks: called as an actor of the node.
struct client_call {
  std::function<void(caf::event_based_actor*)> run;
};

/// One node: a disk, a clock, and, while it is up, all its actors. This file is what `runtime/root.cpp` is for a real
/// one.
class simulated_node {
public:
  /// `nodes` is its `cluster.nodes`.
  simulated_node(node_world& all, std::string name, std::vector<std::string> nodes);
  ~simulated_node();

  void start();
  void crash();
  void run(); ///< what is to be done now; may end in a crash
  void wipe(); ///< it is down, and gets a new disk

  bool is_up() const { return host_ != nullptr; }
  const std::string& name() const { return name_; }
  host& life() { return *host_; }
  faulty_store& disk() { return disk_; }
  void jump_clock(milliseconds by) { wall_offset_ += by; } ///< of what it takes for the time of day
  void set_clock_rate(int percent);
  void stall_disk(milliseconds duration);

  /// Runs on the node, unless it is down.
  void call(std::function<void(caf::event_based_actor*)> what);
  const gateway_actor& front() const { return front_; }

  /// The replicas by partition; empty: in no cluster yet. For looking only.
  const std::vector<replica_actor>& replicas() const { return replicas_; }
  const replica_state* replica_of(partition_id partition) const;
  bool leads(partition_id partition) const;

  static std::string address_of(const std::string& name) { return name + ":7000"; }

private:
  struct parts;

  milliseconds clock() const { return clock_.read(world_.time.now()); }
  timestamp wall_clock() const;
  uint64_t seed() { return world_.random.number(1, UINT32_MAX); }
  void forge_tokens(caf::message& x);
  static void forge_answers(caf::message& x);
  void spawn_components(const node_identity& identity);
  void spawn_partition(partition_id number);
  void spawn_pools();
  void tell_gateways();
  void take_identity(const identity_report& x);
  void take_leader(const leader_report& x);
  void take_peer(const peer_report& x);
  void start_partitions();
  void start_slot_keeper();
  void start_replica(partition_id number);
  void join_cluster();
  void lead_control(bool here);
  void start_singletons();
  void stop_singletons();
  void tell_pools(partition_id number);
  caf::behavior supervisor(caf::event_based_actor* self);

  node_world& world_;
  std::string name_;
  std::vector<std::string> nodes_;
  faulty_store disk_;
  node_clock clock_;
  milliseconds wall_offset_{0};
  bool doomed_ = false; ///< the power failed while it wrote

  // Of one life.
  std::unique_ptr<parts> parts_;
  std::vector<replica_actor> replicas_;
  gateway_actor front_;
  caf::actor client_;
  std::unique_ptr<host> host_;
};

} // namespace overwatch::simulation

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::simulation::client_call)
