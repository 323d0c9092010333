#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace overwatch::bench {

/// Counts durations in buckets that are at most 1/64 wide of their value, up to 2^40 ns (18 minutes).
class histogram {
public:
  void add(std::chrono::nanoseconds value) {
    ++counts_[bucket_of(value.count() < 0 ? 0 : static_cast<uint64_t>(value.count()))];
    ++total_;
  }

  uint64_t total() const { return total_; }

  /// The upper end of the bucket that holds the value at `share` (0 to 1); 0 when there is none.
  std::chrono::nanoseconds percentile(double share) const;

  double percentile_us(double share) const { return static_cast<double>(percentile(share).count()) / 1000.0; }

private:
  static constexpr unsigned bits = 6; // 64 buckets to each power of two
  static constexpr unsigned largest_exponent = 40;

  static size_t bucket_of(uint64_t value);
  static uint64_t end_of(size_t bucket);

  std::array<uint64_t, (largest_exponent - bits + 1) << bits> counts_{};
  uint64_t total_ = 0;
};

} // namespace overwatch::bench
