#include "actors/founding.hpp"

#include <algorithm>

namespace overwatch {

namespace {

founding_decision wait_for(std::string reason) {
  founding_decision x;
  x.waiting_for = std::move(reason);
  return x;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text;
}

} // namespace

founding_decision decide_founding(const founding_view& view) {
  using kind = founding_decision::kind;
  const founding_view::peer* member = nullptr;
  for (const auto& peer : view.up) {
    if (peer.cluster == 0)
      continue;
    if (member && member->cluster != peer.cluster)
      return wait_for(member->node + " and " + peer.node
                      + " to be in one cluster: now they are in two, and this node cannot choose");
    member = &peer;
  }
  if (member)
    return {kind::join, member->cluster, member->partitions, {}};
  if (view.nodes.empty())
    return {kind::found, 0, 0, {}};
  if (view.nodes.front() != view.node)
    return wait_for(view.nodes.front() + ", the first of cluster.nodes, to found the cluster, or for any node of a "
                    "cluster that exists");
  std::vector<std::string> missing;
  for (const auto& name : view.nodes) {
    auto is_up = [&](const auto& peer) { return peer.node == name; };
    if (name != view.node && std::none_of(view.up.begin(), view.up.end(), is_up))
      missing.push_back(name);
  }
  if (missing.empty())
    return {kind::found, 0, 0, {}};
  return wait_for(joined(missing) + ": this node is the first of cluster.nodes and in no cluster, and it founds one "
                  "only when all nodes are up");
}

} // namespace overwatch
