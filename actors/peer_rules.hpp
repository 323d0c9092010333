#pragma once

#include "actors/identity.hpp"
#include "actors/wire.hpp"

namespace overwatch {

/// What decides whether a node that says hello may belong.
struct hello_view {
  std::string node; ///< the own name (likewise below)
  std::string instance;
  node_identity identity;
  bool known = false;   ///< its name is in cluster.nodes, or was added by a command
  bool removed = false; ///< its name was removed from the cluster
  struct peer {
    std::string node;
    std::string instance;
    std::string address;
    member_id member = 0;
  };
  std::vector<peer> up;
};

/// Why that node is refused, in a sentence for both sides; empty: it is welcome.
std::string why_refused(const hello& theirs, const hello_view& view);

/// How long a node leaves the dialling to its peer: two that dial each other at once would get in each other's way.
/// The name that sorts first dials; the other one only when it heard nothing for so long.
milliseconds dial_patience(const std::string& own, const std::string& peer);

/// The time before the next dial after so many failed ones: 100 ms to 2 s. `random` is in [0, 1).
milliseconds redial_delay(uint32_t failures, double random);

} // namespace overwatch
