#include "http/bridge.hpp"
#include "tests/http/server_fixture.hpp"

#include <algorithm>
#include <numeric>

using namespace overwatch;

namespace {

constexpr milliseconds patience{10'000};

class BridgeTest : public server_fixture {
protected:
  BridgeTest() : bridge{std::make_unique<http::bridge>(system, gateway)} {}
  ~BridgeTest() override { bridge.reset(); }

  static submission task(const std::string& type = "user_task") {
    auto spec = std::make_shared<task_spec>();
    spec->name = "n";
    spec->task_type = type;
    return {spec, std::make_shared<std::string>("{}")};
  }

  void hold(bool on) {
    std::lock_guard lock{node->mutex};
    node->hold_submits = on;
  }

  std::vector<size_t> sizes() {
    std::lock_guard lock{node->mutex};
    return node->submit_sizes;
  }

  std::unique_ptr<http::bridge> bridge;
};

} // namespace

TEST_F(BridgeTest, SubmitsTravelTogetherWhileOthersAreUnderWay) {
  hold(true);
  std::vector<std::thread> threads;
  std::atomic<int> done{0};
  auto submit = [&] {
    auto receipt = bridge->submit(task(), patience);
    if (receipt && !receipt->id.is_nil())
      ++done;
  };
  // One flight each, until as many are under way as there may be.
  for (size_t i = 1; i <= http::bridge::max_submits_in_flight; ++i) {
    threads.emplace_back(submit);
    ASSERT_TRUE(wait_until([&] { return sizes().size() == i; }));
  }
  for (int i = 0; i < 40; ++i)
    threads.emplace_back(submit);
  hold(false);
  EXPECT_TRUE(wait_until([&] {
    release(gateway);
    return done == 44;
  }));
  for (auto& thread : threads)
    thread.join();
  auto seen = sizes();
  EXPECT_EQ(std::accumulate(seen.begin(), seen.end(), size_t{0}), 44u);
  EXPECT_LT(seen.size(), 44u);
  EXPECT_GT(*std::max_element(seen.begin(), seen.end()), 1u);
}

TEST_F(BridgeTest, NoMoreFlightsThanAllowed) {
  hold(true);
  std::vector<std::thread> threads;
  std::atomic<int> done{0};
  for (int i = 0; i < 20; ++i)
    threads.emplace_back([&] {
      bridge->submit(task(), patience);
      ++done;
    });
  ASSERT_TRUE(wait_until([&] { return sizes().size() >= 1; }));
  EXPECT_TRUE(bridge->ask<stats_reply>(stats_request{}, patience)); // the carrier has drained by now
  EXPECT_LE(sizes().size(), http::bridge::max_submits_in_flight);
  hold(false);
  EXPECT_TRUE(wait_until([&] {
    release(gateway);
    return done == 20;
  }));
  for (auto& thread : threads)
    thread.join();
}

TEST_F(BridgeTest, OneRefusedTaskDoesNotDisturbTheOthers) {
  auto refused = bridge->submit(task("nobody_knows"), patience);
  ASSERT_FALSE(refused);
  EXPECT_EQ(describe(refused.error()).code, ec::unknown_type);
  EXPECT_EQ(describe(refused.error()).field, "/task_type");
  EXPECT_TRUE(bridge->submit(task(), patience));
}

TEST_F(BridgeTest, LateAnswersAreHarmless) {
  hold(true);
  auto late = bridge->submit(task(), milliseconds{20});
  ASSERT_FALSE(late);
  EXPECT_EQ(describe(late.error()).code, ec::timed_out);
  hold(false);
  release(gateway);
  EXPECT_TRUE(bridge->submit(task(), patience));
}

TEST_F(BridgeTest, StopAnswersWaitersAtOnce) {
  {
    std::lock_guard lock{node->mutex};
    node->silent = true;
  }
  std::atomic<int> unavailable{0};
  std::atomic<int> unknown{0};
  std::vector<std::thread> threads;
  auto count = [&](const caf::error& error) {
    unavailable += describe(error).code == ec::unavailable;
    unknown += describe(error).code == ec::timed_out;
  };
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { count(bridge->submit(task(), patience * 100).error()); });
    threads.emplace_back([&] { count(bridge->ask<stats_reply>(stats_request{}, patience * 100).error()); });
  }
  bridge->stop();
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(unavailable + unknown, 8) << "as they had reached the gateway by then, or not";
  EXPECT_EQ(describe(bridge->submit(task(), patience).error()).code, ec::unavailable);
}

TEST_F(BridgeTest, WhatTheGatewayHadWhenTheBridgeStoppedMayHaveHappened) {
  hold(true);
  caf::error why;
  std::thread waiter{[&] { why = bridge->submit(task(), patience * 100).error(); }};
  EXPECT_TRUE(wait_until([&] { return !sizes().empty(); }));
  bridge->stop();
  waiter.join();
  EXPECT_EQ(describe(why).code, ec::timed_out);
  EXPECT_NE(describe(why).message.find("is unknown"), std::string::npos);
}

TEST_F(BridgeTest, WhetherADeadGatewayDidItIsUnknown) {
  caf::anon_send_exit(gateway, caf::exit_reason::kill);
  EXPECT_TRUE(wait_until([&] {
    auto reply = bridge->ask<stats_reply>(stats_request{}, patience);
    return !reply && describe(reply.error()).message.find("has stopped") != std::string::npos;
  }));
  EXPECT_EQ(describe(bridge->submit(task(), patience).error()).code, ec::timed_out);
}
