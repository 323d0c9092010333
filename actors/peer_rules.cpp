#include "actors/peer_rules.hpp"

#include "actors/retry.hpp"

namespace overwatch {

namespace {

constexpr milliseconds first_redial{100};
constexpr milliseconds last_redial{2'000};
constexpr double redial_jitter = 0.2;
constexpr milliseconds patience{2'000};

std::string quoted(const std::string& x) { return "\"" + x + "\""; }

std::string versions_differ(const hello& theirs, const hello_view& view) {
  if (fits(theirs))
    return {};
  auto too_old = theirs.protocol < oldest_protocol ? theirs.node : view.node;
  return quoted(theirs.node) + " (Overwatch " + theirs.version + ") speaks versions " + std::to_string(theirs.oldest) +
         " to " + std::to_string(theirs.protocol) + " of the protocol between nodes, " + quoted(view.node) +
         " versions " + std::to_string(oldest_protocol) + " to " + std::to_string(protocol_version) + ": " +
         quoted(too_old) + " is too old, upgrade it. Adjacent versions work together: one version after the other";
}

std::string same_as_this(const hello& theirs, const hello_view& view) {
  if (theirs.instance == view.instance)
    return quoted(theirs.node) + " at " + theirs.address + " and " + quoted(view.node) +
           " are the same process: is its "
           "address in cluster.nodes twice? Containers with equal hardware addresses and process ids look the same, "
           "too";
  if (theirs.node == view.node)
    return "two nodes are called " + quoted(view.node) + ", one of them at " + theirs.address
           + ": give each a node.name of its own";
  if (theirs.member == view.identity.member)
    return quoted(theirs.node) + " and " + quoted(view.node) + " have the same member id: one data directory is a copy "
           "of the other's. Start one of the nodes with an empty data directory";
  return {};
}

std::string other_cluster(const hello& theirs, const hello_view& view) {
  const auto& own = view.identity;
  if (!own.settled() || theirs.cluster == 0)
    return {};
  if (theirs.cluster != own.cluster)
    return quoted(theirs.node) + " belongs to another cluster than " + quoted(view.node)
           + ": a node joins with an empty data directory";
  if (theirs.partitions != own.partitions)
    return quoted(theirs.node) + " has " + std::to_string(theirs.partitions) + " partitions, " + quoted(view.node) + " "
           + std::to_string(own.partitions) + ", in one cluster: the data directory of one of them is damaged";
  return {};
}

std::string same_as_another(const hello& theirs, const hello_view& view) {
  for (const auto& peer : view.up) {
    if (peer.node == theirs.node && peer.instance != theirs.instance)
      return "two nodes are called " + quoted(theirs.node) + ", at " + peer.address + " and " + theirs.address
             + ": give each a node.name of its own";
    if (peer.node != theirs.node && (peer.instance == theirs.instance || peer.member == theirs.member))
      return quoted(theirs.node) + " and " + quoted(peer.node) +
             " have the same identity: one data directory is a copy "
             "of the other's. Start one of the nodes with an empty data directory";
  }
  return {};
}

} // namespace

std::string why_refused(const hello& theirs, const hello_view& view) {
  for (auto* rule : {versions_differ, same_as_this, other_cluster})
    if (auto reason = rule(theirs, view); !reason.empty())
      return reason;
  if (view.removed)
    return quoted(theirs.node) + " was removed from the cluster: `overwatch cluster add " + theirs.node + " "
           + theirs.address + "` lets it in again";
  // One of its cluster was let in by somebody; this node may be behind, and need just that one to be told so.
  auto of_own_cluster = view.identity.settled() && theirs.cluster == view.identity.cluster;
  if (!view.known && !of_own_cluster)
    return quoted(theirs.node) + " is not in cluster.nodes of " + quoted(view.node) + ", and was not added: "
           "`overwatch cluster add " + theirs.node + " " + theirs.address + "` does that";
  return same_as_another(theirs, view);
}

milliseconds dial_patience(const std::string& own, const std::string& peer) {
  return own < peer ? milliseconds{0} : patience;
}

milliseconds redial_delay(uint32_t failures, double random) {
  retry_policy policy;
  policy.backoff = backoff_kind::exponential;
  policy.base = first_redial;
  policy.max = last_redial;
  policy.jitter = redial_jitter;
  return backoff_delay(policy, failures, random);
}

} // namespace overwatch
