#include "actors/failure_share.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

constexpr auto start = timestamp{1'800'000'000s};

} // namespace

TEST(FailureShareTest, CountsFromTheFirstReading) {
  failure_share share;
  EXPECT_EQ(share.add(start, 500, 1000), 0) << "nobody knows when those failed";
  EXPECT_EQ(share.add(start + 1s, 501, 1004), 25);
  EXPECT_EQ(share.add(start + 2s, 503, 1004), 75);
}

TEST(FailureShareTest, ForgetsWhatIsOlderThanFiveMinutes) {
  failure_share share;
  share.add(start, 0, 0);
  EXPECT_EQ(share.add(start + 10s, 4, 4), 100);
  EXPECT_EQ(share.add(start + 5min, 4, 8), 50);
  EXPECT_EQ(share.add(start + 5min + 10s, 4, 8), 0);
  EXPECT_EQ(share.add(start + 20min, 4, 8), 0);
}

TEST(FailureShareTest, ReadingsAreBounded) {
  failure_share share;
  for (int i = 0; i < 10'000; ++i)
    share.add(start + i * 100ms, 0, static_cast<uint64_t>(i));
  EXPECT_EQ(share.add(start + 1'000s, 6, 10'000), 100.0 * 6 / 3000);
}

TEST(FailureShareTest, BeginsAnewWhenClockOrCountersGoBack) {
  failure_share share;
  share.add(start, 0, 0);
  share.add(start + 1s, 5, 10);
  EXPECT_EQ(share.add(start - 1h, 6, 12), 0);
  EXPECT_EQ(share.add(start - 1h + 1s, 6, 16), 0);
  EXPECT_EQ(share.add(start - 1h + 2s, 0, 2), 0);
  EXPECT_EQ(share.add(start - 1h + 3s, 1, 4), 50);
}

} // namespace overwatch
