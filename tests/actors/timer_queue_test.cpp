#include "actors/timer_queue.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

using timer = timer_queue::timer;

timer at(std::chrono::microseconds time, uint64_t n, keys::timer_kind kind = keys::timer_kind::eligible) {
  return {{n, 1}, timestamp{time}, kind};
}

std::vector<uint64_t> numbers(const std::vector<timer>& timers) {
  std::vector<uint64_t> result;
  for (const auto& x : timers)
    result.push_back(x.id.high);
  return result;
}

} // namespace

TEST(TimerQueueTest, TakesWhatIsDueInOrderOfTime) {
  timer_queue timers{10, true};
  timers.insert(at(30us, 3), 1);
  timers.insert(at(10us, 1), 2);
  timers.insert(at(20us, 2), 3);
  timers.insert(at(31us, 4), 4);
  EXPECT_EQ(*timers.next(), timestamp{10us});
  EXPECT_EQ(numbers(timers.take_due(timestamp{30us}, 10)), (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_EQ(*timers.next(), timestamp{31us});
}

TEST(TimerQueueTest, TakesNoMoreThanItIsAskedFor) {
  timer_queue timers{10, true};
  for (uint64_t n = 1; n <= 5; ++n)
    timers.insert(at(1us, n), n);
  EXPECT_EQ(timers.take_due(timestamp{1s}, 3).size(), 3u);
  EXPECT_EQ(timers.take_due(timestamp{1s}, 3).size(), 2u);
}

TEST(TimerQueueTest, KeepsIdTimeAndKind) {
  timer_queue timers{10, true};
  timers.insert({{7, 9}, timestamp{1'700'000'000s + 1us}, keys::timer_kind::deadline}, 1);
  auto due = timers.take_due(timestamp{1'800'000'000s}, 1);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].id, (task_id{7, 9}));
  EXPECT_EQ(due[0].time, timestamp{1'700'000'000s + 1us});
  EXPECT_EQ(due[0].kind, keys::timer_kind::deadline);
}

TEST(TimerQueueTest, BothTimersOfATaskAreApart) {
  timer_queue timers{10, true};
  timers.insert(at(5us, 1, keys::timer_kind::eligible), 1);
  timers.insert(at(5us, 1, keys::timer_kind::deadline), 1);
  timers.erase(at(5us, 1, keys::timer_kind::deadline));
  auto due = timers.take_due(timestamp{1s}, 10);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].kind, keys::timer_kind::eligible);
}

TEST(TimerQueueTest, NothingIsDueWhenThereIsNone) {
  timer_queue timers{10, true};
  EXPECT_FALSE(timers.next());
  EXPECT_TRUE(timers.take_due(timestamp{1s}, 10).empty());
}

TEST(TimerQueueTest, FarTimersStayInTheStore) {
  timer_queue timers{2, true};
  for (uint64_t n = 1; n <= 4; ++n)
    timers.insert(at(std::chrono::microseconds{n}, n), n);
  EXPECT_EQ(numbers(timers.take_due(timestamp{1s}, 10)), (std::vector<uint64_t>{1, 2}));
  EXPECT_TRUE(timers.pages().wants_page());
  EXPECT_EQ(*timers.pages().page_start(), keys::timer({2, 1}, timestamp{2us}, keys::timer_kind::eligible));
}

} // namespace overwatch
