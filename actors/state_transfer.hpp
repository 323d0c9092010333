#pragma once

#include "actors/replicated_log.hpp"
#include "actors/store.hpp"
#include "messages/task_id.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

/// How the state of a partition gets from the node that leads it to one that lags behind or is new. The log says when
/// (`log_update::send_snapshot`); its messages carry none of it. `state_shipper` (one per node) serves views of the
/// store in chunks, `state_receiver` (one per transfer) pulls them. Everything of a partition in space `state` is its
/// state; log entries are not, nor are task logs.
///
/// The replica that leads, told to `send_snapshot` to member M (it is told again at every heartbeat):
/// 1. A transfer to M is open: send its `state_offer` to M's shipper again (M may have restarted) and stop. Not more
///    often than once a second.
/// 2. Otherwise flush the state, so that the store stands at a position that the log still has; then ask the own
///    shipper `open_transfer`. An error (`overloaded`): the next heartbeat tries again.
/// 3. Ask `snapshot_offer(M, applied)` with the position of the answer. Nothing: send the own shipper
///    `close_transfer`, and try again at the next heartbeat. Otherwise remember the transfer as open and send the
///    `state_offer` to M's shipper, which hands it to M's replica.
/// 4. `transfer_ended` comes from the own shipper, however it ended: forget it. When it was complete, begin no other
///    one to M for `shipping_pause`: M is installing.
/// While transfers are open, and during the pause behind them, keep the log from the oldest offered position on:
/// `snapshot_taken` with `first_kept` of that position + 1 at most. Otherwise M is behind again when it has arrived.
/// Losing the leadership closes all (`close_transfer`): M answers to another leader now.
///
/// The replica of M, on a `state_offer`:
/// 1. It leads, or has applied that position already, or receives that transfer already: ignore it. It receives
///    another one: ignore it too, unless that one came from another member; then end that receiver and begin.
/// 2. Spawn a `state_receiver`, detached, and monitor nothing: it says with `receive_report` what becomes of it.
///    Tell it every new handle of the sender's shipper that membership reports (none while there is no link).
/// 3. `received`: the state is here and verified. `receive_snapshot(now, offer)`; the update has no `install`: end
///    the receiver. Otherwise apply and propose nothing any more, throw away what is appended and not applied, wait
///    until the journal has answered all writes of this partition (write no flush after that), then send the
///    receiver `install_state` with the batch of the log: the snapshot record, and the erasing of *all* entries.
/// 4. `installed`: read the state machine anew from the store, then `snapshot_installed()`. The receiver has ended.
///    `failed`: it has ended, nothing changed. The leader offers again.
/// To end a receiver send it an exit message: before `install_state` nothing changes, and its files go. After that
/// message it must not be ended.
///
/// A crash of either side needs nothing: the store throws away or completes what was staged, an unknown transfer is
/// refused, and the leader offers again.
namespace overwatch {

/// Of one shipper, never used again; begins at a random number so that one of an earlier life is not found.
using transfer_id = uint64_t;

inline constexpr std::chrono::seconds shipping_pause{10};
inline constexpr size_t max_state_chunk_bytes = max_message_bytes; ///< a larger one is refused

/// Opens a view for a member. Errors: `overloaded`, `unavailable` (there is no state yet).
struct open_transfer {
  partition_id partition = 0;
  member_id to = 0;
};

struct transfer_opened {
  transfer_id transfer = 0;
  uint64_t applied = 0; ///< the position of the state in the view
};

/// From the leading replica to the shipper of the member's node.
struct state_offer {
  partition_id partition = 0;
  member_id from = 0;
  transfer_id transfer = 0;
  uint64_t applied = 0;
  std::string bytes; ///< of `snapshot_offer`
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, state_offer& x) {
  return f(x.partition, x.from, x.transfer, x.applied, x.bytes);
}

/// Asks for a part of the state. The same number always gets the same part; numbers begin at 0, and not much more
/// than the next one can be asked for. Error `not_found`: there is no such transfer any more.
struct chunk_request {
  transfer_id transfer = 0;
  uint64_t number = 0;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, chunk_request& x) {
  return f(x.transfer, x.number);
}

/// Keys and values in their order (see `chunk_codec.hpp`).
struct state_chunk {
  transfer_id transfer = 0;
  uint64_t number = 0;
  bool end = false; ///< nothing is behind it
  std::string bytes;
  uint32_t checksum = 0; ///< of all of that
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, state_chunk& x) {
  return f(x.transfer, x.number, x.end, x.bytes, x.checksum);
}

/// Lets go of the view. `completed`: the receiver has all of it.
struct close_transfer {
  transfer_id transfer = 0;
  bool completed = false;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, close_transfer& x) {
  return f(x.transfer, x.completed);
}

/// From the shipper to the own replica that opened the transfer.
struct transfer_ended {
  partition_id partition = 0;
  transfer_id transfer = 0;
  member_id to = 0;
  bool completed = false;
};

enum class receive_phase : uint8_t {
  receiving, ///< told about once a second while there is progress
  received,  ///< everything is here and verified, nothing is changed yet
  installed, ///< it is the state of the store now, durably. The receiver has ended
  failed,    ///< `reason` says why; nothing was changed. The receiver has ended
};

/// From a receiver to its replica.
struct receive_report {
  partition_id partition = 0;
  transfer_id transfer = 0;
  receive_phase phase = receive_phase::receiving;
  uint64_t keys = 0;
  uint64_t bytes = 0;
  std::string reason;
};

/// To a receiver that has reported `received`.
struct install_state {
  write_batch with_it;
};

/// What of a replica a shipper and a receiver talk to.
using transfer_owner = caf::typed_actor<
  caf::reacts_to<state_offer>,
  caf::reacts_to<transfer_ended>,
  caf::reacts_to<receive_report>>;

/// Serves views of the store. Its handle goes to the other nodes in hello.
using state_shipper_actor = caf::typed_actor<
  // Registers the replica of a partition: it gets the offers that come for it, and opens transfers.
  caf::reacts_to<caf::join_atom, partition_id, caf::strong_actor_ptr>,
  caf::replies_to<open_transfer>::with<transfer_opened>,
  caf::replies_to<chunk_request>::with<state_chunk>,
  caf::reacts_to<close_transfer>,
  // From another node: handed to the replica of the partition.
  caf::reacts_to<state_offer>,
  // Internal: idle and old transfers go.
  caf::reacts_to<caf::tick_atom>>;

/// Pulls one transfer.
using state_receiver_actor = caf::typed_actor<
  // The sender's shipper has a new handle; an empty one: there is no link to its node.
  caf::reacts_to<caf::update_atom, caf::strong_actor_ptr>,
  caf::reacts_to<install_state>,
  // Internal: pull what is missing, report, give up.
  caf::reacts_to<caf::tick_atom>>;

} // namespace overwatch

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::open_transfer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::transfer_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::transfer_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::receive_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::install_state)
