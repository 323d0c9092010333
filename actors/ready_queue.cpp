#include "actors/ready_queue.hpp"

#include "actors/partition_state.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace overwatch {

ready_key ready_key_of(const task_spec& spec, const task_state& state) {
  const auto& x = spec.resources;
  return {state.order, spec.id, state.queued_at.value_or(spec.created_at), {x.cpu, x.io, x.memory_mb},
          spec.placement.empty() ? nullptr : std::make_shared<const task_placement>(spec.placement)};
}

bool allows(const task_placement& x, const std::string& node, const std::map<std::string, std::string>& labels) {
  return (x.node.empty() || x.node == node) && std::all_of(x.labels.begin(), x.labels.end(), [&](const auto& label) {
           auto i = labels.find(label.first);
           return i != labels.end() && i->second == label.second;
         });
}

// Placements that no task in memory has any more are forgotten when there are many.
ready_key ready_queue::key_of(const task_spec& spec, const task_state& state) {
  constexpr size_t many = 1'000;
  auto key = ready_key_of(spec, state);
  if (!key.where)
    return key;
  if (placements_.size() >= many)
    for (auto i = placements_.begin(); i != placements_.end();)
      i = i->second.use_count() == 1 ? placements_.erase(i) : std::next(i);
  auto& one = placements_[{spec.placement.node, spec.placement.labels}];
  if (!one)
    one = key.where;
  key.where = one;
  return key;
}

ready_queue::windows& ready_queue::queue_of(const lane& which, bool complete) {
  auto [i, fresh] = queues_.try_emplace(which);
  if (fresh)
    for (size_t x = 0; x < priority_names.size(); ++x)
      i->second.emplace(static_cast<priority>(x), window<ready_key>{options_.window, complete});
  return i->second;
}

double ready_queue::rank(priority importance, timestamp queued, timestamp now) const {
  auto level = static_cast<double>(importance);
  if (importance == priority::critical || options_.ageing_step.count() <= 0)
    return level;
  auto waited = std::chrono::duration<double>(now - queued).count();
  auto risen = std::max(0.0, waited) / static_cast<double>(options_.ageing_step.count());
  return std::max(static_cast<double>(priority::high), level - risen);
}

void ready_queue::insert(const task_spec& spec, const task_state& state, uint64_t index) {
  queue_of({spec.task_type, asks_for_resources(spec)}).at(spec.importance).insert(key_of(spec, state), index);
}

void ready_queue::erase(const task_spec& spec, uint64_t order) {
  if (auto i = queues_.find({spec.task_type, asks_for_resources(spec)}); i != queues_.end())
    i->second.at(spec.importance).erase({order, spec.id, {}, {}, nullptr});
}

// Of two that have waited to the same rank, the one that waits longer; of one priority, the one whose turn it is.
void ready_queue::consider(std::optional<candidate>& best, candidate x) const {
  auto place = [](const candidate& y) { return std::tie(y.rank, y.key.queued, y.key.id); };
  if (!best || place(x) < place(*best))
    best = x;
}

std::optional<ready_queue::candidate> ready_queue::best(const std::string& task_type, timestamp now,
                                                        const fits& has_room) const {
  std::optional<candidate> result;
  auto plain = queues_.find({task_type, false});
  auto demanding = queues_.find({task_type, true});
  for (size_t i = 0; i < priority_names.size(); ++i) {
    auto importance = static_cast<priority>(i);
    auto look = [&](const ready_key& key, bool resources) {
      consider(result, {importance, key, rank(importance, key.queued, now), resources});
    };
    if (plain != queues_.end() && !plain->second.at(importance).empty())
      look(plain->second.at(importance).front(), false);
    if (demanding != queues_.end())
      if (auto key = first_that_fits(demanding->second.at(importance), has_room))
        look(*key, true);
    if (result && importance == priority::critical)
      break;
  }
  return result;
}

// Tasks that may only run where nothing is free now are passed over, however many they are. Of the others, only so many
// that do not fit are looked at.
std::optional<ready_key> ready_queue::first_that_fits(const window<ready_key>& tasks, const fits& has_room) const {
  std::vector<const task_placement*> taken;
  size_t looked = 0;
  for (const auto& key : tasks.keys()) {
    if (key.where && std::find(taken.begin(), taken.end(), key.where.get()) != taken.end())
      continue;
    if (has_room(key))
      return key;
    if (key.where && !has_room({0, {}, {}, {}, key.where}))
      taken.push_back(key.where.get());
    else if (++looked == options_.lookahead)
      break;
  }
  return std::nullopt;
}

std::optional<ready_queue::candidate> ready_queue::first_with_demand(const std::string& task_type, timestamp now,
                                                                     const fits& possible) const {
  std::optional<candidate> result;
  auto i = queues_.find({task_type, true});
  if (i == queues_.end())
    return result;
  for (const auto& [importance, tasks] : i->second) {
    size_t looked = 0;
    for (const auto& key : tasks.keys()) {
      if (looked++ == options_.lookahead)
        break;
      const auto& x = key.demand;
      if ((x.cpu <= 0 && x.io <= 0 && x.memory_mb == 0) || !possible(key))
        continue;
      consider(result, {importance, key, rank(importance, key.queued, now), true});
      break;
    }
  }
  return result;
}

void ready_queue::pop(const std::string& task_type, const candidate& x) {
  queues_.at({task_type, x.resources}).at(x.importance).erase(x.key);
}

bool ready_queue::idle(const task_spec& spec) const {
  auto i = queues_.find({spec.task_type, asks_for_resources(spec)});
  return i == queues_.end() || std::all_of(i->second.begin(), i->second.end(), [](const auto& x) {
           return x.second.empty() && !x.second.incomplete();
         });
}

std::vector<ready_request> ready_queue::wanted_pages() {
  std::vector<ready_request> result;
  for (auto& [which, priorities] : queues_)
    for (auto& [importance, tasks] : priorities)
      if (tasks.wants_page()) {
        std::optional<std::pair<uint64_t, task_id>> after;
        if (const auto& start = tasks.page_start())
          after.emplace(start->order, start->id);
        result.push_back({which.first, which.second, importance, after, static_cast<uint32_t>(tasks.page_size())});
      }
  return result;
}

void ready_queue::add_page(const ready_page& page) {
  std::vector<ready_key> found;
  found.reserve(page.items.size());
  for (const auto& item : page.items) {
    auto key = key_of(*item.task.spec, item.state);
    key.order = item.order;
    found.push_back(key);
  }
  queue_of({page.task_type, page.resources}).at(page.importance).add_page(found, page.exhausted, page.applied);
}

void ready_queue::page_failed(const ready_request& request) {
  queue_of({request.task_type, request.resources}).at(request.importance).page_failed();
}

void ready_queue::expect(const std::string& task_type) {
  queue_of({task_type, false}, false);
  queue_of({task_type, true}, false);
}

uint64_t ready_queue::ahead_of(const task_spec& spec, const task_state& state, timestamp now) const {
  auto own_key = ready_key_of(spec, state);
  auto own = rank(spec.importance, own_key.queued, now);
  uint64_t count = 0;
  auto is_before = [&](priority importance, const ready_key& key) {
    if (importance == spec.importance)
      return key < own_key;
    return std::pair{rank(importance, key.queued, now), key.queued} < std::pair{own, own_key.queued};
  };
  for (const auto& [which, priorities] : queues_)
    for (const auto& [importance, tasks] : priorities)
      for (const auto& key : tasks.keys())
        count += which.first == spec.task_type && is_before(importance, key) ? 1 : 0;
  return count;
}

priority_counts ready_queue::waiting(const std::string& task_type, timestamp now, uint32_t limit,
                                     const fits& has_room) const {
  priority_counts counts{};
  for (auto resources : {false, true}) {
    auto queue = queues_.find({task_type, resources});
    if (queue == queues_.end())
      continue;
    for (const auto& [importance, tasks] : queue->second) {
      if (tasks.empty())
        continue;
      auto& count = counts[static_cast<size_t>(std::ceil(rank(importance, tasks.front().queued, now)))];
      size_t looked = 0;
      if (!resources)
        count += static_cast<uint32_t>(std::min<size_t>(tasks.size(), limit));
      else
        for (auto key = tasks.keys().begin(); key != tasks.keys().end() && looked < options_.lookahead; ++key, ++looked)
          count += has_room(*key) ? 1 : 0;
      count = std::min(count, limit);
    }
  }
  return counts;
}

std::vector<std::string> ready_queue::task_types() const {
  std::vector<std::string> result;
  for (const auto& [which, priorities] : queues_)
    if (result.empty() || result.back() != which.first)
      result.push_back(which.first);
  return result;
}

uint64_t ready_queue::size() const {
  uint64_t total = 0;
  for (const auto& [which, priorities] : queues_)
    for (const auto& [importance, tasks] : priorities)
      total += tasks.size();
  return total;
}

} // namespace overwatch
