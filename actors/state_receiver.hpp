#pragma once

#include "actors/state_transfer.hpp"

#include <caf/actor_clock.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <memory>
#include <optional>
#include <set>

namespace overwatch {

struct state_receiver_options {
  uint64_t window = 4;                    ///< chunks that are asked for at once; bounds its memory
  std::chrono::seconds chunk_timeout{5};  ///< then a chunk is asked for again
  milliseconds tick_interval{1000};       ///< between two reports, and before a chunk that failed is asked for again
  std::chrono::seconds stall_limit{120};  ///< without a new chunk it gives up
  unsigned max_damaged = 10;              ///< chunks that came damaged; then it gives up
};

/// Receives one state: pulls its chunks, verifies them, and stages them in the store beside the state that is there.
/// Runs detached, because it writes. Ends itself after it has reported `installed` or `failed`; an exit message ends
/// it before.
struct state_receiver_state {
  static inline const char* name = "state_receiver";

  state_receiver_options options;
  state_offer offer;
  transfer_owner owner;
  state_shipper_actor shipper; ///< none while there is no link
  key_range range;
  std::unique_ptr<range_replacement> staged;

  uint64_t next = 0;                       ///< the chunk that is staged next
  std::map<uint64_t, state_chunk> arrived; ///< that came before their turn
  std::set<uint64_t> asked;                ///< that are on their way
  std::string last_key;
  bool found_position = false; ///< the record with the position was among the rows, and is the offered one
  bool complete = false;
  unsigned damaged = 0;
  uint64_t keys = 0;
  uint64_t bytes = 0;
  uint64_t told_bytes = 0; ///< in the newest report
  caf::actor_clock::time_point newest_chunk;
  std::optional<write_batch> installing; ///< found no space and is tried again
};

/// Begins at once. `db` must outlive it; `shipper` is that of the node which made the offer.
state_receiver_actor::behavior_type state_receiver(state_receiver_actor::stateful_pointer<state_receiver_state> self,
                                                   state_receiver_options options, store* db, state_offer offer,
                                                   transfer_owner owner, const caf::strong_actor_ptr& shipper);

} // namespace overwatch
