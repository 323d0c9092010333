#include "tests/actors/execution_node.hpp"

#include <caf/event_based_actor.hpp>

#include <functional>

using namespace std::chrono_literals;

/// Attempts that must not run twice at a time: when they begin, and for how long they go on.
namespace overwatch::test {

namespace {

/// Messages of one direction between a pool and its scheduler, which a test can hold up.
struct way {
  bool held = false;
  std::vector<std::function<void()>> waiting;

  void pass(std::function<void()> x) {
    if (held)
      waiting.push_back(std::move(x));
    else
      x();
  }
  void release() {
    held = false;
    for (const auto& x : std::exchange(waiting, {}))
      x();
  }
};

} // namespace

class PoolLeaseTest : public execution_node {
protected:
  ~PoolLeaseTest() override {
    for (const auto& x : ends)
      caf::anon_send_exit(x, caf::exit_reason::kill);
    settle();
  }

  // -- with a scheduler that the test plays --------------------------------------

  board& add(bool grants_leases = true) {
    auto& x = add_pool("here", 10);
    ends.push_back(system_.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {
        [](const pool_offer&, const caf::strong_actor_ptr&) {},
        [this](const lease_request& asked) { requests.push_back(asked); },
        [this](const outcome_batch& y) { ended.insert(ended.end(), y.outcomes.begin(), y.outcomes.end()); },
      };
    }));
    caf::anon_send(x.handle, leader_in_sight{0, caf::actor_cast<caf::strong_actor_ptr>(ends.back()), grants_leases});
    settle();
    return x;
  }

  void assign(board& to, uint64_t n, bool exclusive) {
    auto spec = std::make_shared<task_spec>();
    spec->id = {n, 1};
    spec->name = "task";
    if (exclusive)
      spec->resources.exclusive = {"thing"};
    assignment_batch batch;
    batch.attempts.push_back({{spec, std::make_shared<const std::string>("{}")}, {1, 1}, time(), {}});
    hear(to, std::move(batch));
  }

  void hear(board& to, assignment_batch batch = {}) {
    batch.mark = {1, ++marks};
    batch.lease = 4s;
    caf::anon_send(to.handle, std::move(batch));
    settle();
  }

  void grant(board& to, const lease_request& x) {
    caf::anon_send(to.handle, lease_grant{x.partition, x.sent_at, 4s, x.attempts});
    settle();
  }

  // -- with a real one -------------------------------------------------------------

  template <class T>
  auto passing(way& through, caf::strong_actor_ptr sender, caf::strong_actor_ptr to) {
    return [&through, sender, to](const T& x) {
      through.pass([=] {
        caf::send_as(caf::actor_cast<caf::actor>(sender), caf::actor_cast<caf::actor>(to), x);
      });
    };
  }

  /// The pool and the scheduler hear each other through `there` and `back`; the scheduler's end is returned.
  caf::actor connect(board& x) {
    auto scheduler = caf::actor_cast<caf::strong_actor_ptr>(links.scheduler);
    auto pool = caf::actor_cast<caf::strong_actor_ptr>(x.handle);
    auto end_of_pool = system_.spawn([=](caf::event_based_actor*) -> caf::behavior {
      return {passing<assignment_batch>(back, scheduler, pool), passing<lease_grant>(back, scheduler, pool),
              passing<stop_attempt>(back, scheduler, pool), passing<deadline_change>(back, scheduler, pool)};
    });
    auto as_pool = caf::actor_cast<caf::strong_actor_ptr>(end_of_pool);
    auto end_of_scheduler = system_.spawn([=](caf::event_based_actor*) -> caf::behavior {
      return {
        [=](const pool_offer& y, const caf::strong_actor_ptr&) {
          there.pass([=] {
            caf::send_as(end_of_pool, caf::actor_cast<caf::actor>(scheduler), y, as_pool);
          });
        },
        passing<lease_request>(there, as_pool, scheduler),
        passing<outcome_batch>(there, as_pool, scheduler),
        passing<progress_batch>(there, as_pool, scheduler),
      };
    });
    ends.push_back(end_of_pool);
    ends.push_back(end_of_scheduler);
    caf::anon_send(links.scheduler, node_capacity{x.node, 1'000, 4, 8'192, x.labels});
    caf::anon_send(x.handle, leader_in_sight{0, caf::actor_cast<caf::strong_actor_ptr>(end_of_scheduler)});
    settle();
    return end_of_pool;
  }

  std::vector<caf::actor> ends;
  std::vector<lease_request> requests;
  std::vector<attempt_outcome> ended;
  uint64_t marks = 0;
  way there;
  way back;
};

TEST_F(PoolLeaseTest, OnlyWhatMustNotRunTwiceNeedsOne) {
  auto& pool = add();
  assign(pool, 1, false);
  EXPECT_EQ(pool.running.size(), 1u);
  EXPECT_TRUE(requests.empty());
  assign(pool, 2, true);
  EXPECT_EQ(pool.running.size(), 1u) << "it has no lease yet";
  ASSERT_EQ(requests.size(), 1u);
  ASSERT_EQ(requests[0].attempts.size(), 1u);
  EXPECT_EQ(requests[0].attempts[0].id.high, 2u);
  EXPECT_EQ(ask<pool_status>(pool.handle, pools_request{}).waiting, 1u);
  grant(pool, requests[0]);
  EXPECT_EQ(pool.running.size(), 2u);
}

TEST_F(PoolLeaseTest, ItIsAskedForAgainWhileTheAttemptRuns) {
  auto& pool = add();
  assign(pool, 1, true);
  for (int i = 0; i < 20; ++i) {
    grant(pool, requests.back());
    pass(1s);
  }
  EXPECT_TRUE(pool.stops.empty());
  EXPECT_GE(requests.size(), 20u);
  EXPECT_LE(requests.size(), 22u);
  end(pool, 0, outcome::completed());
  pass(1s);
  auto count = requests.size();
  pass(10s);
  EXPECT_EQ(requests.size(), count) << "there is nothing to ask for";
}

// However often the scheduler is heard meanwhile: that may be what it said long ago.
TEST_F(PoolLeaseTest, ItCountsFromTheMomentWhenItWasAskedFor) {
  auto& pool = add();
  assign(pool, 1, true);
  auto first = requests.at(0);
  grant(pool, first);
  pass(3900ms);
  EXPECT_TRUE(pool.stops.empty());
  grant(pool, first); // it came twice, or was under way for so long
  hear(pool);
  pass(200ms);
  ASSERT_EQ(pool.stops.size(), 1u);
  EXPECT_EQ(pool.stops[0].cause, cancellation::cause::shutdown);
}

TEST_F(PoolLeaseTest, AttemptThatGetsNoneGoesBack) {
  auto& pool = add();
  assign(pool, 1, true);
  auto first = requests.at(0);
  pass(4100ms);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_TRUE(ended[0].requeue);
  grant(pool, first);
  grant(pool, requests.back());
  EXPECT_TRUE(begun.empty());
}

TEST_F(PoolLeaseTest, OlderSchedulerIsOnlyHeard) {
  auto& pool = add(false);
  assign(pool, 1, true);
  EXPECT_EQ(pool.running.size(), 1u);
  pass(3s);
  hear(pool);
  pass(3900ms);
  EXPECT_TRUE(pool.stops.empty());
  pass(200ms);
  EXPECT_EQ(pool.stops.size(), 1u);
  EXPECT_TRUE(requests.empty());
}

TEST_F(PoolLeaseTest, SilenceOfTheSchedulerIsNoticedWithoutBeingTold) {
  start();
  auto& far = add_pool("far", 10);
  auto& near = add_pool("here", 10);
  connect(far);
  join(near, caf::actor_cast<caf::strong_actor_ptr>(links.scheduler));
  submit("one", [](task_spec& x) { x.resources.exclusive = {"a"}; x.placement.node = "far"; });
  submit("two", [](task_spec& x) { x.resources.exclusive = {"b"}; x.placement.node = "here"; });
  ASSERT_EQ(far.running.size(), 1u);
  ASSERT_EQ(near.running.size(), 1u);
  pass(30s);
  EXPECT_TRUE(far.stops.empty());
  back.held = true;
  pass(2900ms);
  EXPECT_TRUE(far.stops.empty());
  pass(1200ms);
  EXPECT_EQ(far.stops.size(), 1u);
  EXPECT_TRUE(near.stops.empty()) << "a node sees its own scheduler";
}

// What is said to a node gets stuck; the connection breaks; the scheduler gives the attempts up and has them run elsewhere;
// then what got stuck arrives after all.
TEST_F(PoolLeaseTest, WhatArrivesLateDoesNotRunBesideItsSuccessor) {
  start();
  auto& far = add_pool("far", 10);
  auto connection = connect(far);
  submit("first", [](task_spec& x) { x.resources.exclusive = {"first"}; });
  ASSERT_EQ(far.running.size(), 1u);
  back.held = there.held = true;
  auto second = submit("second", [](task_spec& x) { x.resources.exclusive = {"second"}; });
  pass(2500ms);
  caf::anon_send_exit(connection, caf::exit_reason::remote_link_unreachable);
  auto& near = add_pool("near", 10);
  join(near, caf::actor_cast<caf::strong_actor_ptr>(links.scheduler));
  pass(4500ms);
  ASSERT_EQ(far.stops.size(), 1u) << "nobody lets the first go on";
  end(far, 0, outcome::failed("stopped"));
  EXPECT_TRUE(near.running.empty()) << "they may be running still";
  back.release();
  settle();
  EXPECT_TRUE(far.running.empty());
  pass(1s);
  EXPECT_EQ(near.running.size(), 2u);
  EXPECT_TRUE(far.running.empty());
  pass(10s);
  EXPECT_TRUE(far.running.empty());
  EXPECT_EQ(begun.count({second.id, 1}), 0u);
}

} // namespace overwatch::test
