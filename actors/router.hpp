#pragma once

#include "actors/cluster_interfaces.hpp"
#include "actors/interfaces.hpp"
#include "messages/actors.hpp"

#include <caf/actor_clock.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <functional>
#include <map>
#include <memory>
#include <set>

namespace overwatch {

struct router_options {
  std::string node;
  milliseconds request_timeout{30'000}; ///< of a request, with all tries, beside what it waits for on purpose
  milliseconds leader_patience{5'000};  ///< a partition may be without a leader for so long; then requests fail soon:
  milliseconds least_patience{1'000};   ///< after this time
  milliseconds retry_interval{100};
  size_t max_requests = 10'000;         ///< on their way to other nodes, or waiting for a leader
  uint64_t seed = 1;                    ///< of the task ids
  std::function<timestamp()> clock = now;
};

/// The front door of a node. Passes every request to the node that leads what it is about, whole, and tries again while
/// leaders change, until the time of the request is over. What another node may have done already is only tried again
/// when that does no harm: reads, and submits, whose ids are chosen here. On a node that is alone everything is passed
/// on as it comes. What is about all partitions is asked of each and put together.
class router_state {
public:
  static inline const char* name = "router";
  using interface = partition_gateway_actor::extend<
    // The gateways of this node, one per partition: they answer for what this node leads.
    caf::reacts_to<caf::join_atom, partition_id, caf::strong_actor_ptr>,
    caf::reacts_to<leader_report>,
    caf::reacts_to<peer_report>,
    // Internal: what waits tries again.
    caf::reacts_to<caf::tick_atom>>;
  using pointer = interface::stateful_pointer<router_state>;

  void set_up(pointer self, router_options options);
  void connect(partition_id partition, partition_gateway_actor own);
  void set_leader(const leader_report& x);
  void set_peer(const peer_report& x);
  void tick();

  /// The partition of a task or workflow. An id that was not made here is looked for where everything is that has no
  /// place of its own.
  partition_id of(const task_id& id) const { return id.partition() < own_.size() ? id.partition() : control_partition; }

  /// Answered by this node.
  template <class Reply, class Request>
  caf::result<Reply> here(Request& x);

  /// What it means to do a request again.
  enum class effect : uint8_t {
    none,       ///< it only reads
    repeatable, ///< doing it twice is doing it once
    once,       ///< it is not tried again when an earlier try may have done it
  };

  /// Answered by the node that leads the partition.
  template <class Reply, class Request>
  caf::result<Reply> to_leader(partition_id partition, Request& x, effect what, milliseconds extra = milliseconds{0});

  /// A read: by the leader, or by this node when it may be old.
  template <class Reply, class Request>
  caf::result<Reply> read(partition_id partition, Request& x);

  /// Answered by the node with this name.
  template <class Reply, class Request>
  caf::result<Reply> to_node(const std::string& node, Request& x, milliseconds extra = milliseconds{0});

  /// Adds an answer to those before.
  template <class Reply>
  using merger = std::function<void(Reply& all, Reply&& one)>;

  /// Asks this partition's gateways on all nodes that are up; one answer is enough.
  template <class Reply, class Request>
  caf::result<Reply> from_all(partition_id partition, Request& x, merger<Reply> merge);

  /// A read of every partition; all have to answer.
  template <class Reply, class Request>
  caf::result<Reply> from_partitions(Request& x, merger<Reply> merge);

  caf::result<submit_reply> submit(submit_request& x);
  caf::result<task_record> wait(wait_request& x);
  caf::result<node_status> status(status_request& x);
  caf::result<dispatch_reply> dispatch(dispatch_request& x);

private:
  /// A request that is on its way to a node, or waits for a leader.
  struct operation {
    uint64_t number = 0; // in the order in which they began
    partition_id partition = 0;
    effect what = effect::once;
    caf::actor_clock::time_point since;
    caf::actor_clock::time_point until;
    std::string node;     // that was asked; empty: waits
    uint64_t attempt = 0; // answers to earlier ones are not heard
    bool unclear = false; // an earlier attempt may have done it
    std::function<void(const partition_gateway_actor&, milliseconds)> ask;
    std::function<void(caf::error)> fail;
  };
  using operation_ptr = std::shared_ptr<operation>;
  struct by_number {
    bool operator()(const operation_ptr& x, const operation_ptr& y) const { return x->number < y->number; }
  };

  template <class Reply>
  using taker = std::function<void(Reply&)>;
  using failer = std::function<void(caf::error)>;

  bool is_alone() const { return peers_.empty(); }
  partition_gateway_actor gateway_of(const std::string& node, partition_id partition) const;
  operation_ptr operation_of(partition_id partition, effect what, milliseconds extra = milliseconds{0}) const;
  template <class Reply, class Request>
  void ask_leader(operation_ptr x, std::shared_ptr<Request> request, taker<Reply> done, failer fail);
  void go(const operation_ptr& x);
  void not_done(const operation_ptr& x, caf::error why);
  void fail(const operation_ptr& x, caf::error why);
  void wait_for_leader(const operation_ptr& x);
  caf::error no_leader(partition_id partition) const;
  bool is_leaderless(partition_id partition) const;
  partition_id next_spread();
  void submit_to(partition_id partition, std::shared_ptr<submit_request> request, taker<submit_reply> done,
                 failer fail);
  caf::result<submit_reply> submit_whole(partition_id partition, submit_request& x);
  caf::result<submit_reply> submit_in_parts(submit_request& x, const std::vector<partition_id>& places);

  pointer self_ = nullptr;
  router_options options_;
  std::vector<partition_gateway_actor> own_; // by partition
  task_id_generator ids_{1};
  partition_id spread_ = 0; // where the last request went whose tasks may go anywhere
  std::map<partition_id, leader_report> leaders_;
  std::map<partition_id, caf::actor_clock::time_point> leaderless_since_;
  std::map<std::string, peer_report> peers_; // up or down
  std::set<operation_ptr, by_number> operations_;
  uint64_t newest_operation_ = 0;
  bool ticking_ = false;
};

router_state::interface::behavior_type router(router_state::pointer self, router_options options);

} // namespace overwatch
