#pragma once

#include "actors/schedule_book.hpp"
#include "actors/schedule_slots.hpp"

#include <gtest/gtest.h>

namespace overwatch::schedule_test {

using namespace std::chrono_literals;

inline constexpr auto start = timestamp{1'800'000'000s}; // 2027-01-15 08:00 UTC

inline submission noop() {
  auto spec = std::make_shared<task_spec>();
  spec->name = "tick";
  spec->task_type = "noop";
  return {std::move(spec), std::make_shared<const std::string>("{\"n\":1}")};
}

inline schedule_definition each(milliseconds interval) {
  schedule_definition result;
  result.interval = interval;
  result.task = noop();
  return result;
}

inline schedule_definition at(const std::string& cron) {
  schedule_definition result;
  result.cron = cron;
  result.task = noop();
  return result;
}

template <class T>
failure fault_of(const caf::expected<T>& x) {
  return x ? failure{} : describe(x.error());
}

/// Plays the owner of a book: what it proposes is applied at once, and its tasks run until they are ended.
class played_schedules : public ::testing::Test {
protected:
  schedule_book make_book() {
    return schedule_book{[this](timestamp time) { return ids_.next(time, 0); }};
  }

  static std::vector<command_result> accepted(const schedule_change& change) {
    std::vector<command_result> results;
    for (const auto& task : change.tasks)
      results.push_back({{}, task.spec->id, task_status::queued, false, 0});
    return results;
  }

  void commit(const schedule_change& change) { book.committed(change, accepted(change)); }

  void put(const std::string& name, schedule_definition definition) {
    auto change = book.put(name, std::move(definition), now);
    ASSERT_TRUE(change) << describe(change.error()).message;
    commit(*change);
  }

  /// Goes to `time` at once and does what is due; answers with the slots that got a task, in seconds after `start`.
  std::vector<int64_t> arrive(timestamp time) {
    now = time;
    std::vector<int64_t> result;
    while (book.next_due().value_or(timestamp::max()) <= now)
      for (const auto& change : book.take_due(now, 10)) {
        for (const auto& task : change.tasks) {
          result.push_back((*task.spec->scheduled_at - start) / 1s);
          tasks.push_back(task);
        }
        commit(change);
      }
    return result;
  }

  /// Goes there from one due time to the next, as a node does that runs.
  std::vector<int64_t> run(timestamp time) {
    std::vector<int64_t> result;
    for (auto due = book.next_due(); due && *due <= time; due = book.next_due())
      for (auto slot : arrive(std::max(now, *due)))
        result.push_back(slot);
    now = time;
    return result;
  }

  const schedule_record& record(const std::string& name = "a") { return *book.find(name); }

  using slots = std::vector<int64_t>;
  task_id_generator ids_{1};
  schedule_book book = make_book();
  timestamp now = start;
  std::vector<submission> tasks;
};

} // namespace overwatch::schedule_test
