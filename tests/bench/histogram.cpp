#include "tests/bench/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace overwatch::bench {

size_t histogram::bucket_of(uint64_t value) {
  value = std::min(value, (uint64_t{1} << largest_exponent) - 1);
  if (value < (uint64_t{2} << bits))
    return value;
  // `value` has its highest bit at 63 - clz; the `bits` bits below it number the bucket within its power.
  unsigned shift = 63 - static_cast<unsigned>(__builtin_clzll(value)) - bits;
  return (static_cast<size_t>(shift) << bits) + (value >> shift);
}

uint64_t histogram::end_of(size_t bucket) {
  if (bucket < (size_t{2} << bits))
    return bucket;
  auto shift = (bucket >> bits) - 1;
  auto first = ((bucket & ((size_t{1} << bits) - 1)) + (size_t{1} << bits)) << shift;
  return first + (uint64_t{1} << shift) - 1;
}

std::chrono::nanoseconds histogram::percentile(double share) const {
  if (total_ == 0)
    return std::chrono::nanoseconds{0};
  auto rank = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(share * static_cast<double>(total_))));
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank)
      return std::chrono::nanoseconds{static_cast<int64_t>(end_of(i))};
  }
  return std::chrono::nanoseconds{0};
}

} // namespace overwatch::bench
