#include "actors/membership.hpp"

#include <utility>

/// Which nodes there are besides this one.
namespace overwatch {

void membership_state::add_peer(const node_address& entry, source by) {
  if (entry.node == options_.node)
    return;
  auto& x = peer_named(entry.node);
  if (by < x.known_by)
    return;
  x.address = entry.address;
  if (std::exchange(x.known_by, by) == source::none && x.session == 0)
    schedule_dial(entry.node, dial_patience(options_.node, entry.node));
}

// A node that was added names only some of the others perhaps; a peer that is in its cluster knows them.
void membership_state::learn(const hello& theirs) {
  if (theirs.cluster == 0)
    return;
  for (const auto& entry : theirs.roster) {
    auto has_room = peers_.count(entry.node) > 0 || peers_.size() + 1 < max_members;
    if (has_room && told_to_go_.count(entry.node) == 0)
      add_peer(entry, source::peers);
  }
}

std::vector<node_address> membership_state::roster() const {
  std::vector<node_address> result;
  for (const auto& [node, x] : peers_)
    if (x.known_by > source::peers && told_to_go_.count(node) == 0)
      result.push_back({node, x.address});
  return result;
}

void membership_state::change_roster(const node_roster& x) {
  auto before = removed_;
  auto known_before = roster();
  members_[x.partition] = x.members;
  if (x.partition == control_partition)
    told_to_go_ = {x.removed.begin(), x.removed.end()};
  removed_ = told_to_go_;
  removed_.erase(options_.node);
  for (const auto& [partition, members] : members_)
    for (const auto& member : members) // without its vote the group may not be able to let it go
      removed_.erase(member);
  for (const auto& entry : x.nodes)
    add_peer(entry, source::state);
  if (roster() != known_before)
    ++revision_;
  for (const auto& [node, peer] : peers_) {
    if (removed_.count(node) > 0)
      end_session(node, "it was removed from the cluster");
    else if (before.count(node) > 0)
      schedule_dial(node, milliseconds{0});
    tell_news(node);
  }
}

} // namespace overwatch
