#pragma once

#include "actors/event_ring.hpp"
#include "actors/interfaces.hpp"

#include <deque>
#include <map>
#include <optional>

namespace overwatch {

struct event_hub_options {
  std::string node;                     ///< its name
  size_t max_events = 16'384;           ///< kept for readers that come back
  size_t max_bytes = 32ULL << 20;       ///< about
  size_t max_waiting_readers = 10'000;
  milliseconds tick_interval{100};      ///< waits end with this accuracy
  milliseconds gather_interval{100};    ///< events that are not in the log go to other nodes this often, or
  size_t max_gathered_events = 512;     ///< when there are so many,
  size_t max_gathered_bytes = 256 << 10; ///< or about so many bytes
  uint32_t max_batches = 32;            ///< to one node within `interest_interval`; what is more is dropped and counted
  milliseconds interest_interval{1'000}; ///< a hub with readers tells the others this often that it has some
  milliseconds interest_lasts{3'000};   ///< and counts as having some for this long; its readers count for as long
};

/// Keeps the newest events of all partitions, which have a replica on every node, and answers readers from them. A
/// reader that was away for too long gets a `gap` event first. Events that are not in the log come from the scheduler
/// of the partition, so only the node where that leads has them: a hub with readers of such events asks the hubs of its
/// peers for them. Owns nothing durable: what it has lost, the tasks still show.
class event_hub_state {
public:
  static inline const char* name = "event_hub";
  using pointer = event_hub_actor::stateful_pointer<event_hub_state>;

  void set_up(pointer self, event_hub_options options);
  void begin(const applied_position& x);
  void add(const applied_entry& entry);
  void add_live(live_events& x);
  caf::result<event_batch> read(event_request& x);
  void answer_readers();
  void tick();

  // -- other nodes: event_hub_peers.cpp -------------------------------------------------------------------------------
  void set_peer(const peer_report& x);
  void set_interest(const live_interest& x);
  void add_batch(live_batch& x);
  void send_gathered();
  void renew_interest();

private:
  struct reader {
    caf::typed_response_promise<event_batch> promise;
    event_request request;
    event_position from;
    std::optional<uint64_t> next; // event to look at; none: to be found from the position
    caf::actor_clock::time_point until;
  };

  struct peer {
    event_hub_actor hub;
    std::optional<caf::actor_clock::time_point> interested_until; // none: it has no readers
    uint32_t batches = 0; // that it may still be sent
    uint64_t dropped = 0; // events, since the last batch
  };

  std::optional<event> event_of_gate(const document_change& change); ///< when it opened or closed
  bool fill(reader& x, event_batch& out) const;
  void add_gaps(reader& x, event_batch& out) const;
  void note_interest(const event_request& x);
  bool has_readers_of_live_events() const;
  void tell_interest(const peer& x);
  void gather(const event& x);

  pointer self_ = nullptr;
  event_hub_options options_;
  event_ring events_;
  std::map<std::string, bool> gates_; // open? Of those that changed since the start, at most `max_gates`
  std::deque<reader> readers_;
  bool ticking_ = false;

  std::map<std::string, peer> peers_; // that are up, by node
  std::optional<caf::actor_clock::time_point> interested_until_; // none: no reader of live events was here
  bool renewing_ = false;
  live_batch gathered_;
  size_t gathered_bytes_ = 0;
  bool gathering_ = false;
};

event_hub_actor::behavior_type event_hub(event_hub_state::pointer self, event_hub_options options);

} // namespace overwatch
