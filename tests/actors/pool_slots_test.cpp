#include "tests/actors/execution_node.hpp"

#include <caf/event_based_actor.hpp>

using namespace std::chrono_literals;

/// What pools do with more attempts than may run.
namespace overwatch::test {

namespace {

class PoolSlotsTest : public execution_node {
protected:
  PoolSlotsTest() {
    leader = system_.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {
        [](const pool_offer&, const caf::strong_actor_ptr&) {},
        [this](const outcome_batch& x) { ended.insert(ended.end(), x.outcomes.begin(), x.outcomes.end()); },
      };
    });
    workers.push_back(leader);
  }

  board& add(const std::string& node, uint32_t slots) {
    common.places = places;
    auto& x = add_pool(node, slots);
    caf::anon_send(x.handle, leader_in_sight{control_partition, caf::actor_cast<caf::strong_actor_ptr>(leader)});
    settle();
    return x;
  }

  assignment task(uint64_t n, priority importance = priority::normal) {
    auto spec = std::make_shared<task_spec>();
    spec->id = {n, 1};
    spec->name = std::to_string(n);
    spec->task_type = "noop";
    spec->importance = importance;
    spec->timeout = 10s;
    spec->deadline = deadline;
    return {{spec, std::make_shared<const std::string>("{}")}, {1, 1}, time(), {}};
  }

  void assign(board& to, std::vector<assignment> attempts, uint32_t node_limit = 0) {
    assignment_batch batch;
    batch.attempts = std::move(attempts);
    batch.mark = {1, ++marks};
    batch.node_limit = node_limit;
    caf::anon_send(to.handle, std::move(batch));
    settle();
  }

  // Ends the oldest and says its number.
  uint64_t end_first(board& x) {
    auto number = x.running.at(0).context->task().id.high;
    end(x, 0, outcome::completed());
    settle();
    return number;
  }

  pool_status status_of(const board& x) { return ask<pool_status>(x.handle, pools_request{}); }

  std::shared_ptr<running_limit> places;
  caf::actor leader;
  std::vector<attempt_outcome> ended;
  std::optional<timestamp> deadline;
  uint64_t marks = 0;
};

} // namespace

TEST_F(PoolSlotsTest, WhatIsAboveItsSlotsWaitsByPriorityAndAsItCame) {
  auto& pool = add("here", 2);
  assign(pool, {task(1), task(2), task(3), task(4, priority::background), task(5, priority::critical), task(6)});
  auto status = status_of(pool);
  EXPECT_EQ(status.slots, 2u);
  EXPECT_EQ(status.busy, 2u);
  EXPECT_EQ(status.waiting, 4u);
  std::vector<uint64_t> order;
  while (!pool.running.empty()) {
    ASSERT_LE(pool.running.size(), 2u);
    order.push_back(end_first(pool));
  }
  EXPECT_EQ(order, (std::vector<uint64_t>{5, 1, 2, 3, 6, 4}));
  EXPECT_EQ(status_of(pool).busy, 0u);
}

TEST_F(PoolSlotsTest, MoreSlotsStartWhatWaits) {
  auto& pool = add("here", 1);
  assign(pool, {task(1), task(2), task(3)});
  caf::anon_send(pool.handle, caf::update_atom::value, uint32_t{2});
  settle();
  EXPECT_EQ(pool.running.size(), 2u);
}

TEST_F(PoolSlotsTest, TimeoutBeginsWhenAnAttemptStarts) {
  auto& pool = add("here", 1);
  assign(pool, {task(1)});
  pass(8s);
  assign(pool, {task(2)});
  pass(1s);
  end_first(pool);
  pass(9s);
  EXPECT_TRUE(pool.stops.empty());
  pass(1500ms);
  ASSERT_EQ(pool.stops.size(), 1u);
  EXPECT_EQ(pool.stops[0].cause, cancellation::cause::timeout);
}

TEST_F(PoolSlotsTest, DeadlineEndsWhatWaits) {
  auto& pool = add("here", 1);
  assign(pool, {task(1)});
  deadline = time() + 5s;
  assign(pool, {task(2)});
  pass(4900ms);
  EXPECT_TRUE(ended.empty());
  pass(200ms);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].id.high, 2u);
  EXPECT_EQ(ended[0].kind, violation::timeout);
  EXPECT_FALSE(ended[0].retryable);
  EXPECT_EQ(status_of(pool).waiting, 0u);
}

TEST_F(PoolSlotsTest, WhatWaitsCanBeCancelled) {
  auto& pool = add("here", 1);
  assign(pool, {task(1), task(2)});
  caf::anon_send(pool.handle, stop_attempt{{2, 1}, {1, 1}, cancellation::cause::cancelled});
  settle();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].id.high, 2u);
}

TEST_F(PoolSlotsTest, PoolsOfANodeRunNoMoreThanItMayTogether) {
  places = std::make_shared<running_limit>(3);
  auto& one = add("here", 3);
  auto& two = add("here", 3);
  assign(one, {task(1), task(2), task(3), task(4)});
  assign(two, {task(5), task(6)});
  EXPECT_EQ(one.running.size(), 3u);
  EXPECT_TRUE(two.running.empty());
  EXPECT_EQ(status_of(two).waiting, 2u);
  end_first(one);
  EXPECT_EQ(one.running.size(), 2u) << "the other one waited first";
  EXPECT_EQ(two.running.size(), 1u);
  while (!one.running.empty() || !two.running.empty()) {
    ASSERT_LE(one.running.size() + two.running.size(), 3u);
    end_first(one.running.empty() ? two : one);
  }
  EXPECT_EQ(ended.size(), 6u) << "nothing got stuck";
}

TEST_F(PoolSlotsTest, PoolThatDiesGivesItsPlacesToTheOthers) {
  places = std::make_shared<running_limit>(1);
  auto& one = add("here", 1);
  auto& two = add("here", 1);
  assign(one, {task(1)});
  assign(two, {task(2)});
  EXPECT_TRUE(two.running.empty());
  caf::anon_send_exit(one.handle, caf::exit_reason::kill);
  settle();
  EXPECT_EQ(two.running.size(), 1u);
}

TEST_F(PoolSlotsTest, PlaceThatNobodyWantsAnyMoreIsNotLost) {
  places = std::make_shared<running_limit>(1);
  auto& one = add("here", 1);
  auto& two = add("here", 1);
  assign(one, {task(1)});
  assign(two, {task(2)});
  caf::anon_send(two.handle, stop_attempt{{2, 1}, {1, 1}, cancellation::cause::cancelled});
  settle();
  end_first(one);
  assign(one, {task(3)});
  EXPECT_EQ(one.running.size(), 1u);
}

TEST_F(PoolSlotsTest, LimitOfTheNodeComesFromTheControlPartition) {
  places = std::make_shared<running_limit>(1);
  auto& pool = add("here", 5);
  assign(pool, {task(1), task(2), task(3), task(4)}, 3);
  EXPECT_EQ(pool.running.size(), 3u);
  assign(pool, {}, 0);
  EXPECT_EQ(places->limit(), 1u) << "as it is configured";
}

} // namespace overwatch::test
