#include "actors/ready_queue.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

timestamp at(uint64_t microseconds) {
  return timestamp{std::chrono::microseconds{static_cast<int64_t>(microseconds)}};
}

const ready_queue::fits everything = [](const ready_key&) { return true; };

// Tasks of type "a" whose place is also the time at which they were queued.
struct fixture {
  ready_queue queue;

  static task_spec spec(priority importance, uint64_t order, double cpu = 0) {
    task_spec x;
    x.id = {order, 1};
    x.task_type = "a";
    x.importance = importance;
    x.resources.cpu = cpu;
    return x;
  }

  static task_state state(uint64_t order) {
    task_state x;
    x.order = order;
    x.queued_at = at(order);
    return x;
  }

  void insert(priority importance, uint64_t order, uint64_t index, double cpu = 0) {
    queue.insert(spec(importance, order, cpu), state(order), index);
  }

  ready_page::item item(uint64_t order) const {
    auto task = std::make_shared<task_spec>(spec(priority::normal, order));
    return {order, task->id, {task, nullptr}, state(order)};
  }

  ready_queue::candidate best(uint64_t time, const ready_queue::fits& fits = everything) const {
    return queue.best("a", at(time), fits).value();
  }
};

} // namespace

TEST(ReadyQueueTest, OldestOfOnePriorityComesFirst) {
  fixture x{ready_queue{{16, 60s}}};
  x.insert(priority::normal, 20, 1);
  x.insert(priority::normal, 10, 2);
  EXPECT_EQ(x.best(30).key.order, 10u);
}

TEST(ReadyQueueTest, CriticalIsStrict) {
  fixture x{ready_queue{{16, 1s}}};
  x.insert(priority::high, 0, 1);
  x.insert(priority::critical, 3'600'000'000, 2);
  EXPECT_EQ(x.best(3'600'000'001).importance, priority::critical);
}

TEST(ReadyQueueTest, NothingAgesWithoutAStep) {
  fixture x{ready_queue{{16, 0s}}};
  x.insert(priority::background, 0, 1);
  x.insert(priority::low, 9'000'000'000, 2);
  EXPECT_EQ(x.best(9'000'000'001).importance, priority::low);
}

TEST(ReadyQueueTest, WaitingRaisesUpToHigh) {
  fixture x{ready_queue{{16, 60s}}};
  x.insert(priority::background, 0, 1);
  x.insert(priority::high, 100'000'000, 2);
  EXPECT_EQ(x.best(100'000'001).importance, priority::high);
  EXPECT_EQ(x.best(180'000'000).importance, priority::background)
    << "three minutes raise it to high, and it waits longer";
}

TEST(ReadyQueueTest, CountsWhatWaitsByThePriorityToWhichItHasRisen) {
  fixture x{ready_queue{{16, 60s}}};
  for (uint64_t n = 1; n <= 5; ++n)
    x.insert(priority::normal, n, n);
  x.insert(priority::critical, 6, 6);
  x.insert(priority::low, 7, 7, 0.5);
  x.insert(priority::low, 8, 8, 0.9);
  auto small = [](const ready_key& key) { return key.demand.cpu < 0.8; };
  EXPECT_EQ(x.queue.waiting("a", at(1'000'000), 100, small), (priority_counts{1, 0, 5, 1, 0}));
  EXPECT_EQ(x.queue.waiting("a", at(61'000'000), 3, small), (priority_counts{1, 3, 1, 0, 0}));
  EXPECT_EQ(x.queue.waiting("b", at(1), 100, small), priority_counts{});
}

TEST(ReadyQueueTest, OrderWithinOnePriorityIsNotTheTime) {
  fixture x{ready_queue{{16, 60s}}};
  auto later = fixture::state(7);
  later.queued_at = at(500);
  x.queue.insert(fixture::spec(priority::normal, 7), later, 1);
  auto earlier = fixture::state(9);
  earlier.queued_at = at(100);
  x.queue.insert(fixture::spec(priority::normal, 9), earlier, 2);
  EXPECT_EQ(x.best(600).key.order, 7u) << "it is its flow's turn";
}

TEST(ReadyQueueTest, WhatDoesNotFitIsPassedByWhatDoes) {
  fixture x{ready_queue{{16, 60s}}};
  x.insert(priority::normal, 1, 1, 0.9);
  x.insert(priority::normal, 2, 2, 0.2);
  x.insert(priority::normal, 3, 3);
  auto small = [](const ready_key& key) { return key.demand.cpu < 0.5; };
  auto next = x.best(10, small);
  EXPECT_EQ(next.key.order, 2u);
  EXPECT_TRUE(next.resources);
  auto any = [](const ready_key&) { return true; };
  EXPECT_EQ(x.queue.first_with_demand("a", at(10), any)->key.order, 1u);
  auto none = [](const ready_key& key) { return key.demand.cpu == 0; };
  EXPECT_EQ(x.best(10, none).key.order, 3u) << "what asks for nothing is held up by nobody";
}

TEST(ReadyQueueTest, LooksOnlySoFarForWhatFits) {
  fixture x{ready_queue{{16, 60s, 2}}};
  x.insert(priority::normal, 1, 1, 0.9);
  x.insert(priority::normal, 2, 2, 0.9);
  x.insert(priority::normal, 3, 3, 0.1);
  auto small = [](const ready_key& key) { return key.demand.cpu < 0.5; };
  EXPECT_FALSE(x.queue.best("a", at(10), small));
}

TEST(ReadyQueueTest, TasksOfAFullNodeStopNobodyHoweverManyTheyAre) {
  fixture x{ready_queue{{4'096, 60s, 2}}};
  auto add = [&](uint64_t order, const std::string& node, double cpu) {
    auto spec = fixture::spec(priority::normal, order);
    spec.placement.node = node;
    spec.resources.cpu = cpu;
    x.queue.insert(spec, fixture::state(order), order);
  };
  for (uint64_t order = 1; order <= 1'000; ++order)
    add(order, "full", 0);
  add(1'001, "free", 0.9);
  add(1'002, "free", 0.1);
  auto on_free = [](const ready_key& key) { return key.where && key.where->node == "free" && key.demand.cpu < 0.5; };
  ASSERT_TRUE(x.queue.best("a", at(10), on_free));
  EXPECT_EQ(x.best(10, on_free).key.order, 1'002u);
}

TEST(ReadyQueueTest, OnlyTasksThatTakeOfANodeWaitForItsRoom) {
  fixture x{ready_queue{{16, 60s}}};
  auto spec = fixture::spec(priority::normal, 1);
  spec.placement.node = "n";
  x.queue.insert(spec, fixture::state(1), 1);
  auto any = [](const ready_key&) { return true; };
  EXPECT_FALSE(x.queue.first_with_demand("a", at(10), any)) << "it waits for its node, not for room";
}

TEST(ReadyQueueTest, PlacementNamesANodeAndItsLabels) {
  std::map<std::string, std::string> labels{{"disk", "ssd"}, {"zone", "a"}};
  EXPECT_TRUE(allows({}, "n", labels));
  EXPECT_TRUE(allows({"n", {{"disk", "ssd"}}}, "n", labels));
  EXPECT_FALSE(allows({"m", {}}, "n", labels));
  EXPECT_FALSE(allows({"", {{"disk", "hdd"}}}, "n", labels));
  EXPECT_FALSE(allows({"", {{"disk", "ssd"}, {"gpu", "1"}}}, "n", labels)) << "all of them";
}

TEST(ReadyQueueTest, KeysBehindAFullWindowComeWithAPage) {
  fixture x{ready_queue{{2, 60s}}};
  for (uint64_t i = 1; i <= 4; ++i)
    x.insert(priority::normal, i, i);
  EXPECT_EQ(x.queue.size(), 2u);
  EXPECT_TRUE(x.queue.wanted_pages().empty()) << "the window is full enough";
  x.queue.pop("a", x.best(5));
  auto wanted = x.queue.wanted_pages();
  ASSERT_EQ(wanted.size(), 1u);
  EXPECT_EQ(wanted[0].after->first, 2u);
  EXPECT_TRUE(x.queue.wanted_pages().empty()) << "it is on its way";
  ready_page page;
  page.task_type = "a";
  page.importance = priority::normal;
  page.items = {x.item(3), x.item(4)};
  page.exhausted = true;
  page.applied = 4;
  x.queue.add_page(page);
  EXPECT_EQ(x.queue.size(), 3u);
  EXPECT_TRUE(x.queue.wanted_pages().empty());
}

TEST(ReadyQueueTest, KeyAddedWhileAPageIsReadIsNotForgotten) {
  fixture x{ready_queue{{2, 60s}}};
  for (uint64_t i = 1; i <= 3; ++i)
    x.insert(priority::normal, i, i);
  x.queue.pop("a", x.best(5));
  ASSERT_EQ(x.queue.wanted_pages().size(), 1u);
  x.insert(priority::normal, 4, 4); // the page does not show it
  ready_page page;
  page.task_type = "a";
  page.importance = priority::normal;
  page.items = {x.item(3)};
  page.exhausted = true;
  page.applied = 3;
  x.queue.add_page(page);
  x.queue.pop("a", x.best(5));
  EXPECT_EQ(x.queue.wanted_pages().size(), 1u);
  EXPECT_FALSE(x.queue.idle(fixture::spec(priority::normal, 9)));
}

TEST(ReadyQueueTest, CountsWhatIsAhead) {
  fixture x{ready_queue{{16, 0s}}};
  x.insert(priority::high, 5, 1);
  x.insert(priority::normal, 1, 2);
  x.insert(priority::normal, 2, 3);
  x.insert(priority::normal, 3, 4);
  EXPECT_EQ(x.queue.ahead_of(fixture::spec(priority::normal, 3), fixture::state(3), at(10)), 3u);
  EXPECT_EQ(x.queue.ahead_of(fixture::spec(priority::high, 5), fixture::state(5), at(10)), 0u);
}

TEST(ReadyQueueTest, TypeIsIdleOnlyWhenNothingWaits) {
  fixture x{ready_queue{{16, 0s}}};
  auto one = fixture::spec(priority::low, 1);
  EXPECT_TRUE(x.queue.idle(one));
  x.insert(priority::low, 1, 1);
  EXPECT_FALSE(x.queue.idle(one));
  x.queue.erase(one, 1);
  EXPECT_TRUE(x.queue.idle(one));
  auto other = one;
  other.task_type = "b";
  x.queue.expect("b");
  EXPECT_FALSE(x.queue.idle(other)) << "the store may have some";
}

} // namespace overwatch
