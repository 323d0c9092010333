#include "http/workflow_graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

using namespace overwatch;
using http::check_graph;
using testing::HasSubstr;

namespace {

using parents = std::vector<std::vector<std::string>>;

std::string name_of_task(size_t i) { return "t" + std::to_string(i); }

std::vector<workflow_task> graph_of(const parents& depends_on) {
  std::vector<workflow_task> out;
  for (size_t i = 0; i < depends_on.size(); ++i)
    out.push_back({name_of_task(i), {}, depends_on[i]});
  return out;
}

// Each task may depend on earlier ones only.
parents any_order() {
  auto count = *rc::gen::inRange<size_t>(1, 40);
  parents out(count);
  for (size_t i = 1; i < count; ++i)
    for (size_t parent = 0; parent < i; ++parent)
      if (*rc::gen::inRange(0, 6) == 0)
        out[i].push_back(name_of_task(parent));
  return out;
}

// Whether `from` waits for `to`, by whatever way.
bool waits_for(const parents& graph, size_t from, size_t to) {
  for (const auto& name : graph[from]) {
    auto parent = static_cast<size_t>(std::stoul(name.substr(1)));
    if (parent == to || waits_for(graph, parent, to))
      return true;
  }
  return false;
}

} // namespace

TEST(WorkflowGraphTest, OrderIsAccepted) {
  EXPECT_TRUE(rc::check([] { RC_ASSERT(check_graph(graph_of(any_order())).empty()); }));
}

TEST(WorkflowGraphTest, OneStepBackIsACycleWhenItClosesOne) {
  EXPECT_TRUE(rc::check([] {
    auto graph = any_order();
    auto early = *rc::gen::inRange<size_t>(0, graph.size());
    auto late = *rc::gen::inRange<size_t>(early, graph.size());
    auto is_cycle = early == late || waits_for(graph, late, early);
    graph[early].push_back(name_of_task(late));
    auto faults = check_graph(graph_of(graph));
    RC_ASSERT(faults.size() == (is_cycle ? 1u : 0u));
    if (is_cycle)
      RC_ASSERT(faults[0].message.find(name_of_task(early)) != std::string::npos);
  }));
}

TEST(WorkflowGraphTest, CycleIsNamedWithoutWhatLeadsToIt) {
  auto faults = check_graph(graph_of({{"t1"}, {"t2"}, {"t3"}, {"t1"}, {}}));
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].task, 1u);
  EXPECT_EQ(faults[0].field, "depends_on");
  EXPECT_THAT(faults[0].message, HasSubstr(": t1 -> t2 -> t3 -> t1;"));
}

TEST(WorkflowGraphTest, NamesAreCheckedAllTogether) {
  std::vector<workflow_task> tasks{
    {"a", {}, {"b", "nobody", "b"}}, {"b", {}, {}}, {"b", {}, {}}, {"", {}, {}}, {std::string(65, 'x'), {}, {}}};
  auto faults = check_graph(tasks);
  ASSERT_EQ(faults.size(), 5u);
  EXPECT_EQ(faults[0].task, 2u);
  EXPECT_EQ(faults[1].task, 3u);
  EXPECT_EQ(faults[2].task, 4u);
  EXPECT_EQ(faults[3].parent, 1u);
  EXPECT_THAT(faults[3].message, HasSubstr("\"nobody\""));
  EXPECT_EQ(faults[4].parent, 2u);
  EXPECT_TRUE(check_graph({{std::string(64, 'x'), {}, {}}}).empty());
}

TEST(WorkflowGraphTest, LongChainsNeedNoDeepStack) {
  parents chain(task_limits::workflow_tasks);
  for (size_t i = 1; i < chain.size(); ++i)
    chain[i] = {name_of_task(i - 1)};
  EXPECT_TRUE(check_graph(graph_of(chain)).empty());
  chain[0] = {name_of_task(chain.size() - 1)};
  auto faults = check_graph(graph_of(chain));
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_LT(faults[0].message.size(), 1000u);
}
