#include "actors/state_shipper.hpp"

#include "actors/chunk_codec.hpp"
#include "actors/keys.hpp"
#include "actors/wire.hpp"

#include <caf/actor_cast.hpp>

#include <algorithm>
#include <random>

namespace overwatch {

namespace {

using shipper_pointer = state_shipper_actor::stateful_pointer<state_shipper_state>;
using transfer = state_shipper_state::transfer;

constexpr std::chrono::seconds tick_interval{5};

void keep_ticking(shipper_pointer self) {
  if (!self->state.transfers.empty() && !std::exchange(self->state.ticking, true))
    self->delayed_send(self, tick_interval, caf::tick_atom::value);
}

caf::result<transfer_opened> open(shipper_pointer self, const open_transfer& x) {
  auto& state = self->state;
  if (state.transfers.size() >= state.options.max_transfers)
    return make_error(ec::overloaded, "this node ships " + std::to_string(state.transfers.size()) +
                                        " states already; ask again when one of them has arrived");
  transfer fresh;
  fresh.partition = x.partition;
  fresh.to = x.to;
  fresh.range = state_of(x.partition);
  fresh.view = state.db->view();
  auto meta = fresh.view->get(key_space::state, keys::meta(x.partition));
  auto applied = meta ? position_of(*meta) : std::nullopt;
  if (!applied || *applied == 0)
    return make_error(ec::unavailable, "there is no state of partition " + std::to_string(x.partition) + " yet");
  fresh.first_keys.push_back(fresh.range.first);
  fresh.opened = fresh.used = self->clock().now();
  auto id = ++state.newest;
  state.transfers.emplace(id, std::move(fresh));
  keep_ticking(self);
  return transfer_opened{id, *applied};
}

// The chunk that the cursor stands at.
std::string cut_chunk(transfer& x, size_t enough) {
  std::string bytes;
  auto& cursor = *x.cursor;
  for (; cursor.valid() && bytes.size() < enough; cursor.next())
    append_row(bytes, cursor.key(), cursor.value());
  if (++x.next == x.first_keys.size() && !x.whole) {
    x.whole = !cursor.valid();
    if (!x.whole)
      x.first_keys.emplace_back(cursor.key());
  }
  return bytes;
}

caf::result<state_chunk> read_chunk(shipper_pointer self, const chunk_request& x) {
  auto& state = self->state;
  auto i = state.transfers.find(x.transfer);
  if (i == state.transfers.end())
    return make_error(ec::not_found, "there is no such transfer of a state any more");
  auto& from = i->second;
  from.used = self->clock().now();
  if (x.number >= from.first_keys.size() + state.options.max_ahead)
    return make_error(ec::invalid, "chunk " + std::to_string(x.number) + " is too far ahead");
  state_chunk result;
  result.transfer = x.transfer;
  result.number = x.number;
  if (!from.whole || x.number < from.first_keys.size()) {
    auto known = std::min<uint64_t>(x.number, from.first_keys.size() - 1);
    if (!from.cursor || from.next != known) {
      from.next = known;
      from.cursor = from.view->scan(key_space::state, from.first_keys[known], from.range.last);
    }
    while (from.next < x.number && !from.at_end())
      cut_chunk(from, state.options.chunk_bytes);
    if (!from.at_end())
      result.bytes = cut_chunk(from, state.options.chunk_bytes);
  }
  result.end = from.whole && x.number + 1 >= from.first_keys.size();
  result.checksum = checksum_of(result);
  return result;
}

void close(shipper_pointer self, std::map<transfer_id, transfer>::iterator i, bool completed) {
  auto& state = self->state;
  transfer_ended end{i->second.partition, i->first, i->second.to, completed};
  state.transfers.erase(i);
  if (auto owner = state.replicas.find(end.partition); owner != state.replicas.end())
    self->send(owner->second, end);
}

void close_old_ones(shipper_pointer self) {
  auto& state = self->state;
  auto time = self->clock().now();
  for (auto i = state.transfers.begin(); i != state.transfers.end();) {
    auto old = i++;
    if (time - old->second.used >= state.options.idle_limit || time - old->second.opened >= state.options.view_limit)
      close(self, old, false);
  }
  keep_ticking(self);
}

transfer_id random_id() {
  std::random_device random;
  return static_cast<uint64_t>(random()) << 31 ^ random();
}

} // namespace

state_shipper_actor::behavior_type state_shipper(shipper_pointer self, const store* db,
                                                 state_shipper_options options) {
  auto& state = self->state;
  state.db = db;
  state.options = options;
  state.newest = options.first_transfer == 0 ? random_id() : options.first_transfer;
  return {
    [=](caf::join_atom, partition_id partition, const caf::strong_actor_ptr& replica) {
      self->state.replicas[partition] = caf::actor_cast<transfer_owner>(replica);
    },
    [=](const open_transfer& x) { return open(self, x); },
    [=](const chunk_request& x) { return read_chunk(self, x); },
    [=](const close_transfer& x) {
      if (auto i = self->state.transfers.find(x.transfer); i != self->state.transfers.end())
        close(self, i, x.completed);
    },
    [=](const state_offer& x) {
      if (auto i = self->state.replicas.find(x.partition); i != self->state.replicas.end())
        self->send(i->second, x);
    },
    [=](caf::tick_atom) {
      self->state.ticking = false;
      close_old_ones(self);
    },
  };
}

} // namespace overwatch
