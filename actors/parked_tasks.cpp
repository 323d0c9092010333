#include "actors/parked_tasks.hpp"

#include "actors/wait_reason.hpp"

#include <algorithm>

namespace overwatch {

namespace {

constexpr size_t gate_window = 2'048; // all of them are let go at once
constexpr size_t name_window = 64;    // one after the other

} // namespace

parked_tasks::queue& parked_tasks::queue_of(const std::string& reason, bool complete) {
  auto i = queues_.find(reason);
  if (i == queues_.end()) {
    auto limit = wait_reason::is(reason, wait_reason::gate) ? gate_window : name_window;
    i = queues_.emplace(reason, queue{window<place>{limit, complete}, 0}).first;
  }
  return i->second;
}

void parked_tasks::expect(const std::string& reason) {
  queue_of(reason, false);
}

void parked_tasks::insert(const std::string& reason, const place& task, uint64_t index) {
  auto& x = queue_of(reason, true);
  x.tasks.insert(task, index);
  x.wanted = 0;
}

void parked_tasks::move(const std::string& reason, const place& task, uint64_t index) {
  queue_of(reason, true).tasks.insert(task, index);
}

void parked_tasks::erase(const std::string& reason, const place& task) {
  auto i = queues_.find(reason);
  if (i == queues_.end())
    return;
  i->second.tasks.erase(task);
  drop_when_done(reason);
}

void parked_tasks::release(const std::string& reason, uint32_t count) {
  auto i = queues_.find(reason);
  if (i == queues_.end())
    return;
  auto& wanted = i->second.wanted;
  wanted = count == all || wanted >= all - count ? all : wanted + count;
  active_.push_back(reason);
}

std::vector<std::pair<task_id, std::string>> parked_tasks::take(size_t limit) {
  std::vector<std::pair<task_id, std::string>> result;
  std::vector<std::string> later;
  std::sort(active_.begin(), active_.end());
  active_.erase(std::unique(active_.begin(), active_.end()), active_.end());
  for (const auto& reason : std::exchange(active_, {})) {
    auto i = queues_.find(reason);
    if (i == queues_.end())
      continue;
    auto& x = i->second;
    while (x.wanted > 0 && !x.tasks.empty() && result.size() < limit) {
      result.emplace_back(x.tasks.front().second, reason);
      x.tasks.pop_front();
      if (x.wanted != all)
        --x.wanted;
    }
    if (x.wanted > 0 && (!x.tasks.empty() || x.tasks.incomplete()))
      later.push_back(reason);
    drop_when_done(reason);
  }
  active_.insert(active_.end(), later.begin(), later.end());
  return result;
}

std::vector<parked_request> parked_tasks::wanted_pages() {
  std::vector<parked_request> result;
  for (const auto& reason : active_)
    if (auto i = queues_.find(reason); i != queues_.end() && i->second.wanted > 0 && i->second.tasks.wants_page()) {
      const auto& tasks = i->second.tasks;
      result.push_back({reason, tasks.page_start(), static_cast<uint32_t>(tasks.page_size())});
    }
  return result;
}

void parked_tasks::add_page(const parked_page& page) {
  auto i = queues_.find(page.reason);
  if (i == queues_.end())
    return;
  i->second.tasks.add_page(page.tasks, page.exhausted, page.applied);
  drop_when_done(page.reason);
}

void parked_tasks::page_failed(const std::string& reason) {
  if (auto i = queues_.find(reason); i != queues_.end())
    i->second.tasks.page_failed();
}

void parked_tasks::drop_when_done(const std::string& reason) {
  if (auto i = queues_.find(reason); i->second.tasks.empty() && !i->second.tasks.incomplete())
    queues_.erase(i);
}

} // namespace overwatch
