#pragma once

#include "actors/interfaces.hpp"

#include <deque>
#include <map>
#include <optional>

namespace overwatch {

struct event_hub_options {
  size_t max_events = 16'384;           ///< kept for readers that come back
  size_t max_bytes = 32ULL << 20;       ///< about
  size_t max_waiting_readers = 10'000;
  milliseconds tick_interval{100};      ///< waits end with this accuracy
};

/// Keeps the newest events of the partitions that lead here and answers readers from them. A reader that was
/// away for too long gets a `gap` event first. Owns nothing durable: what it has lost, the tasks still show.
class event_hub_state {
public:
  static inline const char* name = "event_hub";
  using pointer = event_hub_actor::stateful_pointer<event_hub_state>;

  void set_up(pointer self, event_hub_options options);
  void add(const applied_entry& entry);
  void add_live(partition_id partition, std::vector<event>& events);
  caf::result<event_batch> read(event_request& x);
  void tick();

private:
  struct reader {
    caf::typed_response_promise<event_batch> promise;
    event_request request;
    caf::actor_clock::time_point until;
  };

  void append(event&& x);
  std::optional<event> event_of_gate(const document_change& change); ///< when it opened or closed
  void answer_readers();
  bool fill(const event_request& x, event_batch& out) const;

  pointer self_ = nullptr;
  event_hub_options options_;
  std::deque<event> events_;
  size_t bytes_ = 0;
  bool begun_ = false;             // an entry came since the start
  event_cursor newest_;            // of the newest event, also when it is not kept
  event_cursor complete_after_;    // everything after it is in `events_`
  std::map<std::string, bool> gates_; // open? Of those that changed since the start, at most `max_gates`
  std::deque<reader> readers_;
  bool ticking_ = false;
};

event_hub_actor::behavior_type event_hub(event_hub_state::pointer self, event_hub_options options);

} // namespace overwatch
