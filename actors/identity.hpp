#pragma once

#include "actors/replicated_log.hpp"
#include "actors/store.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace overwatch {

/// Who a data directory is, for ever. Stored in the space `log` under `keys::node_identity`.
struct node_identity {
  member_id member = 0;    ///< random, made at the first start; 63 bits
  uint64_t cluster = 0;    ///< random, made by the node that founded the cluster; 0: in none yet
  uint32_t partitions = 0; ///< of the cluster; 0: likewise
  /// It founded the cluster: a replica of it with an empty log begins as the only voter. Any other begins as nobody,
  /// and waits to be added.
  bool founder = false;

  bool settled() const { return cluster != 0; }
};

bool operator==(const node_identity& x, const node_identity& y);

std::string encode_identity(const node_identity& x);

/// Nothing when the bytes are none of ours, damaged, or of a newer format.
std::optional<node_identity> decode_identity(std::string_view bytes);

/// A member or cluster id from any 64 bits: never 0, and with the highest bit clear for those who read it as signed.
uint64_t identity_number(uint64_t random);

/// What the store says, or a new member id. Durable on return; only before the journal runs. Founds a cluster of one
/// when `alone`, and also for a store that has a log already: that is from before clusters, and has one partition.
/// `random` gives any 64 bits.
caf::expected<node_identity> open_identity(store& db, bool alone, uint32_t partitions,
                                           const std::function<uint64_t()>& random);

/// Refuses the name of a node whose data directory is a member of its cluster under another one: the others know it by that,
/// and would never find what it leads. A founder that is alone may be called otherwise; its log says so from then on.
caf::error check_name(const store& db, const node_identity& identity, const std::string& node);

/// Makes an identity durable; answers with it. Blocks: spawn it detached, for a node that is in no cluster yet.
using identity_keeper_actor = caf::typed_actor<caf::replies_to<node_identity>::with<node_identity>>;

identity_keeper_actor::behavior_type identity_keeper(identity_keeper_actor::pointer self, store* db);

} // namespace overwatch

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::node_identity)
