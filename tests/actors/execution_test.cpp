#include "tests/actors/execution_node.hpp"

using namespace std::chrono_literals;

/// Schedulers and pools of several nodes together: what a change of leader, and a node that is out of sight, do to attempts.
namespace overwatch::test {

class ExecutionTest : public execution_node {
protected:
  void run_steps(size_t count) {
    for (size_t i = 0; i < count && coordinator_.try_run_once(); ++i)
      continue;
  }

  // Every task completed once, by its first attempt, which ran once.
  void expect_all_ran_once(const std::vector<task_id>& ids) {
    for (const auto& id : ids) {
      auto record = get(id);
      EXPECT_EQ(record.state.status, task_status::completed);
      EXPECT_EQ(record.state.fence.attempt, 1u) << record.state.error.message;
    }
    EXPECT_EQ(begun.size(), ids.size());
    for (const auto& [key, times] : begun)
      EXPECT_EQ(times, 1);
    EXPECT_EQ(ask<stats_reply>(links.replica, stats_request{}).completed, ids.size());
  }
};

// At whatever step the leader dies: with outcomes on their way, in the log, settled or not.
TEST_F(ExecutionTest, LeaderChangeLosesAndDoublesNothing) {
  for (size_t steps = 0; steps < 60; steps += 4) {
    SCOPED_TRACE(steps);
    db = std::make_unique<memory_store>();
    begun.clear();
    boards.clear();
    start();
    for (const auto* node : {"a", "b", "c"})
      add_pool(node, 40);
    join_all();
    auto ids = submit_many(100, [](task_spec&, size_t) {});
    auto running = [&] { return boards[0]->running.size() + boards[1]->running.size() + boards[2]->running.size(); };
    ASSERT_EQ(running(), 100u);
    for (const auto& x : boards)
      for (int i = 0; i < 10; ++i)
        end(*x, 0, outcome::completed());
    settle();
    for (const auto& x : boards)
      for (int i = 0; i < 10; ++i)
        end(*x, 1, outcome::completed("1"));
    run_steps(steps);
    fail_over();
    EXPECT_EQ(running(), 40u);
    join_all();
    EXPECT_EQ(running(), 40u) << "nothing starts again";
    pass(10s);
    for (const auto& x : boards)
      while (!x->running.empty())
        end(*x, 0, outcome::completed());
    settle();
    pass(10s);
    expect_all_ran_once(ids);
    for (const auto& x : boards) {
      for (const auto& y : x->settled)
        EXPECT_TRUE(y.accepted);
      caf::anon_send_exit(x->handle, caf::exit_reason::kill);
    }
    EXPECT_EQ(boards[0]->settled.size() + boards[1]->settled.size() + boards[2]->settled.size(), 100u);
    kill_all();
  }
}

TEST_F(ExecutionTest, WhatMustNotRunTwiceStopsWhenNoSchedulerIsInSight) {
  start();
  auto& pool = add_pool("far", 10);
  join_all();
  auto exclusive = submit("exclusive", [](task_spec& x) { x.resources.exclusive = {"thing"}; });
  submit("keyed", keyed("k"));
  submit("scope", [](task_spec& x) { x.snapshot.keys = {"k/"}; });
  auto plain = submit("plain");
  ASSERT_EQ(pool.running.size(), 4u);
  pass(30s);
  EXPECT_TRUE(pool.stops.empty()) << "the scheduler is heard all the time";
  lose_leader();
  pass(3900ms);
  EXPECT_TRUE(pool.stops.empty());
  pass(200ms);
  EXPECT_EQ(pool.stops.size(), 3u);
  for (const auto& x : pool.running)
    EXPECT_EQ(x.context->stopping(), x.context->task().id != plain.id);
  for (size_t i = 0; i < pool.running.size();)
    if (pool.running[i].context->stopping())
      end(pool, i, outcome::failed("stopped"));
    else
      ++i;
  start();
  join_all();
  auto record = get(exclusive.id);
  EXPECT_EQ(record.state.status, task_status::running) << "it went back to the queue and runs again";
  EXPECT_EQ(record.state.fence.attempt, 2u);
  EXPECT_EQ(record.state.failures, 0u);
  EXPECT_EQ(get(plain.id).state.fence.attempt, 1u);
}

TEST_F(ExecutionTest, WhySaysThatAnAttemptWaitsInItsPool) {
  common.places = std::make_shared<running_limit>(1); // of the node, and taken by other partitions perhaps
  start();
  auto& pool = add_pool("far", 10);
  join_all();
  auto first = submit("first");
  auto second = submit("second");
  ASSERT_EQ(pool.running.size(), 1u);
  EXPECT_EQ(status_of(second.id), task_status::running) << "as far as the log knows";
  auto why = ask<why_reply>(gateway_handle, why_request{second.id});
  EXPECT_EQ(why.kind, wait_kind::slot);
  EXPECT_EQ(why.data["node"], "far");
  EXPECT_EQ(why.data["waiting"], "1");
  EXPECT_NE(why.sentence.find("has not begun"), std::string::npos) << why.sentence;
  why = ask<why_reply>(gateway_handle, why_request{first.id});
  EXPECT_EQ(why.kind, wait_kind::nothing);
  EXPECT_NE(why.sentence.find("It is running"), std::string::npos) << why.sentence;
}

TEST_F(ExecutionTest, NewerAttemptWaitsUntilTheOlderOneIsGone) {
  start();
  auto& pool = add_pool("far", 10);
  join_all();
  auto receipt = submit("one");
  ASSERT_EQ(pool.running.size(), 1u);
  auto other = pool.running[0].context;
  fail_over(); // nobody tells the pool
  advance(6s);
  EXPECT_EQ(get(receipt.id).state.status, task_status::queued) << "lost, and nobody there to run it";
  join_all();
  EXPECT_EQ(get(receipt.id).state.fence.attempt, 2u);
  EXPECT_TRUE(other->stopping()) << "the scheduler does not know it any more";
  ASSERT_EQ(pool.running.size(), 1u) << "the new one waits";
  end(pool, 0, outcome::completed("\"old\""));
  settle();
  ASSERT_EQ(pool.running.size(), 1u);
  EXPECT_EQ(pool.running[0].context->attempt(), 2u);
  end(pool, 0, outcome::completed("\"new\""));
  settle();
  auto record = get(receipt.id);
  EXPECT_EQ(record.result, "\"new\"");
  ASSERT_EQ(pool.settled.size(), 2u);
  EXPECT_FALSE(pool.settled[0].accepted) << "the task went on without it";
  EXPECT_TRUE(pool.settled[1].accepted);
}

TEST_F(ExecutionTest, OutcomesAreSentAgainUntilTheyAreSettled) {
  start();
  auto& pool = add_pool("far", 1);
  join_all();
  auto receipt = submit("one");
  join(pool, nullptr);
  end(pool, 0, outcome::completed());
  settle();
  EXPECT_EQ(status_of(receipt.id), task_status::running);
  join_all();
  EXPECT_EQ(status_of(receipt.id), task_status::completed);
  ASSERT_EQ(pool.settled.size(), 1u);
  advance(20s);
  EXPECT_EQ(pool.settled.size(), 1u);
  EXPECT_EQ(ask<stats_reply>(links.replica, stats_request{}).completed, 1u);
}

TEST_F(ExecutionTest, DrainOfAPoolWaitsForTheLog) {
  start();
  auto& pool = add_pool("far", 1);
  join_all();
  submit("one");
  join(pool, nullptr);
  auto reply = self_->request(pool.handle, caf::infinite, drain_request{60s});
  settle();
  end(pool, 0, outcome::completed());
  advance(4s);
  auto ended = false;
  auto look = [&] {
    if (!ended && self_->has_next_message())
      reply.receive([&](const drain_reply& x) { ended = x.finished == 1; }, [](const caf::error&) { FAIL(); });
  };
  look();
  EXPECT_FALSE(ended) << "its outcome is nowhere else";
  join_all();
  look();
  EXPECT_TRUE(ended);
}

} // namespace overwatch::test
