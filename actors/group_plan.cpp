#include "actors/group_plan.hpp"

#include <algorithm>

namespace overwatch {

namespace {

const group_view::node* find_node(const group_view& x, const std::string& name) {
  auto i = std::find_if(x.nodes.begin(), x.nodes.end(), [&](const auto& node) { return node.name == name; });
  return i == x.nodes.end() ? nullptr : &*i;
}

const log_member_status* status_of(const group_view& x, member_id id) {
  auto i = std::find_if(x.members.begin(), x.members.end(), [&](const auto& one) { return one.member.id == id; });
  return i == x.members.end() ? nullptr : &*i;
}

bool has_caught_up(const group_view& x, member_id id) {
  const auto* status = status_of(x, id);
  return status && status->last_contact && x.now - *status->last_contact <= heard_lately
         && status->match_index + promotion_lag >= x.commit_index;
}

// Who could lead instead of a node that has to go.
std::optional<log_member> successor(const group_view& x) {
  std::optional<log_member> best;
  uint64_t match = 0;
  for (const auto& one : x.members)
    if (one.member.voter && one.member.id != x.self && x.removed.count(node_of(one.member)) == 0
        && has_caught_up(x, one.member.id) && one.match_index >= match) {
      best = one.member;
      match = one.match_index;
    }
  return best;
}

} // namespace

std::string member_address(const std::string& node, const std::string& address) {
  return node + ' ' + address;
}

std::string node_of(const log_member& x) {
  return x.address.substr(0, x.address.find(' '));
}

std::string address_of(const log_member& x) {
  auto space = x.address.find(' ');
  return space == std::string::npos ? std::string{} : x.address.substr(space + 1);
}

std::optional<group_change> next_group_change(const group_view& x) {
  const auto& members = x.configuration.members;
  using kind = group_change::kind;
  for (const auto& member : members) { // who was told to go
    if (x.removed.count(node_of(member)) == 0)
      continue;
    if (member.id != x.self)
      return group_change{kind::remove, member};
    if (auto next = successor(x))
      return group_change{kind::transfer, *next};
  }
  for (const auto& member : members) {
    const auto* node = find_node(x, node_of(member));
    auto is_replaced = member.id != x.self && node && node->up && node->member != member.id;
    if (is_replaced && has_caught_up(x, node->member))
      return group_change{kind::remove, member};
  }
  for (const auto& member : members) {
    auto has_predecessor = std::any_of(members.begin(), members.end(), [&](const auto& other) {
      return other.id != member.id && node_of(other) == node_of(member);
    });
    if (!member.voter && !has_predecessor && has_caught_up(x, member.id))
      return group_change{kind::promote, member};
  }
  for (const auto& node : x.nodes) {
    auto is_member =
      std::any_of(members.begin(), members.end(), [&](const auto& one) { return one.id == node.member; });
    if (node.up && !is_member && x.removed.count(node.name) == 0 && members.size() < max_members)
      return group_change{kind::add, {node.member, member_address(node.name, node.address), false}};
  }
  return std::nullopt;
}

} // namespace overwatch
