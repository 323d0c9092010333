#pragma once

#include "messages/error_code.hpp"
#include "messages/inspect_std.hpp"
#include "messages/task_id.hpp"
#include "messages/time.hpp"

#include <optional>
#include <string>
#include <vector>

/// The nodes of a cluster and the groups of replicas that they form.
namespace overwatch {

/// A replica of a partition, as the one that leads sees it.
struct group_member {
  std::string node;
  uint64_t id = 0;            ///< of its data directory: a node with a new disk has a new one
  bool voter = false;         ///< false: it still catches up, and counts in no majority
  uint64_t match_index = 0;   ///< entries up to it are durable there; 0: only the leader knows
  std::optional<milliseconds> silent; ///< since its last answer to the leader
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, group_member& x) {
  return f(x.node, x.id, x.voter, x.match_index, x.silent);
}

/// A partition, as one node sees it.
struct group_status {
  partition_id partition = 0;
  std::string leader;         ///< its node; empty: none is known
  bool leads = false;         ///< the node that answers
  bool current = false;       ///< and a majority has confirmed it, or agreed to sleep
  std::optional<timestamp> leaderless_since;
  uint64_t term = 0;
  uint64_t applied = 0;       ///< index of the newest entry that is in the state
  uint64_t committed = 0;     ///< index of the newest entry that a majority has
  uint64_t last = 0;          ///< index of the newest entry
  std::vector<group_member> members;
  double receiving = -1;      ///< bytes of another node's state that have come, while one is received; otherwise negative
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, group_status& x) {
  return f(x.partition, x.leader, x.leads, x.current, x.leaderless_since, x.term, x.applied, x.committed, x.last,
           x.members, x.receiving);
}

/// A node of the cluster.
struct node_summary {
  std::string node;
  std::string address;        ///< under which its peers reach it
  uint64_t id = 0;            ///< 0: not seen since the node that answers started
  std::string version;
  uint32_t protocol = 0;      ///< of what it says to its peers
  uint32_t format = 0;        ///< of what it stores
  bool up = false;
  timestamp since;
  std::chrono::microseconds round_trip{0};
  std::chrono::microseconds clock_offset{0}; ///< its clock minus that of the node that answers
  bool draining = false;
  std::string problem;        ///< why it is not up
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_summary& x) {
  return f(x.node, x.address, x.id, x.version, x.protocol, x.format, x.up, x.since, x.round_trip, x.clock_offset,
           x.draining, x.problem);
}

/// The cluster as the asked node sees it.
struct cluster_request {
  /// Only this partition, as its leader sees it, once a majority has confirmed that it leads: whatever was acknowledged
  /// before is at or before its `committed`.
  std::optional<partition_id> confirmed{};
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, cluster_request& x) { return f(x.confirmed); }

struct cluster_status {
  std::string node;           ///< that answers
  uint64_t cluster = 0;       ///< 0: it is in none yet
  std::string waiting_for;    ///< and why
  std::vector<node_summary> nodes; ///< by name
  std::vector<group_status> partitions;
  std::vector<std::string> removed; ///< names that may not come back
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, cluster_status& x) {
  return f(x.node, x.cluster, x.waiting_for, x.nodes, x.partitions, x.removed);
}

/// Lets a node join, or one that was removed come back. Its replicas become voters once they have caught up.
struct add_node_request {
  std::string node;
  std::string address; ///< host:port
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, add_node_request& x) { return f(x.node, x.address); }

/// Takes a node out for good: its replicas are removed, and it is refused until it is added again.
struct remove_node_request {
  std::string node;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, remove_node_request& x) { return f(x.node); }

/// Hands the leadership of a partition to a node that has caught up.
struct transfer_request {
  partition_id partition = 0;
  std::string node; ///< empty: any other
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, transfer_request& x) { return f(x.partition, x.node); }

/// Moves the work of a node to others, or lets it take work again.
struct drain_node_request {
  std::string node;
  bool drain = true;
  std::chrono::seconds limit{0}; ///< then what still runs there goes back to the queue; 0: it may run on
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, drain_node_request& x) { return f(x.node, x.drain, x.limit); }

} // namespace overwatch
