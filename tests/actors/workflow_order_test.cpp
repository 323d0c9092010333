#include "actors/workflow_order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace overwatch {

namespace {

workflow_task named(std::string name, std::vector<std::string> depends_on = {}) {
  return {std::move(name), {}, std::move(depends_on)};
}

failure fault_of(const std::vector<workflow_task>& tasks) {
  auto order = order_of_tasks(tasks);
  return order ? failure{} : describe(order.error());
}

} // namespace

TEST(WorkflowOrderTest, ParentsComeFirstElseAsWritten) {
  auto order = order_of_tasks({named("c", {"b"}), named("x"), named("b", {"a"}), named("a"), named("y")});
  ASSERT_TRUE(order);
  EXPECT_EQ(*order, (std::vector<size_t>{1, 3, 2, 0, 4}));
}

TEST(WorkflowOrderTest, CycleIsNamedWithItsWholeWay) {
  auto fault = fault_of({named("start"), named("a", {"c", "start"}), named("b", {"a"}), named("c", {"b"})});
  EXPECT_EQ(fault.code, ec::invalid);
  EXPECT_EQ(fault.field, "/tasks/1/depends_on");
  EXPECT_NE(fault.message.find("a -> c -> b -> a"), std::string::npos) << fault.message;
}

TEST(WorkflowOrderTest, TaskBehindACycleIsNotBlamed) {
  auto fault = fault_of({named("behind", {"b"}), named("a", {"b"}), named("b", {"a"})});
  EXPECT_NE(fault.message.find("b -> a -> b"), std::string::npos) << fault.message;
  EXPECT_EQ(fault.message.find("behind ->"), std::string::npos) << fault.message;
}

TEST(WorkflowOrderTest, TaskThatDependsOnItselfIsACycle) {
  EXPECT_NE(fault_of({named("a", {"a"})}).message.find("a -> a"), std::string::npos);
}

TEST(WorkflowOrderTest, UnknownDoubledAndBadNamesAreRefused) {
  auto unknown = fault_of({named("a"), named("b", {"nobody"})});
  EXPECT_EQ(unknown.field, "/tasks/1/depends_on");
  EXPECT_NE(unknown.message.find("\"nobody\""), std::string::npos);
  EXPECT_EQ(fault_of({named("a"), named("a")}).field, "/tasks/1/name");
  for (const auto* bad : {"", "a b", "a/b", "\xc3\xa4"})
    EXPECT_EQ(fault_of({named(bad)}).field, "/tasks/0/name") << bad;
  EXPECT_EQ(fault_of({named(std::string(65, 'a'))}).field, "/tasks/0/name");
  EXPECT_EQ(fault_of({named(std::string(64, 'a'))}).code, ec::none);
}

TEST(WorkflowOrderTest, ParentThatIsNamedTwiceCountsOnce) {
  auto order = order_of_tasks({named("b", {"a", "a"}), named("a")});
  ASSERT_TRUE(order);
  EXPECT_EQ(*order, (std::vector<size_t>{1, 0}));
}

// Any graph: either an order in which each has its parents before it, or a cycle that is really there.
TEST(WorkflowOrderTest, AnyGraphIsOrderedOrHasTheCycleThatIsNamed) {
  size_t cyclic = 0;
  for (unsigned seed = 1; seed <= 400; ++seed) {
    std::mt19937 random{seed};
    auto size = 1 + random() % 12;
    std::vector<workflow_task> tasks;
    for (size_t i = 0; i < size; ++i) {
      auto task = named("t" + std::to_string(i));
      for (auto n = random() % 3; n > 0; --n)
        task.depends_on.push_back("t" + std::to_string(random() % size));
      tasks.push_back(std::move(task));
    }
    auto order = order_of_tasks(tasks);
    if (order) {
      std::map<std::string, size_t> place;
      for (size_t i = 0; i < order->size(); ++i)
        place[tasks[(*order)[i]].name] = i;
      ASSERT_EQ(place.size(), size) << "seed " << seed;
      for (const auto& task : tasks)
        for (const auto& parent : task.depends_on)
          ASSERT_LT(place[parent], place[task.name]) << "seed " << seed;
      continue;
    }
    ++cyclic;
    auto message = describe(order.error()).message;
    std::vector<std::string> way;
    for (auto at = message.find(": ") + 2; at < message.size();) {
      auto end = std::min(message.find(" -> ", at), message.size());
      way.push_back(message.substr(at, end - at));
      at = end + 4;
    }
    ASSERT_GE(way.size(), 2u) << message;
    ASSERT_EQ(way.front(), way.back()) << message;
    for (size_t i = 0; i + 1 < way.size(); ++i) {
      const auto& parents = tasks.at(std::stoul(way[i].substr(1))).depends_on;
      ASSERT_EQ(std::count(parents.begin(), parents.end(), way[i + 1]) > 0, true) << "seed " << seed << ": " << message;
    }
  }
  EXPECT_GT(cyclic, 20u);
}

TEST(WorkflowOrderTest, LargestWorkflowIsOrdered) {
  std::vector<workflow_task> chain;
  for (size_t i = 0; i < task_limits::workflow_tasks; ++i)
    chain.push_back(named("t" + std::to_string(i), i + 1 < task_limits::workflow_tasks
                                                     ? std::vector{"t" + std::to_string(i + 1)}
                                                     : std::vector<std::string>{}));
  auto order = order_of_tasks(chain);
  ASSERT_TRUE(order);
  EXPECT_EQ(order->front(), task_limits::workflow_tasks - 1);
  EXPECT_EQ(order->back(), 0u);
}

} // namespace overwatch
