#include "actors/event_ring.hpp"

#include "actors/invariant.hpp"

#include <algorithm>

namespace overwatch {

size_t bytes_of(const event& x) {
  return sizeof(event) + x.message.size() + x.error.message.size()
         + (x.spec ? sizeof(task_spec) + x.spec->name.size() + x.spec->description.size() : 0);
}

void event_ring::begin(partition_id partition, uint64_t index) {
  auto& x = streams_[partition];
  event_cursor place{partition, index, last_logged_number};
  if (!x.kept.empty() && !(x.newest < place))
    return; // it has them all
  x.complete_after = place;
  x.newest = place;
}

void event_ring::push(stream& to, event&& x) {
  to.newest = x.cursor;
  to.kept.push_back(end());
  bytes_ += bytes_of(x);
  events_.push_back(std::move(x));
  while (events_.size() > 1 && (events_.size() > max_events_ || bytes_ > max_bytes_)) {
    const auto& oldest = events_.front();
    auto& its = streams_.at(oldest.cursor.partition);
    its.complete_after = std::max(its.complete_after, oldest.cursor);
    its.kept.pop_front();
    bytes_ -= bytes_of(oldest);
    events_.pop_front();
    ++first_;
  }
}

void event_ring::add(event&& x) {
  auto& to = streams_.at(x.cursor.partition);
  invariant(to.newest < x.cursor, "events of a partition come in the order of its log");
  push(to, std::move(x));
}

void event_ring::pass(partition_id partition, uint64_t index) {
  auto& newest = streams_.at(partition).newest;
  newest = std::max(newest, {partition, index, last_logged_number});
}

const event& event_ring::add_live(partition_id partition, event&& x, uint64_t number) {
  auto& to = streams_.at(partition);
  if (number == 0)
    number = static_cast<uint64_t>(std::max<int64_t>(0, x.time.time_since_epoch().count()));
  number = std::max({number, to.newest_live + 1, to.newest.number + 1, last_logged_number + 1});
  to.newest_live = number;
  x.cursor = {partition, to.newest.index, number};
  push(to, std::move(x));
  return events_.back();
}

void event_ring::complete(event_position& x) const {
  for (const auto& [partition, one] : streams_)
    if (x.find(partition) == nullptr)
      x.advance(one.newest);
}

event_position event_ring::newest() const {
  event_position result;
  complete(result);
  return result;
}

std::vector<event_cursor> event_ring::missed(const event_position& x) const {
  std::vector<event_cursor> result;
  for (const auto& [partition, one] : streams_)
    if (const auto* seen = x.find(partition); seen != nullptr && *seen < one.complete_after)
      result.push_back(one.complete_after);
  return result;
}

uint64_t event_ring::first_unseen(const event_position& x) const {
  auto result = end();
  for (const auto& [partition, one] : streams_) {
    const auto* seen = x.find(partition);
    if (seen == nullptr)
      continue;
    auto i =
      std::upper_bound(one.kept.begin(), one.kept.end(), *seen,
                       [this](const event_cursor& cursor, uint64_t number) { return cursor < at(number).cursor; });
    if (i != one.kept.end())
      result = std::min(result, *i);
  }
  return result;
}

} // namespace overwatch
