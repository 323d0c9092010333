#pragma once

#include "actors/state_transfer.hpp"

#include <caf/actor_clock.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <memory>

namespace overwatch {

struct state_shipper_options {
  size_t chunk_bytes = 256 * 1024;  ///< of keys and values; a chunk ends with the row that reaches it
  size_t max_transfers = 4;         ///< at once; each keeps the space of what is overwritten meanwhile
  uint64_t max_ahead = 16;          ///< a request may be so far beyond the next chunk
  std::chrono::seconds idle_limit{60};   ///< without a request a transfer goes
  std::chrono::seconds view_limit{1800}; ///< the longest that a view is kept
  transfer_id first_transfer = 0;   ///< 0: a random one
};

/// Opens views of partitions for transfers and cuts them into chunks. Keeps no chunk: one that is asked for again is
/// read again. Runs detached, because it reads the store. Ends with the node.
struct state_shipper_state {
  static inline const char* name = "state_shipper";

  struct transfer {
    partition_id partition = 0;
    member_id to = 0;
    key_range range;
    std::unique_ptr<store_reader> view;   // before the cursor: it must outlive it
    std::unique_ptr<store_cursor> cursor; // stands where `next` begins
    uint64_t next = 0;                    // the chunk that the cursor is at
    std::vector<std::string> first_keys;  // of all chunks that are known
    bool whole = false;                   // there are no others
    caf::actor_clock::time_point opened;
    caf::actor_clock::time_point used;

    bool at_end() const { return whole && next == first_keys.size(); }
  };

  const store* db = nullptr;
  state_shipper_options options;
  std::map<partition_id, transfer_owner> replicas;
  std::map<transfer_id, transfer> transfers;
  transfer_id newest = 0;
  bool ticking = false;
};

/// `db` must outlive it.
state_shipper_actor::behavior_type state_shipper(state_shipper_actor::stateful_pointer<state_shipper_state> self,
                                                 const store* db, state_shipper_options options);

} // namespace overwatch
