#include "actors/worker_sessions.hpp"

#include "tests/support/deterministic_node.hpp"

#include <caf/event_based_actor.hpp>

using namespace std::chrono_literals;

namespace overwatch::test {

namespace {

/// A node with sessions of attached workers and their real pools; the test plays the programs.
class WorkerSessionsTest : public deterministic_node {
protected:
  void SetUp() override {
    start();
    start_sessions();
  }

  void start_sessions() {
    options.node = "here";
    options.pool.clock = [this] { return time(); };
    ++options.seed;
    sessions = system_.spawn(worker_sessions, options, caf::actor_cast<gateway_actor>(gateway_handle), links.journal);
    spawned_.push_back(caf::actor_cast<caf::actor>(sessions));
    caf::anon_send(sessions, leader_in_sight{0, caf::actor_cast<caf::strong_actor_ptr>(links.scheduler)});
    links.sessions = sessions;
    caf::anon_send(gateway_handle, links);
    settle();
  }

  std::string attach(uint32_t slots = 2, caf::strong_actor_ptr program = nullptr) {
    return ask<worker_registration>(gateway_handle,
                                    register_worker_request{"resizer", {{"resize", slots}}, "host", std::move(program)})
      .worker;
  }

  task_id submit_resize(milliseconds timeout = 600s) {
    auto receipt = submit("photo", [&](task_spec& x) {
      x.task_type = "resize";
      x.timeout = timeout;
    });
    EXPECT_FALSE(receipt.error) << receipt.error.message;
    return receipt.id;
  }

  /// Claims and lets the wait pass when there is nothing.
  claim_reply claim(const std::string& worker, uint32_t limit = 1, failure* fault = nullptr) {
    auto pending = self_->request(gateway_handle, caf::infinite, claim_request{worker, {}, limit, 0ms});
    settle();
    advance(500ms);
    claim_reply result;
    pending.receive([&](claim_reply& reply) { result = std::move(reply); },
                    [&](caf::error& error) {
                      if (fault)
                        *fault = describe(error);
                      else
                        ADD_FAILURE() << describe(error).message;
                    });
    return result;
  }

  claimed_attempt claim_one(const std::string& worker) {
    auto reply = claim(worker);
    EXPECT_EQ(reply.attempts.size(), 1u);
    return reply.attempts.empty() ? claimed_attempt{} : reply.attempts.front();
  }

  static finished_attempt done(const claimed_attempt& x) {
    finished_attempt how;
    how.id = x.task.spec->id;
    how.fence = x.fence;
    how.result = R"({"width":100})";
    return how;
  }

  failure finish(const std::string& worker, finished_attempt how) {
    return ask<finish_reply>(gateway_handle, finish_request{worker, {std::move(how)}}).receipts.at(0).error;
  }

  heartbeat_reply beat(const std::string& worker, std::vector<claimed_attempt> attempts, failure* fault = nullptr) {
    heartbeat_request request{worker, {}};
    for (const auto& x : attempts)
      request.attempts.push_back({x.task.spec->id, x.fence, {}, {}, {}});
    return ask<heartbeat_reply>(gateway_handle, request, fault);
  }

  worker_sessions_options options;
  worker_sessions_actor sessions;
};

} // namespace

TEST_F(WorkerSessionsTest, ClaimedAttemptEndsOnceByItsOutcome) {
  auto worker = attach();
  EXPECT_EQ(node_of_worker(worker), "here");
  auto id = submit_resize();
  auto attempt = claim_one(worker);
  EXPECT_EQ(attempt.task.spec->id, id);
  EXPECT_EQ(attempt.limit, 600s);
  EXPECT_EQ(status_of(id), task_status::running);
  EXPECT_FALSE(finish(worker, done(attempt)));
  auto task = get(id);
  EXPECT_EQ(task.state.status, task_status::completed);
  EXPECT_EQ(task.result, R"({"width":100})");
  EXPECT_FALSE(finish(worker, done(attempt))) << "the same again: the answer may have been lost";
  auto other = done(attempt);
  other.completed = false;
  EXPECT_EQ(finish(worker, other).code, ec::conflict);
}

TEST_F(WorkerSessionsTest, NothingStartsForAWorkerThatDoesNotClaim) {
  auto worker = attach();
  auto id = submit_resize();
  advance(5s);
  EXPECT_EQ(status_of(id), task_status::queued);
  EXPECT_EQ(claim_one(worker).task.spec->id, id);
}

TEST_F(WorkerSessionsTest, ClaimThatWaitsGetsATaskAtOnce) {
  auto worker = attach();
  auto pending = self_->request(gateway_handle, caf::infinite, claim_request{worker, "resize", 2, 10s});
  settle();
  submit_resize();
  pending.receive([&](claim_reply& reply) { EXPECT_EQ(reply.attempts.size(), 1u); },
                  [](caf::error& error) { ADD_FAILURE() << describe(error).message; });
}

TEST_F(WorkerSessionsTest, NeverGetsMoreThanItsSlots) {
  auto worker = attach(2);
  for (int i = 0; i < 5; ++i)
    submit_resize();
  auto first = claim(worker, 5);
  ASSERT_EQ(first.attempts.size(), 2u);
  EXPECT_TRUE(claim(worker, 5).attempts.empty());
  EXPECT_FALSE(finish(worker, done(first.attempts[0])));
  EXPECT_EQ(claim(worker, 5).attempts.size(), 1u);
}

TEST_F(WorkerSessionsTest, TypeOfAWorkerStaysKnownAlsoAfterARestart) {
  auto type = [](task_spec& x) { x.task_type = "resize"; };
  EXPECT_EQ(submit("early", type).error.code, ec::unknown_type);
  auto worker = attach();
  EXPECT_FALSE(submit("now", type).error);
  crash(memory_store::survival::none);
  start();
  start_sessions();
  auto receipt = submit("later", type);
  EXPECT_FALSE(receipt.error) << receipt.error.message;
  EXPECT_EQ(ask<why_reply>(gateway_handle, why_request{receipt.id}).kind, wait_kind::handler_missing);
}

TEST_F(WorkerSessionsTest, SilentWorkerLosesItsAttempts) {
  auto worker = attach();
  auto id = submit_resize();
  auto attempt = claim_one(worker);
  advance(16s);
  EXPECT_EQ(get(id).state.error.kind, violation::lost);
  failure fault;
  beat(worker, {attempt}, &fault);
  EXPECT_EQ(fault.code, ec::not_found);
  EXPECT_EQ(finish(worker, done(attempt)).code, ec::conflict);
  auto second = attach();
  auto again = claim_one(second);
  EXPECT_EQ(again.task.spec->id, id);
  EXPECT_EQ(finish(second, done(attempt)).code, ec::conflict) << "the outcome of an earlier attempt";
  EXPECT_FALSE(finish(second, done(again)));
}

TEST_F(WorkerSessionsTest, HeartbeatKeepsTheAttemptsThatItNames) {
  auto worker = attach();
  submit_resize();
  submit_resize();
  auto both = claim(worker, 2).attempts;
  ASSERT_EQ(both.size(), 2u);
  for (int i = 0; i < 4; ++i) {
    advance(5s);
    EXPECT_TRUE(beat(worker, {both[0]}).stops.empty());
  }
  EXPECT_EQ(status_of(both[0].task.spec->id), task_status::running);
  EXPECT_EQ(get(both[1].task.spec->id).state.error.kind, violation::lost);
  auto stops = beat(worker, both).stops;
  ASSERT_EQ(stops.size(), 1u);
  EXPECT_EQ(stops[0].reason, stop_reason::stale);
  EXPECT_EQ(stops[0].id, both[1].task.spec->id);
}

TEST_F(WorkerSessionsTest, CancelIsToldUntilTheAttemptEnds) {
  auto worker = attach();
  auto id = submit_resize();
  auto attempt = claim_one(worker);
  ask<task_record>(gateway_handle, cancel_request{id, "enough"});
  auto stops = beat(worker, {attempt}).stops;
  ASSERT_EQ(stops.size(), 1u);
  EXPECT_EQ(stops[0].reason, stop_reason::cancelled);
  EXPECT_EQ(claim(worker).stops.size(), 1u);
  auto how = done(attempt);
  how.completed = false;
  how.message = "stopped";
  EXPECT_FALSE(finish(worker, how));
  EXPECT_EQ(status_of(id), task_status::cancelled);
  EXPECT_TRUE(beat(worker, {}).stops.empty());
}

TEST_F(WorkerSessionsTest, TimeoutIsToldAndFencesAWorkerThatGoesOn) {
  auto worker = attach();
  auto id = submit_resize(2s);
  auto attempt = claim_one(worker);
  EXPECT_EQ(attempt.limit, 2s);
  advance(3s);
  EXPECT_EQ(beat(worker, {attempt}).stops.at(0).reason, stop_reason::timeout);
  advance(11s);
  EXPECT_EQ(get(id).state.error.kind, violation::timeout);
  EXPECT_EQ(finish(worker, done(attempt)).code, ec::conflict);
}

TEST_F(WorkerSessionsTest, ProgressAndLinesReachTheTask) {
  auto worker = attach();
  auto id = submit_resize();
  auto attempt = claim_one(worker);
  heartbeat_request request{worker, {{id, attempt.fence, 40.0, "half", {}}}};
  request.attempts[0].lines.resize(1);
  request.attempts[0].lines[0].message = "a line";
  ask<heartbeat_reply>(gateway_handle, request);
  advance(200ms);
  EXPECT_EQ(get(id).state.percent, 40);
  auto lines = ask<log_page>(gateway_handle, log_request{id, 0, 10}).entries;
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].message, "a line");
}

TEST_F(WorkerSessionsTest, LeavingWorkerMayFinishWhatItHas) {
  auto worker = attach();
  auto id = submit_resize();
  auto attempt = claim_one(worker);
  EXPECT_EQ(ask<leave_reply>(gateway_handle, leave_request{worker}).running, 1u);
  submit_resize();
  failure fault;
  claim(worker, 1, &fault);
  EXPECT_EQ(fault.code, ec::conflict);
  EXPECT_FALSE(finish(worker, done(attempt)));
  EXPECT_EQ(status_of(id), task_status::completed);
  advance(1s);
  EXPECT_TRUE(ask<workers_reply>(gateway_handle, workers_request{}).workers.empty());
}

TEST_F(WorkerSessionsTest, OutcomeIsJudgedByTheLogAfterARestart) {
  auto worker = attach();
  submit_resize();
  auto attempt = claim_one(worker);
  EXPECT_FALSE(finish(worker, done(attempt)));
  submit_resize();
  auto unfinished = claim_one(worker);
  crash(memory_store::survival::none);
  start();
  start_sessions();
  auto second = attach();
  EXPECT_FALSE(finish(second, done(attempt)));
  EXPECT_EQ(finish(second, done(unfinished)).code, ec::unavailable) << "a pool may still say that it has it";
  advance(10s);
  EXPECT_EQ(finish(second, done(unfinished)).code, ec::conflict);
}

TEST_F(WorkerSessionsTest, ProgramThatIsGoneLosesItsAttemptsSoon) {
  auto program = system_.spawn([](caf::event_based_actor*) -> caf::behavior { return {[](caf::ok_atom) {}}; });
  auto worker = attach(1, caf::actor_cast<caf::strong_actor_ptr>(program));
  auto id = submit_resize();
  claim_one(worker);
  caf::anon_send_exit(program, caf::exit_reason::kill);
  program = nullptr;
  settle();
  advance(3s);
  EXPECT_EQ(get(id).state.error.kind, violation::lost);
}

TEST_F(WorkerSessionsTest, MoreThanTheLimitAreRefused) {
  options.max_sessions = 1;
  start_sessions();
  attach();
  failure fault;
  ask<worker_registration>(gateway_handle, register_worker_request{"second", {{"resize", 1}}, {}, {}}, &fault);
  EXPECT_EQ(fault.code, ec::overloaded);
}

TEST_F(WorkerSessionsTest, RegistrationNamesTheFieldThatIsWrong) {
  const std::vector<std::pair<register_worker_request, std::string>> wrong{
    {{"", {{"resize", 1}}, {}, {}}, "/name"},
    {{"n", {}, {}, {}}, "/types"},
    {{"n", {{"Resize", 1}}, {}, {}}, "/types/Resize"},
    {{"n", {{"resize", 0}}, {}, {}}, "/types/resize"},
    {{"n", {{"resize", 1}, {"resize", 1}}, {}, {}}, "/types/resize"},
  };
  for (const auto& [request, field] : wrong) {
    failure fault;
    ask<worker_registration>(gateway_handle, request, &fault);
    EXPECT_EQ(fault.field, field);
  }
}

TEST_F(WorkerSessionsTest, NodeThatStopsSendsClaimsAway) {
  auto worker = attach();
  auto id = submit_resize();
  auto attempt = claim_one(worker);
  auto pending = self_->request(gateway_handle, caf::infinite, claim_request{worker, {}, 1, 10s});
  auto drained = self_->request(sessions, caf::infinite, drain_request{1s});
  settle();
  failure fault;
  pending.receive([](claim_reply&) { ADD_FAILURE(); }, [&](caf::error& error) { fault = describe(error); });
  EXPECT_EQ(fault.code, ec::unavailable);
  advance(2s);
  EXPECT_EQ(beat(worker, {attempt}).stops.at(0).reason, stop_reason::shutdown);
  auto how = done(attempt);
  how.completed = false;
  how.message = "told to stop";
  finish(worker, how);
  drained.receive([](drain_reply& reply) { EXPECT_EQ(reply.requeued, 1u); },
                  [](caf::error& error) { ADD_FAILURE() << describe(error).message; });
  EXPECT_EQ(status_of(id), task_status::queued);
  EXPECT_EQ(get(id).state.failures, 0u);
}

TEST_F(WorkerSessionsTest, PoolsAndWorkersShowWhoIsAttached) {
  auto worker = attach(3);
  submit_resize();
  claim_one(worker);
  auto pools = ask<pools_reply>(gateway_handle, pools_request{}).pools;
  ASSERT_EQ(pools.size(), 1u);
  EXPECT_EQ(pools[0].worker, worker);
  EXPECT_EQ(pools[0].slots, 3u);
  EXPECT_EQ(pools[0].busy, 1u);
  auto workers = ask<workers_reply>(gateway_handle, workers_request{}).workers;
  ASSERT_EQ(workers.size(), 1u);
  EXPECT_EQ(workers[0].id, worker);
  EXPECT_EQ(workers[0].name, "resizer");
  EXPECT_EQ(workers[0].address, "host");
  EXPECT_EQ(workers[0].running, 1u);
}

} // namespace overwatch::test
