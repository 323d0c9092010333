#include "tests/bench/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace overwatch::bench {

using std::chrono::nanoseconds;

TEST(HistogramTest, EmptyHasNoPercentiles) { EXPECT_EQ(histogram{}.percentile(0.5), nanoseconds{0}); }

TEST(HistogramTest, SmallValuesAreExact) {
  histogram x;
  for (int i = 1; i <= 100; ++i)
    x.add(nanoseconds{i});
  EXPECT_EQ(x.percentile(0.5), nanoseconds{50});
  EXPECT_EQ(x.percentile(0.99), nanoseconds{99});
  EXPECT_EQ(x.percentile(1), nanoseconds{100});
}

TEST(HistogramTest, PercentilesAreWithinOneBucketOfTheTruth) {
  std::mt19937_64 random{7};
  std::uniform_real_distribution<double> exponent{0, 39};
  std::vector<int64_t> values;
  histogram x;
  for (int i = 0; i < 100'000; ++i) {
    values.push_back(static_cast<int64_t>(std::exp2(exponent(random))));
    x.add(nanoseconds{values.back()});
  }
  std::sort(values.begin(), values.end());
  for (double share : {0.01, 0.25, 0.5, 0.9, 0.99, 0.999}) {
    auto truth = static_cast<double>(values[static_cast<size_t>(share * 100'000) - 1]);
    auto measured = static_cast<double>(x.percentile(share).count());
    EXPECT_GE(measured, truth);
    EXPECT_LE(measured, truth * (1 + 1.0 / 64) + 1);
  }
}

TEST(HistogramTest, ValuesBeyondTheEndCountInTheLastBucket) {
  histogram x;
  x.add(std::chrono::hours{10});
  x.add(nanoseconds{-5});
  EXPECT_EQ(x.total(), 2u);
  EXPECT_EQ(x.percentile(0.1), nanoseconds{0});
  EXPECT_GT(x.percentile(1), std::chrono::minutes{18});
}

} // namespace overwatch::bench
