#include "tests/actors/control_node.hpp"

#include <set>

using namespace std::chrono_literals;

namespace overwatch::test {

class SchedulerControlTest : public control_node {};

TEST_F(SchedulerControlTest, GateThatOpensLetsThousandsGoInPages) {
  start();
  set_gate("g", false);
  constexpr size_t count = 9'000; // more than the windows of parked and of ready tasks hold
  auto ids = submit_many(count, waits_for_gate("g"));
  auto pool = offer("noop", 1'000);
  EXPECT_TRUE(take_assigned(pool).empty());
  EXPECT_EQ(why(ids.front()), wait_kind::gate);
  set_gate("g", true);
  auto names = run_all(pool);
  EXPECT_EQ(names.size(), count);
  EXPECT_EQ((std::set<std::string>{names.begin(), names.end()}.size()), count) << "each once";
}

TEST_F(SchedulerControlTest, GateThatOpensAfterARestartLetsThousandsGo) {
  start();
  set_gate("g", false);
  constexpr size_t count = 5'000;
  submit_many(count, waits_for_gate("g"));
  crash(memory_store::survival::some, 3);
  start();
  auto pool = offer("noop", 1'000);
  EXPECT_TRUE(take_assigned(pool).empty());
  set_gate("g", true);
  EXPECT_EQ(run_all(pool).size(), count);
}

TEST_F(SchedulerControlTest, FreedKeyWakesTheNextOne) {
  start();
  auto pool = offer("noop", 10);
  auto ids = submit_many(300, keyed("db", 2));
  size_t done = 0;
  for (auto running = take_assigned(pool); !running.empty(); ++done) {
    ASSERT_LE(running.size(), 2u);
    finish(running.front());
    running.erase(running.begin());
    for (auto& x : take_assigned(pool))
      running.push_back(std::move(x));
  }
  EXPECT_EQ(done, 300u);
}

TEST_F(SchedulerControlTest, CancelledHolderOfATurnDoesNotKeepTheOthersWaiting) {
  start();
  auto pool = offer("noop", 1);
  auto ids = submit_many(4, keyed("db"));
  auto first = take_assigned(pool).at(0);
  submit("takes the slot");
  finish(first); // the second task with the key may go now, but the slot is taken
  auto slot = take_assigned(pool);
  for (size_t i = 1; i < 3; ++i)
    ask<task_record>(gateway_handle, cancel_request{ids[i], "no"});
  for (const auto& x : slot)
    finish(x);
  run_all(pool);
  EXPECT_EQ(status_of(ids[3]), task_status::completed);
}

TEST_F(SchedulerControlTest, RateLetsStartsGoAsTimePasses) {
  start();
  auto pool = offer("noop", 100);
  submit_many(10, [](task_spec& x, size_t) { x.rate = {"mail", 2, 2s}; });
  size_t started = take_assigned(pool).size();
  EXPECT_EQ(started, 2u);
  for (size_t second = 1; second <= 8; ++second) {
    advance(999ms);
    EXPECT_TRUE(take_assigned(pool).empty()) << second;
    advance(1ms);
    started += take_assigned(pool).size();
    EXPECT_EQ(started, 2 + second);
  }
}

TEST_F(SchedulerControlTest, RateGoesOnAfterARestart) {
  start();
  auto pool = offer("noop", 100);
  auto ids = submit_many(3, [](task_spec& x, size_t) { x.rate = {"mail", 1, 10s}; });
  EXPECT_EQ(take_assigned(pool).size(), 1u);
  crash(memory_store::survival::none);
  start();
  pool = offer("noop", 100);
  EXPECT_EQ(why(ids[2]), wait_kind::rate);
  size_t started = 0;
  for (int i = 0; i < 40; ++i) {
    advance(1s);
    for (const auto& x : take_assigned(pool)) {
      finish(x);
      ++started;
    }
  }
  EXPECT_EQ(started, 3u) << "the lost one again too";
}

// -- what runs, and what clients change ----------------------------------------

TEST_F(SchedulerControlTest, GateThatClosesCancelsOnlyWhatAskedForIt) {
  start();
  auto pool = offer("noop", 10);
  auto asks = submit("asks", [](task_spec& x) {
    x.required_gates = {"g"};
    x.cancel_on_gate_close = true;
  });
  auto does_not = submit("does not", [](task_spec& x) { x.required_gates = {"g"}; });
  auto other = submit("other", [](task_spec& x) {
    x.required_gates = {"h"};
    x.cancel_on_gate_close = true;
  });
  EXPECT_EQ(take_assigned(pool).size(), 3u);
  set_gate("g", false);
  auto stops = take_stops(pool);
  ASSERT_EQ(stops.size(), 1u);
  EXPECT_EQ(stops[0].id, asks.id);
  EXPECT_TRUE(get(asks.id).state.cancel_requested);
  EXPECT_FALSE(get(does_not.id).state.cancel_requested);
  EXPECT_FALSE(get(other.id).state.cancel_requested);
}

TEST_F(SchedulerControlTest, PatchMovesAQueuedTaskToTheFront) {
  start();
  auto last = submit_many(20, [](task_spec&, size_t) {}).back();
  EXPECT_FALSE(propose(patch_command{last, priority::critical, {}, {}, {}}).error);
  auto pool = offer("noop", 1);
  EXPECT_EQ(take_assigned(pool).at(0).task.spec->id, last);
}

TEST_F(SchedulerControlTest, PatchPutsOffAndBringsForward) {
  start();
  auto pool = offer("noop", 1);
  submit("takes the slot");
  auto slot = take_assigned(pool).at(0);
  auto queued = submit("queued").id;
  auto scheduled = submit("scheduled", [&](task_spec& x) { x.scheduled_at = time() + 1h; }).id;
  propose(patch_command{queued, {}, time() + 10s, {}, {}});
  finish(slot);
  EXPECT_TRUE(take_assigned(pool).empty());
  propose(patch_command{scheduled, {}, std::optional<timestamp>{}, {}, {}});
  auto now = take_assigned(pool);
  ASSERT_EQ(now.size(), 1u);
  EXPECT_EQ(now[0].task.spec->id, scheduled);
  finish(now[0]);
  advance(9'999ms);
  EXPECT_TRUE(take_assigned(pool).empty());
  advance(1ms);
  EXPECT_EQ(take_assigned(pool).size(), 1u);
}

TEST_F(SchedulerControlTest, PatchedParkedTaskIsLetGoInItsNewPlace) {
  start();
  auto pool = offer("noop", 10);
  auto ids = submit_many(5, keyed("db"));
  auto first = take_assigned(pool).at(0);
  propose(patch_command{ids[4], priority::critical, {}, {}, {}});
  finish(first);
  auto next = take_assigned(pool);
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].task.spec->id, ids[4]);
  finish(next[0]);
  EXPECT_EQ(run_all(pool).size(), 3u);
}

TEST_F(SchedulerControlTest, PatchedDeadlineCounts) {
  start();
  auto longer = submit("longer", [&](task_spec& x) { x.deadline = time() + 5s; }).id;
  auto shorter = submit("shorter").id;
  propose(patch_command{longer, {}, {}, time() + 20s, {}});
  propose(patch_command{shorter, {}, {}, time() + 1s, {}});
  advance(1s);
  EXPECT_EQ(status_of(shorter), task_status::failed);
  advance(10s);
  EXPECT_EQ(status_of(longer), task_status::queued);
  advance(9s);
  EXPECT_EQ(status_of(longer), task_status::failed);
}

// -- restarts ------------------------------------------------------------------

TEST_F(SchedulerControlTest, NothingIsStuckAfterACrash) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    start();
    set_gate("g", false);
    set_gate("four-eyes", false, gate_kind::approval);
    auto pool = offer("noop", 5);
    std::vector<task_id> ids;
    auto add = [&](const std::vector<task_id>& more) { ids.insert(ids.end(), more.begin(), more.end()); };
    add(submit_many(10, waits_for_gate("g")));
    auto approvals = submit_many(2, waits_for_gate("four-eyes"));
    add(approvals);
    add(submit_many(10, keyed("db", 2)));
    add(submit_many(10, [](task_spec& x, size_t) { x.resources.exclusive = {"can0"}; }));
    add(submit_many(10, [](task_spec& x, size_t) { x.rate = {"mail", 2, 4s}; }));
    add(submit_many(10, [](task_spec& x, size_t n) { x.snapshot.keys = {n % 2 ? "app/" : "app/deep/"}; }));
    add(submit_many(10, [&](task_spec& x, size_t) { x.scheduled_at = time() + 20s; }));
    auto parent = ids[seed];
    add(submit_many(10, [&](task_spec& x, size_t) { x.depends_on = {parent}; }));
    add(submit_many(10, [](task_spec& x, size_t n) {
      x.concurrency = {"db", 2};
      x.resources.exclusive = {n % 2 ? "can0" : "can1"};
      x.fairness_key = n % 3 ? "ann" : "bob";
    }));
    size_t rounds = seed;
    for (auto assigned = take_assigned(pool); rounds > 0 && !assigned.empty(); --rounds, assigned = take_assigned(pool))
      finish(assigned.front());
    crash(seed % 2 ? memory_store::survival::some : memory_store::survival::none, seed);
    start();
    pool = offer("noop", 5);
    set_gate("g", true);
    for (const auto& id : approvals)
      propose(approve_command{id, {"four-eyes", "ann", "ok", {}}});
    for (int i = 0; i < 120; ++i) {
      run_all(pool);
      advance(1s);
    }
    for (const auto& id : ids) {
      auto record = get(id);
      EXPECT_EQ(record.state.status, task_status::completed)
        << "seed " << seed << ": " << record.spec.name << " waits for '" << record.state.waits_for << "'";
    }
    kill_all();
    db = std::make_unique<memory_store>();
  }
}

} // namespace overwatch::test
