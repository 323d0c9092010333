#include "messages/task_spread.hpp"

#include <gtest/gtest.h>

namespace overwatch::test {

TEST(TaskSpreadTest, PlainTaskGoesAnywhere) {
  EXPECT_EQ(choose_partition({}, 5, 8), 5);
  EXPECT_EQ(choose_partition({}, 5, 1), control_partition);
}

TEST(TaskSpreadTest, WhatSharesSomethingGoesToTheControlPartition) {
  auto place = [](auto change) {
    task_spec x;
    change(x);
    EXPECT_TRUE(shares_with_others(x));
    return choose_partition(x, 5, 8);
  };
  EXPECT_EQ(place([](auto& x) { x.unique_key = "k"; }), control_partition);
  EXPECT_EQ(place([](auto& x) { x.concurrency.key = "k"; }), control_partition);
  EXPECT_EQ(place([](auto& x) { x.resources.exclusive = {"k"}; }), control_partition);
  EXPECT_EQ(place([](auto& x) { x.resources.cpu = 0.1; }), control_partition);
  EXPECT_EQ(place([](auto& x) { x.resources.io = 0.1; }), control_partition);
  EXPECT_EQ(place([](auto& x) { x.resources.memory_mb = 1; }), control_partition);
  EXPECT_EQ(place([](auto& x) { x.snapshot.files = {"/a"}; }), control_partition);
  EXPECT_EQ(place([](auto& x) { x.snapshot.keys = {"a"}; }), control_partition);
  EXPECT_EQ(place([](auto& x) { x.rate.key = "k"; }), control_partition);
  EXPECT_EQ(place([](auto& x) { x.cache.key = "k"; }), control_partition);
  EXPECT_EQ(place([](auto& x) { x.workflow = {1, 1}; }), control_partition);
}

TEST(TaskSpreadTest, ChildGoesToItsFirstParent) {
  task_id_generator ids{1};
  task_spec x;
  x.depends_on = {ids.next(timestamp{}, 3), ids.next(timestamp{}, 4)};
  EXPECT_EQ(choose_partition(x, 5, 8), 3);
  x.unique_key = "k";
  EXPECT_EQ(choose_partition(x, 5, 8), control_partition);
  x = {};
  x.depends_on = {ids.next(timestamp{}, 900)};
  EXPECT_EQ(choose_partition(x, 5, 8), control_partition) << "there is no such partition, and no such task";
}

} // namespace overwatch::test
