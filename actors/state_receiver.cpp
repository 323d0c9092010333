#include "actors/state_receiver.hpp"

#include "actors/chunk_codec.hpp"
#include "actors/invariant.hpp"
#include "actors/keys.hpp"
#include "actors/wire.hpp"

#include <caf/actor_cast.hpp>

namespace overwatch {

namespace {

using receiver_pointer = state_receiver_actor::stateful_pointer<state_receiver_state>;

void report(receiver_pointer self, receive_phase phase, std::string reason = {}) {
  auto& state = self->state;
  state.told_bytes = state.bytes;
  self->send(state.owner, receive_report{state.offer.partition, state.offer.transfer, phase, state.keys, state.bytes,
                                         std::move(reason)});
}

void fail(receiver_pointer self, std::string reason) {
  self->state.staged.reset();
  report(self, receive_phase::failed, std::move(reason));
  self->quit();
}

// Empty, or why the row cannot be.
std::string stage_row(state_receiver_state& state, std::string_view key, std::string_view value) {
  if (key < state.range.first || key >= state.range.last || (state.keys > 0 && key <= state.last_key))
    return "a key came that is not of this state or out of order";
  if (key == keys::meta(state.offer.partition)) {
    if (position_of(value) != state.offer.applied)
      return "the state has another position than was offered";
    state.found_position = true;
  }
  if (state.staged->add(key_space::state, key, value) == store_result::no_space)
    return "the disk is too full for it";
  state.last_key = key;
  ++state.keys;
  state.bytes += key.size() + value.size();
  return {};
}

std::string stage_chunk(state_receiver_state& state, const state_chunk& chunk) {
  std::string_view rest{chunk.bytes};
  std::string_view key;
  std::string_view value;
  while (!rest.empty()) {
    if (!take_row(rest, key, value))
      return "a chunk is not readable";
    if (auto problem = stage_row(state, key, value); !problem.empty())
      return problem;
  }
  if (!chunk.end)
    return {};
  if (!state.found_position)
    return "the state came without its position";
  return state.staged->close() == store_result::done ? "" : "the disk is too full for it";
}

bool is_intact(const state_receiver_state& state, const state_chunk& x, uint64_t number) {
  return x.transfer == state.offer.transfer && x.number == number && x.bytes.size() <= max_state_chunk_bytes &&
         (x.end || !x.bytes.empty()) && x.checksum == checksum_of(x);
}

void pull(receiver_pointer self);

void take(receiver_pointer self, uint64_t number, state_chunk& chunk) {
  auto& state = self->state;
  if (state.complete || !state.staged || number < state.next)
    return;
  if (!is_intact(state, chunk, number)) {
    if (++state.damaged > state.options.max_damaged)
      fail(self, "chunks come damaged");
    return; // the next tick asks again
  }
  state.arrived.emplace(number, std::move(chunk));
  state.newest_chunk = self->clock().now();
  for (auto i = state.arrived.begin(); i != state.arrived.end() && i->first == state.next && !state.complete;
       i = state.arrived.begin()) {
    if (auto problem = stage_chunk(state, i->second); !problem.empty()) {
      fail(self, std::move(problem));
      return;
    }
    state.complete = i->second.end;
    state.arrived.erase(i);
    ++state.next;
  }
  if (!state.complete) {
    pull(self);
    return;
  }
  state.arrived.clear();
  if (state.shipper)
    self->send(state.shipper, close_transfer{state.offer.transfer, true});
  report(self, receive_phase::received);
}

void pull(receiver_pointer self) {
  auto& state = self->state;
  if (!state.shipper || state.complete)
    return;
  for (auto number = state.next; number < state.next + state.options.window; ++number) {
    if (state.arrived.count(number) > 0 || !state.asked.insert(number).second)
      continue;
    self->request(state.shipper, state.options.chunk_timeout, chunk_request{state.offer.transfer, number})
      .then(
        [=](state_chunk& chunk) {
          self->state.asked.erase(number);
          take(self, number, chunk);
        },
        [=](const caf::error& error) {
          auto& state = self->state;
          state.asked.erase(number);
          if (!state.complete && state.staged && describe(error).code == ec::not_found)
            fail(self, "its sender has ended the transfer");
        });
  }
}

void install(receiver_pointer self) {
  auto& state = self->state;
  if (!state.installing || state.staged->finish(*state.installing) == store_result::no_space)
    return; // the next tick tries again
  state.staged.reset();
  report(self, receive_phase::installed);
  self->quit();
}

void look(receiver_pointer self) {
  auto& state = self->state;
  if (!state.complete && self->clock().now() - state.newest_chunk >= state.options.stall_limit) {
    fail(self, "nothing came of it for " + std::to_string(state.options.stall_limit.count()) + " s");
    return;
  }
  if (!state.complete && state.bytes != state.told_bytes)
    report(self, receive_phase::receiving);
  self->delayed_send(self, state.options.tick_interval, caf::tick_atom::value);
  pull(self);
  install(self);
}

} // namespace

state_receiver_actor::behavior_type state_receiver(receiver_pointer self, state_receiver_options options, store* db,
                                                   state_offer offer, transfer_owner owner,
                                                   const caf::strong_actor_ptr& shipper) {
  auto& state = self->state;
  state.options = options;
  state.range = state_of(offer.partition);
  state.offer = std::move(offer);
  state.owner = std::move(owner);
  state.shipper = caf::actor_cast<state_shipper_actor>(shipper);
  state.staged = db->replace({state.range});
  state.newest_chunk = self->clock().now();
  self->delayed_send(self, state.options.tick_interval, caf::tick_atom::value);
  pull(self);
  return {
    [=](caf::update_atom, const caf::strong_actor_ptr& handle) {
      auto& state = self->state;
      state.shipper = caf::actor_cast<state_shipper_actor>(handle);
      state.asked.clear(); // what was asked of the old one may never be answered
      pull(self);
    },
    [=](install_state& x) {
      invariant(self->state.complete, "a state is installed that was received");
      self->state.installing = std::move(x.with_it);
      install(self);
    },
    [=](caf::tick_atom) { look(self); },
  };
}

} // namespace overwatch
