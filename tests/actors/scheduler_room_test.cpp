#include "tests/actors/control_node.hpp"

using namespace std::chrono_literals;

/// Room on the node, turns, and time.
namespace overwatch::test {

class SchedulerRoomTest : public control_node {};

// -- room on the node ----------------------------------------------------------

TEST_F(SchedulerRoomTest, LargeTaskGetsItsRoomThoughSmallOnesKeepComing) {
  scheduling.reserve_after = 30s;
  start();
  caf::anon_send(links.scheduler, node_capacity{"here", 100, 4, 1'000});
  auto pool = offer("noop", 100);
  auto small = [](task_spec& x, size_t = 0) { x.resources.memory_mb = 400; };
  submit_many(2, small);
  auto running = take_assigned(pool);
  ASSERT_EQ(running.size(), 2u);
  auto large = submit("large", [](task_spec& x) { x.resources.memory_mb = 900; });
  EXPECT_EQ(why(large.id), wait_kind::resources);
  auto largest_started = false;
  auto waited = 0s;
  for (; waited < 120s && !largest_started; waited += 5s) {
    submit_many(2, small);
    advance(5s);
    finish(running.front()); // one of two ends, so that a small one fits and the large one does not
    running.erase(running.begin());
    for (auto& x : take_assigned(pool)) {
      largest_started |= x.task.spec->name == "large";
      running.push_back(std::move(x));
    }
    if (running.empty())
      break;
  }
  EXPECT_TRUE(largest_started);
  EXPECT_GE(waited, 25s) << "small ones may pass it for a while";
  EXPECT_LE(waited, 60s);
}

TEST_F(SchedulerRoomTest, NodeNeverHoldsMoreThanItHas) {
  start();
  caf::anon_send(links.scheduler, node_capacity{"here", 100, 4, 1'000});
  auto pool = offer("noop", 100);
  submit_many(200, [](task_spec& x, size_t n) {
    x.resources.cpu = 0.1 * static_cast<double>(n % 7);
    x.resources.memory_mb = static_cast<uint32_t>(n % 5) * 100;
    x.resources.io = n % 3 == 0 ? 0.5 : 0;
  });
  std::vector<assignment> running;
  size_t done = 0;
  for (;;) {
    for (auto& x : take_assigned(pool))
      running.push_back(std::move(x));
    if (running.empty())
      break;
    resource_request held;
    for (const auto& x : running) {
      held.cpu += x.task.spec->resources.cpu;
      held.io += x.task.spec->resources.io;
      held.memory_mb += x.task.spec->resources.memory_mb;
    }
    ASSERT_LE(held.cpu, 1.0001);
    ASSERT_LE(held.io, 1.0001);
    ASSERT_LE(held.memory_mb, 1'000u);
    auto which = running.begin() + static_cast<std::ptrdiff_t>(done++ % running.size());
    auto x = *which;
    running.erase(which);
    finish(x);
  }
  EXPECT_EQ(done, 200u);
  auto left = ask<resources_reply>(links.scheduler, resources_request{}).nodes.at(0);
  EXPECT_NEAR(left.cpu_held, 0, 1e-6);
  EXPECT_EQ(left.memory_mb_held, 0u);
}

// -- fairness ------------------------------------------------------------------

TEST_F(SchedulerRoomTest, TasksOfOneUserDoNotStopAnothers) {
  start();
  auto of = [](std::string user) {
    return [=](task_spec& x, size_t) {
      x.fairness_key = user;
      x.name = user;
    };
  };
  submit_many(10'000, of("many"));
  submit_many(20, of("few"));
  auto pool = offer("noop", 1);
  int few = 0;
  for (int started = 1; few < 20; ++started) {
    auto assigned = take_assigned(pool);
    ASSERT_EQ(assigned.size(), 1u);
    few += assigned[0].task.spec->name == "few" ? 1 : 0;
    ASSERT_LE(started, 2 * few + 2) << "they take turns";
    finish(assigned[0]);
  }
}

// -- time ----------------------------------------------------------------------

TEST_F(SchedulerRoomTest, DeadlinesFireToTheMillisecond) {
  start();
  auto pool = offer("noop", 1);
  submit("takes the slot");
  constexpr size_t count = 20'000;
  auto begin = time();
  auto ids =
    submit_many(count, [&](task_spec& x, size_t n) { x.deadline = begin + 1h + milliseconds{n * 7919 % count}; });
  auto failed = [&] { // when no more is due at this time
    uint64_t before = 0;
    auto now = ask<stats_reply>(links.replica, stats_request{}).failed;
    for (; now != before; now = ask<stats_reply>(links.replica, stats_request{}).failed) {
      before = now;
      advance(0s);
    }
    return now;
  };
  advance(begin + 1h - 1ms - time());
  EXPECT_EQ(failed(), 0u);
  for (auto passed : {0, 1, 1, 498, 9'500, 9'999}) {
    advance(milliseconds{passed} + (passed == 0 ? 1ms : 0ms));
    auto due = static_cast<size_t>((time() - begin - 1h) / 1ms) + 1;
    EXPECT_EQ(failed(), std::min(due, count)) << "at " << due - 1 << " ms";
  }
  EXPECT_EQ(get(ids[17]).state.error.kind, violation::timeout);
}

} // namespace overwatch::test
