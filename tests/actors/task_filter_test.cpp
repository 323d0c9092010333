#include "actors/task_filter.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

task_spec spec() {
  task_spec x;
  x.name = "Nightly Backup";
  x.task_type = "data_backup";
  x.importance = priority::high;
  x.tags = {"night", "disk"};
  x.assigned_to = "ops";
  x.subsystem = "storage";
  x.context = {{"user", "7"}, {"trace", "t"}};
  x.origin = {origin_kind::schedule, "nightly"};
  x.created_at = timestamp{100s};
  return x;
}

template <class Set>
bool matching(Set set) {
  task_filter filter;
  set(filter);
  return matches(filter, spec(), task_status::running);
}

} // namespace

TEST(TaskFilterTest, EmptyFilterTakesAll) {
  EXPECT_TRUE(matches({}, spec(), task_status::failed));
}

TEST(TaskFilterTest, OneOfTheValuesOfAConditionIsEnough) {
  EXPECT_TRUE(matching([](auto& x) { x.statuses = {task_status::queued, task_status::running}; }));
  EXPECT_FALSE(matching([](auto& x) { x.statuses = {task_status::queued}; }));
  EXPECT_TRUE(matching([](auto& x) { x.task_types = {"noop", "data_backup"}; }));
  EXPECT_FALSE(matching([](auto& x) { x.task_types = {"noop"}; }));
  EXPECT_TRUE(matching([](auto& x) { x.priorities = {priority::low, priority::high}; }));
  EXPECT_FALSE(matching([](auto& x) { x.priorities = {priority::low}; }));
  EXPECT_TRUE(matching([](auto& x) { x.tags = {"day", "disk"}; }));
  EXPECT_FALSE(matching([](auto& x) { x.tags = {"day"}; }));
  EXPECT_TRUE(matching([](auto& x) { x.assigned_to = {"dev", "ops"}; }));
  EXPECT_FALSE(matching([](auto& x) { x.assigned_to = {"dev"}; }));
  EXPECT_TRUE(matching([](auto& x) { x.subsystems = {"core", "storage"}; }));
  EXPECT_FALSE(matching([](auto& x) { x.subsystems = {"core"}; }));
}

TEST(TaskFilterTest, EveryPairOfTheContextMustMatch) {
  EXPECT_TRUE(matching([](auto& x) { x.context = {{"user", "7"}, {"trace", "t"}}; }));
  EXPECT_FALSE(matching([](auto& x) { x.context = {{"user", "7"}, {"trace", "u"}}; }));
  EXPECT_FALSE(matching([](auto& x) { x.context = {{"session", ""}}; }));
}

TEST(TaskFilterTest, OriginIsItsKindAndItsId) {
  EXPECT_TRUE(matching([](auto& x) { x.origin = origin_kind::schedule; }));
  EXPECT_FALSE(matching([](auto& x) { x.origin = origin_kind::api; }));
  EXPECT_TRUE(matching([](auto& x) { x.origin_id = "nightly"; }));
  EXPECT_FALSE(matching([](auto& x) { x.origin_id = "night"; }));
}

TEST(TaskFilterTest, TimesBoundAHalfOpenRange) {
  EXPECT_TRUE(matching([](auto& x) { x.created_from = timestamp{100s}; }));
  EXPECT_FALSE(matching([](auto& x) { x.created_from = timestamp{100s + 1us}; }));
  EXPECT_FALSE(matching([](auto& x) { x.created_to = timestamp{100s}; }));
  EXPECT_TRUE(matching([](auto& x) { x.created_to = timestamp{100s + 1us}; }));
}

TEST(TaskFilterTest, TextIsPartOfTheNameInAnyCase) {
  for (auto text : {"backup", "NIGHT", "y b", "Nightly Backup"})
    EXPECT_TRUE(matching([&](auto& x) { x.text = text; })) << text;
  EXPECT_FALSE(matching([](auto& x) { x.text = "backups"; }));
}

TEST(TaskFilterTest, AllConditionsMustHold) {
  EXPECT_FALSE(matching([](auto& x) {
    x.task_types = {"data_backup"};
    x.text = "weekly";
  }));
}

} // namespace overwatch
