#pragma once

#include "actors/identity.hpp"
#include "actors/wire.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

/// What the actors of a node say to those that know of other nodes. What crosses between nodes is in `actors/wire.hpp`.
namespace overwatch {

// -- link ----------------------------------------------------------------------

/// The end of a link that the other node sees.
using link_end = caf::typed_actor<caf::reacts_to<link_batch>>;

/// From membership: talk to `remote` from now on. The session counts as up when its first batch comes.
struct link_session {
  uint64_t session = 0;
  caf::strong_actor_ptr remote; ///< a `link_end`; none: the session is over
};

/// To membership: the session began to work, or ended.
struct link_report {
  std::string node;
  uint64_t session = 0;
  bool up = false;
  std::string reason; ///< why it ended
};

/// To membership, with every ping.
struct link_stats {
  std::string node;
  std::chrono::microseconds round_trip{0};
  std::chrono::microseconds clock_offset{0};
  uint64_t bytes_sent = 0;
  uint64_t bytes_received = 0;
  uint64_t dropped = 0;
};

/// Who takes the messages of a replicated log: its replica.
using log_receiver = caf::typed_actor<caf::reacts_to<log_delivery>>;

/// Whom links report to: membership.
using membership_reports = caf::typed_actor<caf::reacts_to<link_report>, caf::reacts_to<link_stats>>;

/// To links: who gets the `log_delivery` that comes.
struct local_replicas {
  std::vector<caf::strong_actor_ptr> by_partition;
};

/// One per peer: gathers what replicas send there, hands out what comes, and watches that the peer is alive.
using link_actor = link_end::extend<
  // From replicas here. Dropped and counted when the peer takes no more, dropped when it is not up: Raft repeats.
  caf::reacts_to<log_delivery>,
  caf::reacts_to<std::vector<log_delivery>>,
  // From membership.
  caf::reacts_to<link_session>,
  caf::reacts_to<local_replicas>,
  // Internal: what has gathered goes out.
  caf::reacts_to<caf::flush_atom>,
  // Internal: pings and silence.
  caf::reacts_to<caf::tick_atom>>;

// -- connector -----------------------------------------------------------------

/// Opens a connection; answers with the membership of the node there, or an error with a sentence.
struct dial_request {
  std::string address; ///< host:port
};

struct dial_reply {
  caf::strong_actor_ptr membership;
};

/// The seam to the network: `runtime/cluster` has the real one.
using connector_actor = caf::typed_actor<caf::replies_to<dial_request>::with<dial_reply>>;

// -- membership ----------------------------------------------------------------

/// A peer came, went, or changed its handles. Sent at once, and for all that are up when somebody subscribes.
struct peer_report {
  std::string node;
  std::string address;
  member_id member = 0;
  std::string instance; ///< another one: the peer was started again
  uint64_t cluster = 0; ///< 0: it is in none yet
  uint32_t protocol = protocol_version;
  bool up = false;
  node_handles handles; ///< of a peer that is up; news of them may come while it stays up
  caf::strong_actor_ptr link; ///< the `link_actor` here
};

/// Who this node is; sent to its root when that is settled, and whenever it waits for somebody else.
struct identity_report {
  node_identity identity;
  std::string waiting_for;  ///< not empty: in no cluster yet, and why
};

/// The actors of this node that its peers may talk to, and its replicas by partition. Sent again when they change.
struct local_components {
  node_handles handles;
  std::vector<caf::strong_actor_ptr> replicas;
};

/// What the replicated state knows of the nodes. Sent by whoever reads it, again when it changes.
struct node_roster {
  std::vector<node_address> nodes;   ///< members, and those that were added by a command
  std::vector<std::string> removed;  ///< names that are refused, once no partition counts on them any more
  partition_id partition = control_partition; ///< only the control partition's says more than its members:
  std::vector<std::string> members{}; ///< by name, committed or not: whose votes it may still need
};

/// Who wants to hear of peers, and of the node's own identity.
using peer_listener = caf::typed_actor<caf::reacts_to<peer_report>>;
using identity_listener = caf::typed_actor<caf::reacts_to<identity_report>>;

/// Knows the other nodes: dials them, judges who may belong, says who is up. Settles which cluster this node is in.
using membership_actor = caf::typed_actor<
  // Of another node: answered with the own one, or refused with a sentence.
  caf::replies_to<hello>::with<hello>,
  // Likewise, from one that is up already and has news. Refused when its session is over here.
  caf::replies_to<caf::update_atom, hello>::with<hello>,
  // This node's view of all.
  caf::replies_to<peers_request>::with<peers_reply>,
  // A `peer_listener`.
  caf::reacts_to<caf::subscribe_atom, caf::strong_actor_ptr>,
  caf::reacts_to<local_components>,
  caf::reacts_to<node_roster>,
  // From links.
  caf::reacts_to<link_report>,
  caf::reacts_to<link_stats>,
  // Internal: try again to store which cluster this node is in.
  caf::reacts_to<caf::tick_atom>,
  // Internal: it is time to dial this peer; the number tells a timer that is in force from an older one.
  caf::reacts_to<caf::connect_atom, std::string, uint64_t>>;

} // namespace overwatch

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::link_session)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::link_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::link_stats)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::dial_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::dial_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::peer_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::identity_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::local_components)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::node_roster)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::local_replicas)
