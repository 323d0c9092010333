#include "messages/metric.hpp"

#include <algorithm>
#include <numeric>

namespace overwatch {

void histogram_value::observe(double value) {
  auto bucket = std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin();
  ++counts[static_cast<size_t>(bucket)];
  sum += value;
}

uint64_t histogram_value::total() const {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

histogram_value make_latency_histogram() {
  histogram_value result;
  for (double bound = 50e-6; bound < 2000; bound *= 2)
    result.bounds.push_back(bound);
  result.counts.resize(result.bounds.size() + 1);
  return result;
}

} // namespace overwatch
