#include "tests/actors/control_node.hpp"

#include "actors/keys.hpp"

#include <caf/event_based_actor.hpp>

using namespace std::chrono_literals;

namespace overwatch::test {

class RetentionTest : public control_node {
public:
  // Rows in the store of what is kept until a time.
  size_t rows(keys::expiring_kind kind) {
    ask<uint64_t>(links.replica, flush_request{});
    size_t count = 0;
    auto prefix = keys::expiring(0, kind);
    for (auto i = db->scan(key_space::state, prefix, keys::after_prefix(prefix)); i->valid(); i->next())
      ++count;
    return count;
  }

  void run_to_the_end(const pool_actor& pool) {
    for (auto running = take_assigned(pool); !running.empty(); running = take_assigned(pool))
      for (const auto& x : running) {
        attempt_outcome outcome;
        outcome.id = x.task.spec->id;
        outcome.fence = x.fence;
        outcome.result = std::make_shared<const std::string>("1");
        finish(outcome);
      }
  }
};

TEST_F(RetentionTest, FinishedTasksGoWhenTheirTimeIsOver) {
  scheduling.retention = 1h;
  start();
  auto pool = offer("noop", 10);
  auto id = submit("short").id;
  run_to_the_end(pool);
  advance(59min);
  EXPECT_EQ(status_of(id), task_status::completed);
  advance(2min);
  failure fault;
  ask<task_record>(gateway_handle, get_request{id}, &fault);
  EXPECT_EQ(fault.code, ec::not_found);
}

TEST_F(RetentionTest, WhatIsKeptUntilATimeIsErasedAfterIt) {
  using keys::expiring_kind;
  start();
  auto pool = offer("noop", 100);
  constexpr size_t count = 5'000; // more than one look takes in
  submit_many(count, [](task_spec& x, size_t n) {
    auto name = std::to_string(n);
    milliseconds kept = n % 10 == 0 ? 1h : 1min;
    x.unique_key = "u" + name;
    x.unique_for = kept;
    x.cache = {"c" + name, kept};
    x.rate = {"r" + name, 1, kept};
  });
  run_to_the_end(pool);
  for (auto kind : {expiring_kind::unique_key, expiring_kind::cached_result, expiring_kind::rate})
    ASSERT_EQ(rows(kind), count);
  advance(50s);
  for (auto kind : {expiring_kind::unique_key, expiring_kind::cached_result, expiring_kind::rate})
    EXPECT_EQ(rows(kind), count) << "not yet";
  for (int i = 0; i < 20; ++i)
    advance(10s);
  for (auto kind : {expiring_kind::unique_key, expiring_kind::cached_result, expiring_kind::rate})
    EXPECT_EQ(rows(kind), count / 10) << "those that are kept for an hour";
  EXPECT_TRUE(submit("the same", [](task_spec& x) { x.unique_key = "u10"; }).existing);
  EXPECT_FALSE(submit("free again", [](task_spec& x) { x.unique_key = "u8"; }).existing);
}

/// A scheduler whose replica the test plays.
class LooksAtWhatIsOldTest : public deterministic_node {
protected:
  void start_scheduler(bool leads) {
    start();
    tested = system_.spawn(scheduler, scheduling, links.events);
    spawned_.push_back(caf::actor_cast<caf::actor>(tested));
    played = system_.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[](const running_request&) { return running_page{}; },
              [](const timer_request&) { return timer_page{{}, true, 0}; },
              [](const expired_request&) { return expired_page{}; },
              [](const proposal&) {},
              [this](const finished_request&) {
                ++looks;
                return found;
              }};
    });
    spawned_.push_back(played);
    lead(leads);
  }

  void lead(bool leads) {
    role_report role;
    role.leads = leads;
    role.epoch = ++epoch;
    caf::send_as(played, tested, role);
    settle();
  }

  unsigned looks_within(std::chrono::seconds time) {
    looks = 0;
    for (; time > 0s; time -= 1s)
      advance(1s);
    return looks;
  }

  scheduler_actor tested;
  caf::actor played;
  uint64_t epoch = 0;
  unsigned looks = 0;
  id_page found;
};

TEST_F(LooksAtWhatIsOldTest, BecomeRareWhereThereIsNothing) {
  start_scheduler(true);
  EXPECT_LE(looks_within(10min), 12u);
  EXPECT_EQ(looks_within(10min), 10u) << "and so they stay";
}

TEST_F(LooksAtWhatIsOldTest, AreFrequentAgainWhereSomethingWasFound) {
  start_scheduler(true);
  looks_within(10min);
  found.ids.push_back({1, 1});
  looks_within(2min);
  EXPECT_EQ(looks_within(100s), 10u);
}

TEST_F(LooksAtWhatIsOldTest, AreMadeByTheOneThatLeads) {
  start_scheduler(false);
  EXPECT_EQ(looks_within(2min), 0u);
  lead(true);
  EXPECT_EQ(looks_within(10s), 1u);
  lead(false);
  lead(true);
  lead(false);
  looks_within(60s);
  EXPECT_EQ(looks_within(2min), 0u);
  lead(true);
  EXPECT_EQ(looks_within(10s), 1u) << "and no more often for each time that it led";
}

} // namespace overwatch::test
