#include "actors/replica_group.hpp"

#include "actors/drain_setting.hpp"
#include "actors/group_plan.hpp"
#include "actors/node_document.hpp"
#include "messages/codec.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>

namespace overwatch::replica_group {

namespace {

const log_member* find_member(const log_configuration& x, member_id id) {
  auto i = std::find_if(x.members.begin(), x.members.end(), [id](const auto& one) { return one.id == id; });
  return i == x.members.end() ? nullptr : &*i;
}

const peer_report* find_peer(replica_pointer self, member_id id) {
  for (const auto& [node, peer] : self->state.group.peers)
    if (peer.member == id)
      return &peer;
  return nullptr;
}

bool has_others(replica_pointer self) {
  const auto& log = self->state.log->log();
  return !self->state.group.peers.empty() || log.configuration().members.size() > 1;
}

// What commands said of nodes; only the control partition knows it.
std::vector<std::pair<std::string, node_document>> node_documents(replica_pointer self) {
  std::vector<std::pair<std::string, node_document>> result;
  auto [first, last] = self->state.machine->documents().with_prefix(document_kind::node, {});
  for (; first != last; ++first) {
    node_document x;
    if (first->second.value && decode(*first->second.value, x))
      result.emplace_back(first->first.second, std::move(x));
  }
  return result;
}

group_view view_of(replica_pointer self) {
  const auto& state = self->state;
  const auto& log = state.log->log();
  group_view x;
  x.self = state.options.self;
  x.configuration = log.configuration();
  x.members = log.members();
  x.commit_index = log.commit_index();
  x.now = steady_now(self);
  for (const auto& [node, peer] : state.group.peers)
    x.nodes.push_back({node, peer.address, peer.member, peer.up});
  for (const auto& [node, document] : node_documents(self))
    if (document.removed)
      x.removed.insert(node);
  return x;
}

void change_members(replica_pointer self) {
  auto change = next_group_change(view_of(self));
  if (!change)
    return;
  auto& log = *self->state.log;
  log.wake(steady_now(self));
  switch (change->what) { // what is refused now is tried again
    case group_change::kind::add:
      log.add_member(change->member);
      break;
    case group_change::kind::promote:
      log.promote_member(change->member.id);
      break;
    case group_change::kind::remove:
      log.remove_member(change->member.id);
      break;
    case group_change::kind::transfer:
      log.transfer(change->member.id);
      break;
  }
}

// The node that leads, as far as this one knows; empty: nobody.
std::string leader_of(replica_pointer self) {
  const auto& log = self->state.log->log();
  if (log.leads())
    return self->state.options.node;
  auto configuration = log.configuration();
  const auto* leader = find_member(configuration, log.leader());
  return leader ? node_of(*leader) : std::string{};
}

} // namespace

log_time steady_now(replica_pointer self) {
  return std::chrono::duration_cast<log_time>(self->clock().now().time_since_epoch());
}

void send(replica_pointer self, log_message&& x) {
  const auto* peer = find_peer(self, x.to);
  if (peer && peer->up && peer->link)
    self->send(caf::actor_cast<link_actor>(peer->link), log_delivery{self->state.options.partition, std::move(x.bytes)});
}

void peer_changed(replica_pointer self, const peer_report& x) {
  auto& group = self->state.group;
  auto known = group.peers.find(x.node);
  auto is_anew = known == group.peers.end() || known->second.member != x.member || known->second.instance != x.instance;
  auto now = steady_now(self);
  if (is_anew && known != group.peers.end())
    self->state.log->reach(now, known->second.member, false); // that process has ended, whether or not this one is up
  group.peers[x.node] = x;
  self->state.log->reach(now, x.member, x.up);
  group.looked = false;
  if (is_anew)
    group.shipments.erase(x.member); // whatever was offered to it is forgotten there
  if (group.arriving && group.arriving->offer.from == x.member && !group.arriving->installing)
    self->send(group.arriving->receiver, caf::update_atom::value, x.up ? x.handles.shipper : nullptr);
  keep_looking(self);
}

// The others have nothing to look after; nor has one that sleeps, once it has looked at what came since.
void keep_looking(replica_pointer self) {
  auto& group = self->state.group;
  const auto& log = self->state.log->log();
  if (group.looking || !log.leads() || (log.sleeps() && group.looked) || !has_others(self))
    return;
  group.looking = true;
  self->delayed_send(self, self->state.options.group_interval, caf::idle_atom::value);
}

void look_after(replica_pointer self) {
  auto& state = self->state;
  state.group.looking = false;
  state.group.looked = true;
  if (state.log->log().leads())
    change_members(self);
  keep_looking(self);
}

void tell_leader(replica_pointer self) {
  auto& state = self->state;
  const auto& log = state.log->log();
  leader_report report;
  report.partition = state.options.partition;
  report.here = log.leads() && state.group.opened;
  report.term = log.term();
  report.node = leader_of(self);
  for (const auto& [key, value] : state.machine->settings())
    if (auto node = drained_node(key))
      report.draining.insert(std::move(*node));
  if (!report.node.empty())
    state.group.leaderless_since.reset();
  else if (!state.group.leaderless_since)
    state.group.leaderless_since = state.options.clock();
  for (const auto& listener : state.links.on_leadership)
    self->send(listener, report);
  tell_roster(self);
  keep_looking(self);
}

void tell_roster(replica_pointer self) {
  auto& state = self->state;
  if (!state.links.roster_listener)
    return;
  auto is_control = state.options.partition == control_partition;
  node_roster roster;
  roster.partition = state.options.partition;
  for (const auto& member : state.log->log().configuration().members) {
    if (node_of(member).empty())
      continue;
    roster.members.push_back(node_of(member));
    if (is_control)
      roster.nodes.push_back({node_of(member), address_of(member)});
  }
  if (is_control) {
    for (auto& [node, document] : node_documents(self))
      if (document.removed)
        roster.removed.push_back(node);
      else
        roster.nodes.push_back({node, document.address});
  }
  self->send(state.links.roster_listener, std::move(roster));
}

group_status status(replica_pointer self) {
  const auto& state = self->state;
  const auto& log = state.log->log();
  auto now = steady_now(self);
  group_status x;
  x.partition = state.options.partition;
  x.leads = log.leads();
  x.leader = leader_of(self);
  x.current = state.group.opened && (log.has_lease(now) || log.sleeps());
  x.leaderless_since = state.group.leaderless_since;
  x.term = log.term();
  x.applied = state.machine->applied();
  x.committed = log.commit_index();
  x.last = log.last_index();
  for (const auto& one : log.members()) {
    group_member member;
    member.node = one.member.id == state.options.self ? state.options.node : node_of(one.member);
    member.id = one.member.id;
    member.voter = one.member.voter;
    member.match_index = one.match_index;
    if (one.last_contact)
      member.silent = log.sleeps() ? log_time{0} : now - *one.last_contact; // a connection would tell that it failed
    x.members.push_back(std::move(member));
  }
  if (state.group.arriving)
    x.receiving = state.group.arriving->bytes;
  return x;
}

caf::result<group_status> transfer(replica_pointer self, const transfer_request& x) {
  auto& log = *self->state.log;
  if (!log.log().leads())
    return make_error(ec::not_leader, "this node does not lead the partition");
  log.wake(steady_now(self));
  if (x.node == self->state.options.node)
    return status(self);
  auto answer = log_answer::bad_member;
  for (const auto& member : log.log().configuration().members)
    if (member.voter && member.id != self->state.options.self && (x.node.empty() || node_of(member) == x.node)
        && answer != log_answer::accepted)
      answer = log.transfer(member.id);
  if (answer == log_answer::bad_member)
    return make_error(ec::not_found, "node \"" + x.node + "\" has no vote in partition "
                                       + std::to_string(x.partition), "/node");
  if (answer != log_answer::accepted)
    return make_error(ec::conflict, "node \"" + x.node + "\" is not ready to lead: it has to catch up, or another change "
                                    "of the group is under way; try again", "/node");
  return status(self);
}

// -- the leader's side -----------------------------------------------------------

namespace {

void send_offer(replica_pointer self, member_id to, replica_state::shipment& x) {
  const auto* peer = find_peer(self, to);
  if (!peer || !peer->up || !peer->handles.shipper)
    return;
  x.told = steady_now(self);
  self->send(caf::actor_cast<state_shipper_actor>(peer->handles.shipper), *x.offer);
}

void opened(replica_pointer self, member_id to, const transfer_opened& x) {
  auto& state = self->state;
  auto i = state.group.shipments.find(to);
  auto offer = state.log->log().snapshot_offer(to, x.applied);
  if (i == state.group.shipments.end() || !offer || i->second.offer) {
    self->send(state.links.shipper, close_transfer{x.transfer, false}); // begin again
    if (i != state.group.shipments.end())
      i->second.opening = false;
    return;
  }
  i->second.opening = false;
  i->second.offer = state_offer{state.options.partition, state.options.self, x.transfer, x.applied, std::move(*offer)};
  send_offer(self, to, i->second);
}

} // namespace

void ship(replica_pointer self, member_id to) {
  auto& state = self->state;
  const auto* peer = find_peer(self, to);
  if (!state.links.shipper || !peer || !peer->up)
    return;
  auto now = steady_now(self);
  auto& x = state.group.shipments[to];
  if (x.offer && now - x.told >= log_time{1'000})
    send_offer(self, to, x);
  if (x.offer || x.opening || now < x.not_before)
    return;
  x.opening = true;
  // The view has to show a position that the log still has: what is applied now.
  self->request(replica_actor{self}, std::chrono::seconds{30}, flush_request{})
    .then(
      [self, to](uint64_t) {
        self->request(self->state.links.shipper, std::chrono::seconds{30}, open_transfer{self->state.options.partition, to})
          .then([self, to](const transfer_opened& x) { opened(self, to, x); },
                [self, to](const caf::error&) { self->state.group.shipments[to].opening = false; });
      },
      [self, to](const caf::error&) { self->state.group.shipments[to].opening = false; });
}

void transfer_ended(replica_pointer self, const overwatch::transfer_ended& x) {
  auto& shipments = self->state.group.shipments;
  auto i = shipments.find(x.to);
  if (i == shipments.end() || !i->second.offer || i->second.offer->transfer != x.transfer)
    return;
  auto applied = i->second.offer->applied;
  i->second = {};
  if (!x.completed)
    return;
  auto pause = std::chrono::duration_cast<log_time>(shipping_pause);
  i->second.not_before = steady_now(self) + pause;
  i->second.kept_from = applied + 1; // until it has installed the state
}

void stop_shipping(replica_pointer self) {
  auto& state = self->state;
  for (const auto& [member, x] : state.group.shipments)
    if (x.offer)
      self->send(state.links.shipper, close_transfer{x.offer->transfer, false});
  state.group.shipments.clear();
}

uint64_t needed_from(replica_pointer self) {
  auto result = UINT64_MAX;
  auto now = steady_now(self);
  for (const auto& [member, x] : self->state.group.shipments) {
    if (x.offer)
      result = std::min(result, x.offer->applied + 1);
    if (now < x.not_before)
      result = std::min(result, x.kept_from);
  }
  return result;
}

// -- the member's side -----------------------------------------------------------

void take_offer(replica_pointer self, const state_offer& x) {
  auto& state = self->state;
  auto& group = state.group;
  const auto* peer = find_peer(self, x.from);
  if (state.log->log().leads() || x.applied <= state.machine->applied() || !peer || !peer->up)
    return;
  if (group.arriving) {
    if (group.arriving->offer.from == x.from || group.arriving->installing)
      return;
    self->send_exit(group.arriving->receiver, caf::exit_reason::user_shutdown);
    group.arriving.reset();
  }
  auto owner = transfer_owner{replica_actor{self}};
  auto& options = state.options;
  auto receiver = options.receive_detached
                    ? self->spawn<caf::detached>(state_receiver, options.receiving, state.links.db, x, owner,
                                                 peer->handles.shipper)
                    : self->spawn(state_receiver, options.receiving, state.links.db, x, owner, peer->handles.shipper);
  group.arriving = replica_state::arrival{std::move(receiver), x, 0, false};
}

void take_report(replica_pointer self, const receive_report& x) {
  auto& group = self->state.group;
  if (!group.arriving || group.arriving->offer.transfer != x.transfer)
    return;
  switch (x.phase) {
    case receive_phase::receiving:
      group.arriving->bytes = static_cast<double>(x.bytes);
      break;
    case receive_phase::received:
      if (!self->state.log->receive_snapshot(steady_now(self), group.arriving->offer.bytes)) {
        self->send_exit(group.arriving->receiver, caf::exit_reason::user_shutdown);
        group.arriving.reset();
      }
      break;
    case receive_phase::installed:
      group.arriving.reset();
      restart_machine(self);
      break;
    case receive_phase::failed:
      group.arriving.reset();
      break;
  }
}

void install_when_quiet(replica_pointer self) {
  auto& state = self->state;
  auto& arriving = state.group.arriving;
  if (!state.log->installs() || !arriving || arriving->installing || !state.flushes.empty())
    return;
  arriving->installing = true;
  self->send(arriving->receiver, install_state{state.log->install_batch()});
}

} // namespace overwatch::replica_group
