#pragma once

#include "actors/execution.hpp"
#include "actors/partition_requests.hpp"
#include "actors/replicated_log.hpp"
#include "actors/state_transfer.hpp"
#include "messages/event.hpp"
#include "messages/inspect_std.hpp"
#include "messages/message_type.hpp"
#include "messages/time.hpp"
#include "messages/type_ids.hpp"

#include <caf/actor_control_block.hpp>

#include <string>
#include <vector>

/// What nodes of one cluster say to each other. What programs outside say is in `messages/`.
///
/// How it changes, so that nodes of adjacent versions work together while a cluster is upgraded:
/// - A message that was released keeps its fields, and an enumeration in it its values. What has to say more is a new
///   type, appended below, and `protocol_version` grows by one. The old type is sent to peers whose hello says an older
///   protocol, as long as `oldest_protocol` is not above that.
/// - A peer never gets what its hello does not promise to understand: CAF drops what it cannot read, and a request of
///   that kind would only time out.
/// - Only `hello` grows in place, by fields at its very end: who does not know them does not read them, and who does reads
///   them of a peer whose protocol has them (`hello_tail`).
/// - A command of the log, or a field or value in one, that older programs lack is proposed once all members of the
///   group say a `format` that has it: a node stops at a log entry that it cannot read.
namespace overwatch {

/// The newest version of what is said here, and the oldest that this program still understands.
/// 2: hello has a roster, and schedulers grant leases (`lease_request`).
inline constexpr uint32_t protocol_version = 2;
inline constexpr uint32_t lease_protocol = 2;
inline constexpr uint32_t oldest_protocol = 1;

/// The version of what is in the store.
inline constexpr uint32_t format_version = 1;

/// The actors of a node that other nodes may talk to, by role. Empty: it does not run (yet). All handles of another
/// node come from its hello and nowhere else.
struct node_handles {
  caf::strong_actor_ptr router;
  std::vector<caf::strong_actor_ptr> gateways;   ///< by partition
  caf::strong_actor_ptr event_hub;
  caf::strong_actor_ptr shipper;
  std::vector<caf::strong_actor_ptr> schedulers; ///< by partition
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_handles& x) {
  return f(x.router, x.gateways, x.event_hub, x.shipper, x.schedulers);
}

/// A node, and where it is reached.
struct node_address {
  std::string node;
  std::string address; ///< host:port
};
inline bool operator==(const node_address& x, const node_address& y) { return x.node == y.node && x.address == y.address; }
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_address& x) {
  return f(x.node, x.address);
}

/// How nodes begin to talk, and what they say again when something of it changes. The fields of the first block stay
/// the first ones for ever: nodes of any two versions can tell each other that they do not fit, and who they are.
struct hello {
  uint32_t protocol = protocol_version;
  uint32_t oldest = oldest_protocol;
  uint32_t format = format_version;
  std::string version;       ///< of the program
  std::string node;          ///< its name
  std::string address;       ///< under which it is reached: host:port

  uint64_t cluster = 0;      ///< 0: in none yet
  uint32_t partitions = 0;   ///< 0: likewise
  member_id member = 0;
  std::string instance;      ///< changes with every start
  timestamp clock;
  uint64_t session = 0;      ///< chosen by the one who dialled
  caf::strong_actor_ptr membership;
  caf::strong_actor_ptr link;
  node_handles handles;

  std::vector<node_address> roster; ///< since 2: the peers that its configuration or the replicated state names
};
/// There is a version of the protocol that both speak.
inline bool fits(const hello& x) {
  return x.protocol >= oldest_protocol && x.oldest <= protocol_version;
}
/// What was added at the end of hello since the first version, as far as the protocol of the sender has it.
template <class Inspector>
typename Inspector::result_type hello_tail(Inspector& f, hello& x) {
  return x.protocol >= 2 ? f(x.roster) : f();
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, hello& x) {
  if constexpr (Inspector::writes_state) { // of one that does not fit nobody knows what comes behind the first block
    if (auto error = f(x.protocol, x.oldest, x.format, x.version, x.node, x.address); error || !fits(x))
      return error;
    if (auto error = f(x.cluster, x.partitions, x.member, x.instance, x.clock, x.session, x.membership, x.link, x.handles))
      return error;
    return hello_tail(f, x);
  } else {
    return f(x.protocol, x.oldest, x.format, x.version, x.node, x.address, x.cluster, x.partitions, x.member, x.instance,
             x.clock, x.session, x.membership, x.link, x.handles, x.roster);
  }
}

/// A message of a replicated log: from a replica to the link of the peer, and from the link to the replica there.
struct log_delivery {
  partition_id partition = 0;
  std::string bytes;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, log_delivery& x) {
  return f(x.partition, x.bytes);
}

/// What a link says to its other end: all that has gathered, and what both need to know that the other is alive.
struct link_batch {
  uint64_t session = 0;
  uint64_t received = 0;      ///< bytes of deliveries that came in this session: credit for the other end
  int64_t sent_at = 0;        ///< microseconds on a clock of the sender
  int64_t echo = 0;           ///< the newest `sent_at` of the other end; 0: none came
  int64_t held = 0;           ///< microseconds between the arrival of that and `sent_at`
  timestamp clock;            ///< of the sender, UTC
  std::vector<log_delivery> deliveries;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, link_batch& x) {
  return f(x.session, x.received, x.sent_at, x.echo, x.held, x.clock, x.deliveries);
}

/// To the event hubs of other nodes: there are readers on `node` who want the events that are not in the log. Said again while
/// that is so; it also allows the next batches.
struct live_interest {
  std::string node;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, live_interest& x) {
  return f(x.node);
}

/// Events that are not in the log, from the hub of the node where they happened. The index of their cursors counts there only.
struct live_batch {
  std::vector<event> events;
  uint64_t dropped = 0; ///< events before these that were too many
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, live_batch& x) {
  return f(x.events, x.dropped);
}

/// What a node knows of another one.
struct peer_status {
  std::string node;
  std::string address;
  member_id member = 0;        ///< 0: never seen since this node started (likewise below)
  std::string instance;
  bool up = false;
  timestamp since;             ///< it is up or down
  std::string version;         ///< of its program
  uint32_t protocol = 0;
  uint32_t format = 0;
  std::chrono::microseconds round_trip{0};
  std::chrono::microseconds clock_offset{0}; ///< its clock minus the one here
  uint64_t bytes_sent = 0;     ///< of log messages, since this node started (likewise below)
  uint64_t bytes_received = 0;
  uint64_t dropped = 0;        ///< log messages that were not sent because the peer took no more
  std::string problem;         ///< why it is not up
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, peer_status& x) {
  return f(x.node, x.address, x.member, x.instance, x.up, x.since, x.version, x.protocol, x.format, x.round_trip,
           x.clock_offset, x.bytes_sent, x.bytes_received, x.dropped, x.problem);
}

struct peers_request {};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, peers_request&) { return f(); }

/// A node and its peers, as it sees them.
struct peers_reply {
  std::string node;
  std::string address;
  member_id member = 0;
  std::string instance;
  std::string version;
  uint64_t cluster = 0;        ///< 0: in none yet
  uint32_t partitions = 0;
  std::string waiting_for;     ///< why it is in no cluster yet
  std::vector<peer_status> peers; ///< by name
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, peers_reply& x) {
  return f(x.node, x.address, x.member, x.instance, x.version, x.cluster, x.partitions, x.waiting_for, x.peers);
}

} // namespace overwatch

/// The types that cross between nodes of a cluster. Append only: a number is part of the protocol.
CAF_BEGIN_TYPE_ID_BLOCK(overwatch_nodes, first_custom_type_id + 200)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::node_handles)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::hello)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::log_delivery)
  OVERWATCH_MESSAGE(overwatch_nodes, std::vector<overwatch::log_delivery>)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::link_batch)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::peers_request)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::peers_reply)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::state_offer)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::chunk_request)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::state_chunk)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::close_transfer)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::pool_offer)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::node_capacity)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::snapshotter_offer)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::outcome_batch)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::progress_batch)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::assignment_batch)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::settled_batch)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::stop_attempt)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::deadline_change)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::drain_request)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::drain_reply)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::restore_request)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::restore_reply)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::release_snapshot)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::describe_snapshot)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::snapshot_files)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::stored_snapshots_request)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::stored_snapshots)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::live_interest)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::live_batch)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::mirror_request)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::mirror_reply)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::statuses_request)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::statuses_reply)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::slot_share)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::slot_demand)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::lease_request)
  OVERWATCH_MESSAGE(overwatch_nodes, overwatch::lease_grant)
CAF_END_TYPE_ID_BLOCK(overwatch_nodes)

namespace overwatch {

/// Makes the types of this block, and those that programs outside say, known to an actor system.
void add_node_messages(caf::actor_system_config& config);

} // namespace overwatch
