#include "actors/merged_replies.hpp"

#include <algorithm>
#include <iterator>

namespace overwatch {

void add_pools(pools_reply& all, pools_reply&& one) {
  std::move(one.pools.begin(), one.pools.end(), std::back_inserter(all.pools));
  auto& without = all.types_without_handler; // without one on every node
  const auto& others = one.types_without_handler;
  without.erase(
    std::remove_if(without.begin(), without.end(),
                   [&](const auto& x) { return std::find(others.begin(), others.end(), x) == others.end(); }),
    without.end());
  std::stable_sort(all.pools.begin(), all.pools.end(), [](const auto& a, const auto& b) {
    return std::tie(a.task_type, a.node) < std::tie(b.task_type, b.node);
  });
}

void add_workers(workers_reply& all, workers_reply&& one) {
  std::move(one.workers.begin(), one.workers.end(), std::back_inserter(all.workers));
  std::stable_sort(all.workers.begin(), all.workers.end(),
                   [](const auto& a, const auto& b) { return a.busy > b.busy; });
}

void add_lines(log_page& all, log_page&& one) {
  std::move(one.entries.begin(), one.entries.end(), std::back_inserter(all.entries));
  std::stable_sort(all.entries.begin(), all.entries.end(), [](const auto& a, const auto& b) {
    return std::tie(a.attempt, a.sequence) < std::tie(b.attempt, b.sequence);
  });
}

void add_snapshot(snapshot_record& all, snapshot_record&& one) {
  auto captured_there = [](const snapshot_record& x) { return !x.files.empty() || x.handler_state; };
  if (one.attempt > all.attempt || (one.attempt == all.attempt && !captured_there(all) && captured_there(one)))
    std::swap(all, one);
}

void add_tasks(task_page& all, task_page&& one, uint32_t limit) {
  auto& tasks = all.tasks;
  std::move(one.tasks.begin(), one.tasks.end(), std::back_inserter(tasks));
  std::sort(tasks.begin(), tasks.end(), [](const auto& a, const auto& b) { return b.spec.id < a.spec.id; });
  all.cut_short = all.cut_short || one.cut_short;
  all.next = std::max(all.next, one.next); // none is the smallest
  if (all.next) {
    auto is_beyond = [&](const task_record& x) { return x.spec.id < *all.next; };
    tasks.erase(std::find_if(tasks.begin(), tasks.end(), is_beyond), tasks.end());
  }
  if (tasks.size() <= limit)
    return;
  tasks.resize(limit);
  all.next = tasks.back().spec.id;
  all.cut_short = false;
}

void add_stats(stats_reply& all, stats_reply&& one) {
  for (auto& x : one.counts) {
    auto same = std::find_if(all.counts.begin(), all.counts.end(), [&](const auto& y) {
      return std::tie(x.task_type, x.status, x.importance) == std::tie(y.task_type, y.status, y.importance);
    });
    if (same == all.counts.end())
      all.counts.push_back(std::move(x));
    else
      same->count += x.count;
  }
  all.submitted += one.submitted;
  all.completed += one.completed;
  all.failed += one.failed;
  all.cancelled += one.cancelled;
  all.attempts += one.attempts;
  all.retries += one.retries;
  for (const auto& [name, count] : one.violations)
    all.violations[name] += count;
  all.execution_seconds += one.execution_seconds;
  all.applied += one.applied;
}

} // namespace overwatch
