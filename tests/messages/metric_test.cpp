#include "messages/metric.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace overwatch {

TEST(HistogramTest, ValuesFallIntoTheBucketWhoseBoundIsNotBelowThem) {
  histogram_value x;
  x.bounds = {1, 2, 4};
  x.counts.resize(4);
  for (double value : {0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 1e9})
    x.observe(value);
  EXPECT_EQ(x.counts, (std::vector<uint64_t>{2, 2, 2, 2}));
  EXPECT_EQ(x.total(), 8u);
  EXPECT_DOUBLE_EQ(x.sum, 16.5 + 1e9);
}

TEST(HistogramTest, LatenciesHaveBoundsFromMicrosecondsToMinutes) {
  auto x = make_latency_histogram();
  ASSERT_EQ(x.counts.size(), x.bounds.size() + 1);
  EXPECT_TRUE(std::is_sorted(x.bounds.begin(), x.bounds.end()));
  EXPECT_DOUBLE_EQ(x.bounds.front(), 50e-6);
  EXPECT_GT(x.bounds.back(), 26 * 60);
  EXPECT_LT(x.bounds.back(), 30 * 60);
  EXPECT_EQ(x.total(), 0u);
  x.observe(0);
  x.observe(1e6);
  EXPECT_EQ(x.counts.front(), 1u);
  EXPECT_EQ(x.counts.back(), 1u);
}

} // namespace overwatch
