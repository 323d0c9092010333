#include "actors/retry.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

const timestamp time_now{1'700'000'000s};

retry_policy exponential() {
  retry_policy x;
  x.max_attempts = 5;
  x.backoff = backoff_kind::exponential;
  x.base = 1s;
  x.max = 10s;
  x.jitter = 0;
  return x;
}

} // namespace

TEST(RetryTest, FixedBackoffStaysTheSame) {
  retry_policy policy;
  policy.jitter = 0;
  EXPECT_EQ(backoff_delay(policy, 1, 0.5), 1s);
  EXPECT_EQ(backoff_delay(policy, 9, 0.5), 1s);
}

TEST(RetryTest, ExponentialBackoffDoublesUpToItsMaximum) {
  auto policy = exponential();
  EXPECT_EQ(backoff_delay(policy, 1, 0.5), 1s);
  EXPECT_EQ(backoff_delay(policy, 2, 0.5), 2s);
  EXPECT_EQ(backoff_delay(policy, 4, 0.5), 8s);
  EXPECT_EQ(backoff_delay(policy, 5, 0.5), 10s);
  EXPECT_EQ(backoff_delay(policy, 4'000'000'000, 0.5), 10s);
}

TEST(RetryTest, JitterStaysInItsBounds) {
  auto policy = exponential();
  policy.jitter = 0.2;
  EXPECT_EQ(backoff_delay(policy, 1, 0.0), 800ms);
  EXPECT_EQ(backoff_delay(policy, 1, 1.0), 1200ms);
}

TEST(RetryTest, LastAttemptIsFinal) {
  task_spec spec;
  spec.retry = exponential();
  task_state state;
  state.failures = 3;
  EXPECT_TRUE(decide_retry(spec, state, violation::exception, true, time_now, 3, 0.5).retry_at);
  state.failures = 4;
  EXPECT_FALSE(decide_retry(spec, state, violation::exception, true, time_now, 3, 0.5).retry_at);
}

TEST(RetryTest, WhatWillNotGoAwayIsNotTriedAgain) {
  task_spec spec;
  spec.retry = exponential();
  EXPECT_FALSE(decide_retry(spec, {}, violation::exception, false, time_now, 3, 0.5).retry_at);
  EXPECT_FALSE(decide_retry(spec, {}, violation::gate, true, time_now, 3, 0.5).retry_at);
  EXPECT_FALSE(decide_retry(spec, {}, violation::dependency, true, time_now, 3, 0.5).retry_at);
  spec.deadline = time_now;
  EXPECT_FALSE(decide_retry(spec, {}, violation::exception, true, time_now, 3, 0.5).retry_at);
  EXPECT_EQ(decide_retry(spec, {}, violation::lost, true, time_now, 3, 0.5).kind, violation::timeout);
}

TEST(RetryTest, LostAttemptsDoNotCountUntilTheyArePoison) {
  task_spec spec; // one attempt only
  task_state state;
  EXPECT_EQ(*decide_retry(spec, state, violation::lost, true, time_now, 3, 0.5).retry_at, time_now);
  state.lost_in_a_row = 3;
  auto decision = decide_retry(spec, state, violation::lost, true, time_now, 3, 0.5);
  EXPECT_FALSE(decision.retry_at);
  EXPECT_EQ(decision.kind, violation::poison);
}

} // namespace overwatch
