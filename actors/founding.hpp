#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace overwatch {

/// What a node in no cluster knows when it decides what to do.
struct founding_view {
  struct peer {
    std::string node;
    uint64_t cluster = 0; ///< 0: in none yet
    uint32_t partitions = 0;
  };
  std::string node;               ///< the own name
  std::vector<std::string> nodes; ///< `cluster.nodes` in its order; empty: this node stays alone
  std::vector<peer> up;           ///< the peers that it has heard of, and that are up
};

struct founding_decision {
  enum class kind : uint8_t { wait, found, join };
  kind what = kind::wait;
  uint64_t cluster = 0;    ///< to join
  uint32_t partitions = 0; ///< likewise
  std::string waiting_for; ///< a sentence without a full stop
};

/// A node in no cluster joins the one that any peer is in. Only the first of `cluster.nodes` founds a cluster, and
/// only when all others are up and in none: so there is never a second cluster because some node could not see the
/// first one, or lost its disk.
founding_decision decide_founding(const founding_view& view);

} // namespace overwatch
