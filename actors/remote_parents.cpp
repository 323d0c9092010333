#include "actors/remote_parents.hpp"

#include <algorithm>

namespace overwatch {

void remote_parents::add(const task_id& id, time_point now) {
  auto& to = partitions_[id.partition()];
  if (to.watched.count(id))
    return; // what is answered will be for the new task, too
  if (size_ >= options_.window) {
    more_ = true;
    missed_ = true;
    return;
  }
  to.watched.emplace(id, watch{options_.first_pause, now});
  to.by_time.emplace(now, id);
  ++size_;
}

void remote_parents::forget(const task_id& id) {
  auto& from = partitions_[id.partition()];
  auto i = from.watched.find(id);
  if (i == from.watched.end())
    return;
  if (i->second.due)
    from.by_time.erase({*i->second.due, id});
  from.watched.erase(i);
  --size_;
}

std::optional<remote_parents_request> remote_parents::wanted_page() {
  if (!more_ || loading_ || size_ > options_.window / 2)
    return std::nullopt;
  loading_ = true;
  if (loaded_until_.is_nil())
    missed_ = false;
  return remote_parents_request{loaded_until_, static_cast<uint32_t>(options_.window - size_)};
}

void remote_parents::add_page(const remote_parents_page& page, time_point now) {
  loading_ = false;
  for (const auto& id : page.ids)
    add(id, now);
  if (!page.exhausted && !page.ids.empty()) {
    loaded_until_ = page.ids.back();
  } else {
    loaded_until_ = {};
    more_ = missed_;
  }
}

std::vector<statuses_request> remote_parents::due(time_point now) {
  std::vector<statuses_request> result;
  for (auto& [partition, x] : partitions_) {
    if (!x.asked.empty() || x.by_time.empty() || x.by_time.begin()->first > now)
      continue;
    while (!x.by_time.empty() && x.by_time.begin()->first <= now + options_.slack && x.asked.size() < options_.batch) {
      x.asked.push_back(x.by_time.begin()->second);
      x.watched.at(x.asked.back()).due.reset();
      x.by_time.erase(x.by_time.begin());
    }
    result.push_back({partition, x.asked});
  }
  return result;
}

void remote_parents::answered(partition_id partition, const statuses_reply& reply, time_point now) {
  auto& x = partitions_[partition];
  for (const auto& parent : reply.ended)
    forget(parent.id);
  for (const auto& id : reply.missing)
    forget(id);
  for (const auto& id : std::exchange(x.asked, {}))
    if (auto i = x.watched.find(id); i != x.watched.end() && !i->second.due) { // else it was forgotten, and is wanted again
      auto& [pause, due] = i->second;
      due = now + pause;
      x.by_time.emplace(*due, id);
      pause = std::min(2 * pause, options_.longest_pause);
    }
}

std::optional<remote_parents::time_point> remote_parents::next() const {
  std::optional<time_point> result;
  for (const auto& [partition, x] : partitions_)
    if (x.asked.empty() && !x.by_time.empty() && (!result || x.by_time.begin()->first < *result))
      result = x.by_time.begin()->first;
  return result;
}

bool remote_parents::watches(const task_id& id) const {
  auto i = partitions_.find(id.partition());
  return i != partitions_.end() && i->second.watched.count(id) > 0;
}

} // namespace overwatch
