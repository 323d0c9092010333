#include "actors/running_limit.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace overwatch {

namespace {

class RunningLimitTest : public ::testing::Test {
protected:
  uint64_t join(const std::string& name) {
    return places.join([this, name] { woken += name; });
  }

  running_limit places{2};
  std::string woken;
};

} // namespace

TEST_F(RunningLimitTest, TakesNoMoreThanTheLimit) {
  auto a = join("a");
  auto b = join("b");
  EXPECT_TRUE(places.take(a));
  EXPECT_TRUE(places.take(b));
  EXPECT_FALSE(places.take(a));
}

TEST_F(RunningLimitTest, PlaceThatGetsFreeIsKeptForTheOneWhoseTurnItIs) {
  auto a = join("a");
  auto b = join("b");
  places.take(a);
  places.take(a);
  EXPECT_FALSE(places.take(b));
  EXPECT_FALSE(places.take(a));
  places.give_back(a, 1);
  EXPECT_EQ(woken, "b");
  EXPECT_FALSE(places.take(a)) << "it is not faster";
  EXPECT_TRUE(places.take(b));
}

TEST_F(RunningLimitTest, WhatIsNotUsedGoesToTheNext) {
  auto a = join("a");
  auto b = join("b");
  auto c = join("c");
  places.take(a);
  places.take(a);
  places.take(b);
  places.take(c);
  places.give_back(a, 1);
  EXPECT_EQ(woken, "b");
  places.give_up_kept(b);
  EXPECT_EQ(woken, "bc");
  EXPECT_TRUE(places.take(c));
}

TEST_F(RunningLimitTest, PoolThatGoesGivesBackWhatItHas) {
  auto a = join("a");
  auto b = join("b");
  places.take(a);
  places.take(a);
  EXPECT_FALSE(places.take(b));
  places.leave(a);
  EXPECT_EQ(woken, "b");
  EXPECT_TRUE(places.take(b));
  EXPECT_TRUE(places.take(b));
  EXPECT_FALSE(places.take(b));
}

TEST_F(RunningLimitTest, PoolThatGoesIsNotWaitedFor) {
  auto a = join("a");
  auto b = join("b");
  auto c = join("c");
  places.take(a);
  places.take(a);
  places.take(b);
  places.take(c);
  places.give_back(a, 1);
  places.leave(b); // a place was kept for it
  EXPECT_EQ(woken, "bc");
}

TEST_F(RunningLimitTest, LimitGrowsAtOnceAndShrinksAsPlacesAreGivenBack) {
  auto a = join("a");
  places.take(a);
  places.take(a);
  EXPECT_FALSE(places.take(a));
  places.set_limit(3);
  EXPECT_EQ(woken, "a");
  EXPECT_TRUE(places.take(a));
  places.set_limit(1);
  places.give_back(a, 2);
  EXPECT_FALSE(places.take(a));
  places.set_limit(0);
  EXPECT_EQ(places.limit(), 2u) << "the configured one";
  EXPECT_TRUE(places.take(a));
}

TEST_F(RunningLimitTest, ThreadsTakeNoMoreThanTheLimitTogether) {
  running_limit many{1'000};
  std::vector<std::thread> threads;
  std::vector<uint32_t> taken(4);
  for (auto& count : taken)
    threads.emplace_back([&many, &count] {
      auto self = many.join([] {});
      for (int i = 0; i < 10'000; ++i) {
        count += many.take(self) ? 1 : 0;
        if (i % 100 == 99)
          many.give_up_kept(self);
      }
    });
  for (auto& x : threads)
    x.join();
  EXPECT_EQ(taken[0] + taken[1] + taken[2] + taken[3], 1'000u);
}

} // namespace overwatch
