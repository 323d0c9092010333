#include "tests/actors/execution_node.hpp"

#include <caf/event_based_actor.hpp>

using namespace std::chrono_literals;

/// A pool and the schedulers that lead one after the other. The test plays them.
namespace overwatch::test {

class PoolLeadersTest : public execution_node {
protected:
  struct leader {
    caf::actor handle;
    std::shared_ptr<int> offers = std::make_shared<int>(0);
  };

  leader add_leader() {
    leader x;
    x.handle = system_.spawn([offers = x.offers](caf::event_based_actor*) -> caf::behavior {
      return {
        [=](const pool_offer&, const caf::strong_actor_ptr&) { ++*offers; },
        [](const lease_request&) {},
      };
    });
    spawned_.push_back(x.handle);
    return x;
  }

  void join(board& pool, const leader& x) {
    caf::anon_send(pool.handle, leader_in_sight{0, caf::actor_cast<caf::strong_actor_ptr>(x.handle)});
    settle();
  }

  void say(const leader& x, board& pool, message_mark mark) {
    assignment_batch batch;
    batch.mark = mark;
    caf::send_as(x.handle, pool.handle, std::move(batch));
    settle();
  }
};

TEST_F(PoolLeadersTest, WhatTheLeaderBeforeSaysLateIsNoAnswerOfTheNewOne) {
  auto& pool = add_pool("here", 1);
  auto before = add_leader();
  auto now = add_leader();
  join(pool, before);
  say(before, pool, {1, 1});
  join(pool, now);
  ASSERT_EQ(*now.offers, 1); // which gets lost
  say(before, pool, {1, 2});
  advance(2s);
  EXPECT_EQ(*now.offers, 2);
  say(now, pool, {2, 1});
  advance(2s);
  EXPECT_EQ(*now.offers, 2) << "it was answered";
}

} // namespace overwatch::test
