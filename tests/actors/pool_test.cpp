#include "actors/pool.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <gtest/gtest.h>

#include <future>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

constexpr auto patience = 20s;

/// A pool between a scheduler and a journal that the test plays, on real threads: blocking handlers need them.
class PoolTest : public ::testing::Test {
protected:
  struct config : caf::actor_system_config {
    config() {
      add_node_messages(*this);
    }
  };

  pool_actor start(handler_function run, handler_options options = {}, uint32_t slots = 2) {
    pool_options x;
    x.task_type = "t";
    x.node = "here";
    x.slots = slots;
    x.handler = {std::move(run), std::move(options)};
    x.tick_interval = 5ms;
    x.stop_grace = grace;
    auto stand_in = caf::actor_cast<caf::strong_actor_ptr>(self);
    auto handle = system.spawn(pool, std::move(x), caf::actor_cast<journal_actor>(stand_in));
    caf::anon_send(handle, leader_in_sight{control_partition, caf::actor_cast<caf::strong_actor_ptr>(stand_in)});
    pools.push_back(handle);
    return handle;
  }

  assignment task(uint64_t n, milliseconds timeout = 60s) {
    auto spec = std::make_shared<task_spec>();
    spec->id = {n, 1};
    spec->name = "task";
    spec->timeout = timeout;
    return {{spec, std::make_shared<const std::string>("{}")}, {1, 1}, now(), {}};
  }

  void assign(const pool_actor& handle, std::vector<assignment> attempts) {
    assignment_batch batch;
    batch.attempts = std::move(attempts);
    batch.mark = {1, ++marks};
    caf::anon_send(handle, std::move(batch));
  }

  /// Messages of the pool until `count` outcomes came.
  std::vector<attempt_outcome> outcomes(size_t count) {
    std::vector<attempt_outcome> result;
    auto waiting = true;
    while (waiting && result.size() < count)
      self->receive(
        [&](outcome_batch& x) { std::move(x.outcomes.begin(), x.outcomes.end(), std::back_inserter(result)); },
        [&](progress_batch& x) { std::move(x.attempts.begin(), x.attempts.end(), std::back_inserter(reports)); },
        [&](journal_write& x) { written += x.batch.changes.size(); },
        [&](const pool_offer& x, const caf::strong_actor_ptr&) { offers.push_back(x); },
        caf::after(patience) >> [&] { waiting = false; });
    EXPECT_EQ(result.size(), count);
    return result;
  }

  ~PoolTest() override {
    for (const auto& x : pools)
      caf::anon_send_exit(x, caf::exit_reason::kill);
  }

  milliseconds grace = 10s;
  config config_;
  caf::actor_system system{config_};
  caf::scoped_actor self{system};
  std::vector<pool_actor> pools;
  std::vector<attempt_progress> reports;
  std::vector<pool_offer> offers;
  size_t written = 0;
  uint64_t marks = 0;
};

TEST_F(PoolTest, RunsWhatItIsGivenAndSaysHowItEnded) {
  auto handle = start([](const attempt_context& x) {
    return x.task().id.high == 1 ? outcome::completed("{\"a\":1}") : outcome::failed("bad luck");
  });
  assign(handle, {task(1), task(2)});
  auto ended = outcomes(2);
  std::sort(ended.begin(), ended.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  EXPECT_EQ(ended[0].kind, violation::none);
  EXPECT_EQ(*ended[0].result, "{\"a\":1}");
  EXPECT_EQ(ended[1].kind, violation::exception);
  EXPECT_EQ(ended[1].message, "bad luck");
}

TEST_F(PoolTest, NonBlockingHandlersRunInBatches) {
  handler_options options;
  options.blocking = false;
  auto handle = start([](const attempt_context&) { return outcome::completed(); }, options, 1'000);
  std::vector<assignment> attempts;
  for (uint64_t n = 0; n < 1'000; ++n)
    attempts.push_back(task(n));
  assign(handle, std::move(attempts));
  EXPECT_EQ(outcomes(1'000).size(), 1'000u);
}

TEST_F(PoolTest, HandlerThatThrowsFailsItsAttemptOnly) {
  auto handle = start([](const attempt_context& x) -> outcome {
    if (x.task().id.high == 1)
      throw std::runtime_error{"oh"};
    return outcome::completed();
  });
  assign(handle, {task(1)});
  EXPECT_EQ(outcomes(1)[0].message, "the handler threw: oh");
  assign(handle, {task(2)});
  EXPECT_EQ(outcomes(1)[0].kind, violation::none);
}

TEST_F(PoolTest, ResultThatIsTooLargeFailsForGood) {
  auto handle = start([](const attempt_context&) { return outcome::completed(std::string(100u << 20, 'x')); });
  assign(handle, {task(1)});
  auto ended = outcomes(1);
  EXPECT_EQ(ended[0].kind, violation::exception);
  EXPECT_FALSE(ended[0].retryable);
  EXPECT_NE(ended[0].message.find("104857600"), std::string::npos);
}

TEST_F(PoolTest, TimeoutStopsTheHandler) {
  auto handle = start([](const attempt_context& x) {
    return x.wait_for(60s) ? outcome::failed("was told to stop") : outcome::completed();
  });
  assign(handle, {task(1, 20ms)});
  auto ended = outcomes(1);
  EXPECT_EQ(ended[0].kind, violation::timeout);
  EXPECT_TRUE(ended[0].retryable);
}

TEST_F(PoolTest, DeadlineStopsTheHandlerForGood) {
  auto handle = start([](const attempt_context& x) {
    return x.wait_for(60s) ? outcome::failed("was told to stop") : outcome::completed();
  });
  auto attempt = task(1);
  auto spec = std::make_shared<task_spec>(*attempt.task.spec);
  spec->deadline = now() + 20ms;
  attempt.task.spec = spec;
  assign(handle, {attempt});
  auto ended = outcomes(1);
  EXPECT_EQ(ended[0].kind, violation::timeout);
  EXPECT_FALSE(ended[0].retryable);
}

TEST_F(PoolTest, NewDeadlineCountsForAnAttemptThatWaitsForAWorker) {
  auto began = std::make_shared<std::promise<void>>();
  auto release = std::make_shared<std::promise<void>>();
  auto released = release->get_future().share();
  auto handle = start(
    [=](const attempt_context& x) {
      if (x.task().id.high == 2)
        return x.wait_for(60s) ? outcome::failed("was told to stop") : outcome::completed();
      began->set_value();
      released.wait();
      return outcome::completed();
    },
    {}, 1);
  assign(handle, {task(1), task(2)});
  ASSERT_EQ(began->get_future().wait_for(patience), std::future_status::ready);
  caf::anon_send(handle, deadline_change{{2, 1}, {1, 1}, now() + 20ms});
  release->set_value();
  auto ended = outcomes(2);
  EXPECT_EQ(ended[1].kind, violation::timeout);
  EXPECT_FALSE(ended[1].retryable);
}

TEST_F(PoolTest, CancelStopsOnlyTheAttemptWithItsToken) {
  std::promise<void> began;
  auto handle = start([&](const attempt_context& x) {
    began.set_value();
    return x.wait_for(60s) ? outcome::failed("was told to stop") : outcome::completed();
  });
  assign(handle, {task(1)});
  ASSERT_EQ(began.get_future().wait_for(patience), std::future_status::ready);
  caf::anon_send(handle, stop_attempt{{1, 1}, {1, 7}, cancellation::cause::cancelled}); // of another attempt
  caf::anon_send(handle, stop_attempt{{1, 1}, {1, 1}, cancellation::cause::cancelled});
  EXPECT_EQ(outcomes(1)[0].message, "was told to stop");
}

TEST_F(PoolTest, HandlerThatIgnoresAStopLosesItsSlot) {
  grace = 20ms;
  auto release = std::make_shared<std::promise<void>>();
  auto released = release->get_future().share();
  auto handle = start(
    [released](const attempt_context& x) {
      if (x.task().id.high == 1)
        released.wait();
      return outcome::completed();
    },
    {}, 1);
  assign(handle, {task(1, 10ms)});
  EXPECT_EQ(outcomes(1)[0].kind, violation::timeout);
  assign(handle, {task(2)});
  EXPECT_EQ(outcomes(1)[0].id.high, 2u) << "its slot works again";
  pool_status status;
  self->request(handle, patience, pools_request{})
    .receive([&](pool_status& x) { status = x; }, [](caf::error&) { FAIL(); });
  EXPECT_EQ(status.abandoned, 1u);
  release->set_value();
}

TEST_F(PoolTest, PoolThatDiesStopsItsHandlers) {
  std::promise<void> began;
  std::promise<bool> stopped;
  auto handle = start([&](const attempt_context& x) {
    began.set_value();
    stopped.set_value(x.wait_for(60s) && x.stop_cause() == cancellation::cause::shutdown);
    return outcome::failed("was told to stop");
  });
  assign(handle, {task(1)});
  ASSERT_EQ(began.get_future().wait_for(patience), std::future_status::ready);
  caf::anon_send_exit(handle, caf::exit_reason::kill);
  auto result = stopped.get_future();
  ASSERT_EQ(result.wait_for(patience), std::future_status::ready) << "its task is started again while it still runs";
  EXPECT_TRUE(result.get());
}

TEST_F(PoolTest, LinesAndProgressArriveBeforeTheOutcome) {
  auto handle = start([](const attempt_context& x) {
    for (int i = 0; i < 250; ++i)
      x.log(log_level::info, "line " + std::to_string(i));
    x.progress(40, "almost half");
    return outcome::completed();
  });
  assign(handle, {task(1)});
  auto ended = outcomes(1);
  EXPECT_EQ(ended[0].percent, 40);
  size_t lines = 0;
  for (const auto& x : reports)
    lines += x.lines.size();
  EXPECT_LE(lines, 250u);
  EXPECT_GE(lines, 100u);
  EXPECT_EQ(reports.back().lines.back().message, "line 249");
  EXPECT_EQ(written, lines);
}

TEST_F(PoolTest, ClearedSlotsAreTheConfiguredOnesAgain) {
  auto handle = start([](const attempt_context&) { return outcome::completed(); }, {}, 3);
  caf::anon_send(handle, caf::update_atom::value, uint32_t{9});
  caf::anon_send(handle, caf::update_atom::value, uint32_t{0});
  assign(handle, {task(1)});
  outcomes(1);
  std::vector<uint32_t> slots;
  for (const auto& x : offers)
    slots.push_back(x.slots);
  EXPECT_EQ(slots, (std::vector<uint32_t>{3, 9, 3}));
}

TEST_F(PoolTest, DrainWaitsAndThenSendsTheRestBack) {
  std::promise<void> began;
  auto handle = start(
    [&](const attempt_context& x) {
      began.set_value();
      return x.wait_for(60s) ? outcome::failed("was told to stop") : outcome::completed();
    },
    {}, 1);
  assign(handle, {task(1)});
  ASSERT_EQ(began.get_future().wait_for(patience), std::future_status::ready);
  auto reply = self->request(handle, patience, drain_request{20ms});
  auto ended = outcomes(1);
  EXPECT_TRUE(ended[0].requeue);
  reply.receive([](const drain_reply& x) { EXPECT_EQ(x.requeued, 1u); }, [](caf::error&) { FAIL(); });
  EXPECT_FALSE(offers.back().live);
}

} // namespace

} // namespace overwatch
