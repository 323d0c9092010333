#include "actors/rate_bucket.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

const timestamp beginning{1'700'000'000s};

rate_limit any_limit() {
  rate_limit x;
  x.key = "k";
  x.limit = *rc::gen::inRange<uint32_t>(1, 20);
  x.per = milliseconds{*rc::gen::inRange(1, 5'000)};
  return x;
}

} // namespace

TEST(RateBucketTest, FullBucketLetsTheLimitGoAtOnceAndThenOnePerInterval) {
  rate_limit limit{"k", 3, 3s};
  rate_bucket bucket;
  for (int i = 0; i < 3; ++i) {
    EXPECT_LE(bucket.next_start(limit), beginning);
    EXPECT_EQ(bucket.tokens(limit, beginning), 3u - static_cast<unsigned>(i));
    bucket.take(limit, beginning);
  }
  EXPECT_EQ(bucket.tokens(limit, beginning), 0u);
  EXPECT_EQ(bucket.next_start(limit), beginning + 1s);
  EXPECT_EQ(bucket.tokens(limit, beginning + 999ms), 0u);
  EXPECT_EQ(bucket.tokens(limit, beginning + 1s), 1u);
  EXPECT_EQ(bucket.tokens(limit, beginning + 3s), 3u);
  EXPECT_EQ(bucket.tokens(limit, beginning + 1h), 3u) << "it does not overflow";
}

TEST(RateBucketTest, LargestLimitInTheShortestTimeStillCounts) {
  rate_limit limit{"k", task_limits::max_rate, 1ms};
  rate_bucket bucket;
  for (int i = 0; i < 10; ++i)
    bucket.take(limit, beginning);
  EXPECT_EQ(bucket.tokens(limit, beginning), task_limits::max_rate - 10);
  EXPECT_GE(rate_bucket::interval(limit), 1us);
}

TEST(RateBucketTest, TokensAndNextStartAgree) {
  EXPECT_TRUE(rc::check([] {
    auto limit = any_limit();
    rate_bucket bucket;
    auto time = beginning;
    for (int i = 0; i < 100; ++i) {
      time += std::chrono::microseconds{*rc::gen::inRange(0, 300'000)};
      RC_ASSERT((bucket.tokens(limit, time) > 0) == (bucket.next_start(limit) <= time));
      auto next = std::max(time, bucket.next_start(limit));
      RC_ASSERT(bucket.tokens(limit, next) > 0u);
      if (next > time)
        RC_ASSERT(bucket.tokens(limit, next - 1us) == 0u);
      if (bucket.next_start(limit) > time)
        continue;
      auto before = bucket.tokens(limit, time);
      bucket.take(limit, time);
      RC_ASSERT(bucket.tokens(limit, time) == before - 1);
    }
  }));
}

// Over any stretch of time: at most the bucket and what flows into it meanwhile.
TEST(RateBucketTest, NoStretchOfTimeSeesMoreStartsThanTheBucketAllows) {
  EXPECT_TRUE(rc::check([] {
    auto limit = any_limit();
    auto interval = rate_bucket::interval(limit);
    rate_bucket bucket;
    auto time = beginning;
    std::vector<timestamp> starts;
    for (int i = 0; i < 200; ++i) {
      if (*rc::gen::inRange(0, 3) > 0)
        time += std::chrono::microseconds{*rc::gen::inRange<int64_t>(0, 3 * interval.count() + 1)};
      if (bucket.next_start(limit) > time)
        continue;
      bucket.take(limit, time);
      starts.push_back(time);
    }
    for (size_t first = 0; first < starts.size(); ++first)
      for (size_t last = first; last < starts.size(); ++last) {
        auto flown = static_cast<uint64_t>((starts[last] - starts[first]) / interval);
        RC_ASSERT(last - first + 1 <= limit.limit + flown);
      }
  }));
}

// Who always starts as soon as he may is held to the rate, and gets all of it.
TEST(RateBucketTest, GreedyStartsGetTheWholeRate) {
  EXPECT_TRUE(rc::check([] {
    auto limit = any_limit();
    rate_bucket bucket;
    auto time = beginning;
    auto count = *rc::gen::inRange<uint32_t>(limit.limit, limit.limit + 100);
    for (uint32_t i = 0; i < count; ++i) {
      time = std::max(time, bucket.next_start(limit));
      bucket.take(limit, time);
    }
    RC_ASSERT(time - beginning == rate_bucket::interval(limit) * (count - limit.limit));
  }));
}

} // namespace overwatch
