#include "runtime/replication/recent_entries.hpp"

#include "actors/invariant.hpp"

namespace overwatch {

void recent_entries::add(const log_append& x) {
  invariant(entries_.empty() || entries_.back().index + 1 == x.index, "recent entries have no gap");
  bytes_ += x.bytes.size();
  entries_.push_back(x);
}

void recent_entries::cut_from(uint64_t index) {
  while (!entries_.empty() && entries_.back().index >= index) {
    bytes_ -= entries_.back().bytes.size();
    entries_.pop_back();
  }
}

void recent_entries::cut_below(uint64_t first) {
  while (!entries_.empty() && entries_.front().index < first)
    drop_oldest();
}

void recent_entries::clear() {
  entries_.clear();
  bytes_ = 0;
}

void recent_entries::durable(uint64_t index) {
  while (bytes_ > max_bytes_ && entries_.front().index <= index)
    drop_oldest();
}

const log_append* recent_entries::find(uint64_t index) const {
  if (entries_.empty() || index < entries_.front().index || index > entries_.back().index)
    return nullptr;
  return &entries_[index - entries_.front().index];
}

void recent_entries::drop_oldest() {
  bytes_ -= entries_.front().bytes.size();
  entries_.pop_front();
}

} // namespace overwatch
