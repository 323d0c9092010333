#pragma once

#include "messages/event.hpp"

#include <deque>
#include <map>

namespace overwatch {

/// The newest events of all partitions in the order in which they came, numbered from 0. Bounded as a whole: the oldest
/// goes first, of whatever partition, and its partition remembers what it is complete after. No actors, no clock.
class event_ring {
public:
  event_ring() = default;
  event_ring(size_t max_events, size_t max_bytes) : max_events_{max_events}, max_bytes_{max_bytes} {}

  /// Of this partition everything behind the entry `index` will be added. What came before may be missing.
  void begin(partition_id partition, uint64_t index);
  bool has_begun(partition_id partition) const { return streams_.count(partition) > 0; }

  /// The next event of a partition that has begun: its cursor is behind all of that partition.
  void add(event&& x);

  /// An entry of which there is nothing to tell.
  void pass(partition_id partition, uint64_t index);

  /// One that is not in the log. Gets its cursor here; `number` is what another node gave it, 0: none did.
  const event& add_live(partition_id partition, event&& x, uint64_t number);

  /// Adds to a position what is newest of the partitions that it does not name.
  void complete(event_position& x) const;

  /// The position of a reader who has seen all.
  event_position newest() const;

  /// The newest cursors of events that are gone, as far as a reader with this position has missed something.
  std::vector<event_cursor> missed(const event_position& x) const;

  /// Number of the first event that a reader with this position has not seen; the partitions that it does not name
  /// count as seen. `end()`: there is none.
  uint64_t first_unseen(const event_position& x) const;

  uint64_t first() const { return first_; } ///< number of the oldest event that is kept
  uint64_t end() const { return first_ + events_.size(); }
  const event& at(uint64_t number) const { return events_[number - first_]; }

private:
  struct stream {
    event_cursor newest;         // also when it is not kept
    event_cursor complete_after; // everything after it is kept
    uint64_t newest_live = 0;    // number of the newest event that is not in the log
    std::deque<uint64_t> kept;   // numbers of its events
  };

  void push(stream& to, event&& x);

  size_t max_events_ = 0;
  size_t max_bytes_ = 0;
  std::map<partition_id, stream> streams_;
  std::deque<event> events_;
  size_t bytes_ = 0;
  uint64_t first_ = 0;
};

/// What an event takes in memory, about.
size_t bytes_of(const event& x);

} // namespace overwatch
