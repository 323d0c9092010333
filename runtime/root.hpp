#pragma once

#include "actors/cluster_interfaces.hpp"
#include "actors/gateway.hpp"
#include "actors/generator.hpp"
#include "actors/log_setup.hpp"
#include "actors/router.hpp"
#include "actors/rule_judge.hpp"
#include "actors/slot_keeper.hpp"
#include "config/settings.hpp"

namespace overwatch {

/// What the root actor needs to make the components of a node.
struct root_options {
  settings config;
  std::string node;     ///< its name
  std::string instance; ///< changes with every start
  store* db = nullptr;  ///< outlives the root
  handler_registry handlers;
  std::set<std::string> task_types;
  std::shared_ptr<node_services> services; ///< for handlers
  std::shared_ptr<file_snapshots> files;
  double cpus = 0;        ///< that tasks may ask for shares of
  uint64_t memory_mb = 0; ///< that tasks may ask for
  std::function<std::map<std::string, double>()> sample; ///< of the host
  std::shared_ptr<rule_judge> judge;
  std::vector<rule_record> default_rules;
  std::vector<native_rule> native_rules;
  std::function<caf::expected<submission>(const std::string&)> parse_task; ///< JSON as POST /tasks takes it
  log_maker make_log;
  gateway_options gateway; ///< of the gateways that root starts: one per partition but the first
  node_identity identity{1, 1, 1, true}; ///< not settled: replicas start once it is known which cluster this is
  std::string address;       ///< under which other nodes reach this one: host:port; empty: they do not
  std::map<std::string, std::string> labels; ///< of this node
  connector_actor connector; ///< may be none on a node without an address
  /// makes it known to the nodes that dial this one; may be none
  std::function<void(const membership_actor&)> announce;
  std::function<void(std::string)> give_up; ///< called when components keep failing; does not return
};

struct stop_reply {
  uint32_t finished = 0; ///< running tasks that ended while the node drained
  uint32_t requeued = 0; ///< that go on after the restart
};

/// Supervises the components of a node: starts them in the order of their dependencies, and starts all again
/// from durable state when one dies of a bug. Three such failures within a minute end the process.
using root_actor = caf::typed_actor<
  // Drains the pools for this long, stops everything, and answers when the store is not used any more.
  caf::replies_to<drain_request>::with<stop_reply>,
  // It is known which cluster this node is in, or for whom it waits.
  caf::reacts_to<identity_report>,
  caf::reacts_to<leader_report>,
  caf::reacts_to<peer_report>,
  // Internal: nobody took the leadership in time.
  caf::reacts_to<caf::leave_atom>,
  // Internal: look whether another node should lead some of what this one leads.
  caf::reacts_to<caf::tick_atom>,
  // Internal: the drain is over.
  caf::reacts_to<caf::close_atom>>;

class root_state {
public:
  static inline const char* name = "root";
  using pointer = root_actor::stateful_pointer<root_state>;

  void set_up(pointer self, root_options options, gateway_state::interface gateway, router_state::interface router);
  void set_identity(const identity_report& x);
  void set_leader(const leader_report& x);
  void set_peer(const peer_report& x);
  void start_all();
  void component_down(const caf::down_msg& x);
  caf::result<stop_reply> stop(const drain_request& x);
  void stop_handing_over();
  void stop_components();
  void balance();

private:
  /// What runs here once per partition. The first is there from the start, for the gateway that speaks for the node.
  struct partition {
    scheduler_actor scheduler;
    replica_actor replica;
    task_reader_actor reader;
    task_reader_actor pages; // for the replica
    gateway_state::interface gateway;
    leader_report leader;
    caf::strong_actor_ptr scheduler_in_sight; // of the node that leads
  };

  template <class Handle>
  Handle watch(const char* what, Handle handle) {
    self_->monitor(handle);
    components_[handle.address()] = {what, caf::actor_cast<caf::actor>(handle)};
    return handle;
  }
  pool_actor start_pool(const std::string& task_type, const handler_registry::entry& handler, journal_actor journal);
  void start_snapshotter();
  void start_membership();
  void start_scheduler(partition_id number);
  void start_partitions();
  void start_slot_keeper();
  void start_replica(partition_id number);
  void join_cluster();
  void tell_gateways();
  void start_singletons();
  void stop_singletons();
  void tell_pools();
  void tell_pools_of(partition_id number);
  caf::strong_actor_ptr scheduler_in_sight(partition_id number) const;
  bool leads_any() const;
  worker_sessions_options make_sessions_options() const;
  generator_options make_generator_options() const;
  void hand_over(const drain_request& x);
  void settle_and_drain(const drain_request& x);
  void drain_pools(const drain_request& x);
  void drained();
  void flush_and_close();
  template <class Request, class Handle>
  void ask_each(Handle partition::*whom, milliseconds limit, std::function<void()> then);
  void all_down();

  pointer self_ = nullptr;
  root_options options_;
  gateway_state::interface gateway_;
  router_state::interface router_;
  gateway_links links_;
  std::vector<partition> partitions_;
  state_shipper_actor shipper_;
  std::shared_ptr<running_limit> places_; // of this node, for all pools
  slot_keeper_actor keeper_;              // null while there is one partition
  snapshotter_offer snapshots_;
  std::map<std::string, peer_report> peers_;
  std::chrono::steady_clock::time_point leaders_changed_;
  std::map<caf::actor_addr, std::pair<std::string, caf::actor>> components_;
  std::deque<std::chrono::steady_clock::time_point> failures_;
  bool restarting_ = false;
  bool balancing_ = false;

  struct {
    std::optional<caf::typed_response_promise<stop_reply>> promise;
    stop_reply reply;
    size_t pools = 0;
    std::optional<drain_request> handing_over; ///< another node is about to lead
  } stop_;
};

root_actor::behavior_type root(root_state::pointer self, root_options options, gateway_state::interface gateway,
                               router_state::interface router);

} // namespace overwatch

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::stop_reply)
