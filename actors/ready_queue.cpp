#include "actors/ready_queue.hpp"

#include <algorithm>

namespace overwatch {

ready_queue::windows& ready_queue::queue_of(const std::string& task_type, bool complete) {
  auto [i, fresh] = queues_.try_emplace(task_type);
  if (fresh)
    for (size_t x = 0; x < priority_names.size(); ++x)
      i->second.emplace(static_cast<priority>(x), window<ready_key>{options_.window, complete});
  return i->second;
}

double ready_queue::rank(priority importance, uint64_t order, timestamp now) const {
  auto level = static_cast<double>(importance);
  if (importance == priority::critical || options_.ageing_step.count() <= 0)
    return level;
  auto queued = timestamp{std::chrono::microseconds{static_cast<int64_t>(order)}};
  auto waited = std::chrono::duration<double>(now - queued).count();
  auto risen = std::max(0.0, waited) / static_cast<double>(options_.ageing_step.count());
  return std::max(static_cast<double>(priority::high), level - risen);
}

void ready_queue::insert(const std::string& task_type, priority importance, ready_key key, uint64_t index) {
  queue_of(task_type).at(importance).insert(key, index);
}

void ready_queue::erase(const std::string& task_type, priority importance, ready_key key) {
  if (auto i = queues_.find(task_type); i != queues_.end())
    i->second.at(importance).erase(key);
}

std::optional<ready_queue::candidate> ready_queue::best(const std::string& task_type, timestamp now) const {
  auto i = queues_.find(task_type);
  if (i == queues_.end())
    return std::nullopt;
  std::optional<candidate> result;
  for (const auto& [importance, tasks] : i->second) {
    if (tasks.empty())
      continue;
    auto key = tasks.front();
    auto key_rank = rank(importance, key.first, now);
    if (!result || key_rank < result->rank || (key_rank == result->rank && key < result->key))
      result = candidate{importance, key, key_rank};
    if (importance == priority::critical)
      break;
  }
  return result;
}

void ready_queue::pop(const std::string& task_type, const candidate& x) {
  queues_.at(task_type).at(x.importance).erase(x.key);
}

bool ready_queue::idle(const std::string& task_type) const {
  auto i = queues_.find(task_type);
  return i == queues_.end() || std::all_of(i->second.begin(), i->second.end(), [](const auto& x) {
           return x.second.empty() && !x.second.incomplete();
         });
}

std::vector<ready_request> ready_queue::wanted_pages() {
  std::vector<ready_request> result;
  for (auto& [task_type, priorities] : queues_)
    for (auto& [importance, tasks] : priorities)
      if (tasks.wants_page())
        result.push_back({task_type, importance, tasks.page_start(), static_cast<uint32_t>(tasks.page_size())});
  return result;
}

void ready_queue::add_page(const ready_page& page) {
  std::vector<ready_key> found;
  found.reserve(page.items.size());
  for (const auto& item : page.items)
    found.emplace_back(item.order, item.id);
  queue_of(page.task_type).at(page.importance).add_page(found, page.exhausted, page.applied);
}

void ready_queue::page_failed(const ready_request& request) {
  queue_of(request.task_type).at(request.importance).page_failed();
}

void ready_queue::expect(const std::string& task_type) {
  queue_of(task_type, false);
}

uint64_t ready_queue::ahead_of(const std::string& task_type, priority importance, ready_key key, timestamp now) const {
  auto i = queues_.find(task_type);
  if (i == queues_.end())
    return 0;
  auto own = rank(importance, key.first, now);
  uint64_t count = 0;
  for (const auto& [other, tasks] : i->second)
    for (const auto& x : tasks.keys()) {
      auto other_rank = rank(other, x.first, now);
      if (other_rank > own || (other_rank == own && !(x < key)))
        break; // ranks fall with age, so all behind it are behind us too
      ++count;
    }
  return count;
}

std::vector<std::string> ready_queue::task_types() const {
  std::vector<std::string> result;
  for (const auto& [task_type, priorities] : queues_)
    result.push_back(task_type);
  return result;
}

uint64_t ready_queue::size() const {
  uint64_t total = 0;
  for (const auto& [task_type, priorities] : queues_)
    for (const auto& [importance, tasks] : priorities)
      total += tasks.size();
  return total;
}

} // namespace overwatch
