#include "actors/ready_queue.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

ready_key key(uint64_t order) { return {order, {order, 1}}; }

timestamp at(uint64_t microseconds) {
  return timestamp{std::chrono::microseconds{static_cast<int64_t>(microseconds)}};
}

} // namespace

TEST(ReadyQueueTest, OldestOfOnePriorityComesFirst) {
  ready_queue queue{{16, 60s}};
  queue.insert("a", priority::normal, key(20), 1);
  queue.insert("a", priority::normal, key(10), 2);
  EXPECT_EQ(queue.best("a", at(30))->key, key(10));
}

TEST(ReadyQueueTest, CriticalIsStrict) {
  ready_queue queue{{16, 1s}};
  queue.insert("a", priority::high, key(0), 1);
  queue.insert("a", priority::critical, key(3'600'000'000), 2);
  EXPECT_EQ(queue.best("a", at(3'600'000'001))->importance, priority::critical);
}

TEST(ReadyQueueTest, NothingAgesWithoutAStep) {
  ready_queue queue{{16, 0s}};
  queue.insert("a", priority::background, key(0), 1);
  queue.insert("a", priority::low, key(9'000'000'000), 2);
  EXPECT_EQ(queue.best("a", at(9'000'000'001))->importance, priority::low);
}

TEST(ReadyQueueTest, KeysBehindAFullWindowComeWithAPage) {
  ready_queue queue{{2, 60s}};
  for (uint64_t i = 1; i <= 4; ++i)
    queue.insert("a", priority::normal, key(i), i);
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_TRUE(queue.wanted_pages().empty()) << "the window is full enough";
  queue.pop("a", *queue.best("a", at(5)));
  auto wanted = queue.wanted_pages();
  ASSERT_EQ(wanted.size(), 1u);
  EXPECT_EQ(wanted[0].after->first, 2u);
  EXPECT_TRUE(queue.wanted_pages().empty()) << "it is on its way";
  ready_page page;
  page.task_type = "a";
  page.importance = priority::normal;
  page.items = {{3, key(3).second, {}, {}}, {4, key(4).second, {}, {}}};
  page.exhausted = true;
  page.applied = 4;
  queue.add_page(page);
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_TRUE(queue.wanted_pages().empty());
}

TEST(ReadyQueueTest, KeyAddedWhileAPageIsReadIsNotForgotten) {
  ready_queue queue{{2, 60s}};
  for (uint64_t i = 1; i <= 3; ++i)
    queue.insert("a", priority::normal, key(i), i);
  queue.pop("a", *queue.best("a", at(5)));
  ASSERT_EQ(queue.wanted_pages().size(), 1u);
  queue.insert("a", priority::normal, key(4), 4); // the page does not show it
  ready_page page;
  page.task_type = "a";
  page.importance = priority::normal;
  page.items = {{3, key(3).second, {}, {}}};
  page.exhausted = true;
  page.applied = 3;
  queue.add_page(page);
  queue.pop("a", *queue.best("a", at(5)));
  EXPECT_EQ(queue.wanted_pages().size(), 1u);
  EXPECT_FALSE(queue.idle("a"));
}

TEST(ReadyQueueTest, CountsWhatIsAhead) {
  ready_queue queue{{16, 0s}};
  queue.insert("a", priority::high, key(5), 1);
  queue.insert("a", priority::normal, key(1), 2);
  queue.insert("a", priority::normal, key(2), 3);
  queue.insert("a", priority::normal, key(3), 4);
  EXPECT_EQ(queue.ahead_of("a", priority::normal, key(3), at(10)), 3u);
  EXPECT_EQ(queue.ahead_of("a", priority::high, key(5), at(10)), 0u);
}

TEST(ReadyQueueTest, TypeIsIdleOnlyWhenNothingWaits) {
  ready_queue queue{{16, 0s}};
  EXPECT_TRUE(queue.idle("a"));
  queue.expect("b");
  EXPECT_FALSE(queue.idle("b")) << "the store may have some";
  queue.insert("a", priority::low, key(1), 1);
  EXPECT_FALSE(queue.idle("a"));
  queue.erase("a", priority::low, key(1));
  EXPECT_TRUE(queue.idle("a"));
}

} // namespace overwatch
