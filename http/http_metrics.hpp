#pragma once

#include "messages/metric.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace overwatch::http {

/// Counts requests by route and status, and how long they took. Thread-safe, without locks.
class http_metrics {
public:
  /// `routes`: the values of the label `route`, one per position; one for what matches none is added.
  explicit http_metrics(std::vector<std::string> routes);

  /// `route` may be past the end: a request that matched none. `timed` false (streams and waits) counts the
  /// request, but not its duration.
  void finished(size_t route, int status, std::chrono::nanoseconds duration, bool timed);

  /// One connection more or less is being served.
  void connection_opened() { connections_.fetch_add(1, std::memory_order_relaxed); }
  void connection_closed() { connections_.fetch_sub(1, std::memory_order_relaxed); }

  /// In the terms of Prometheus; only routes that were asked for.
  std::vector<metric_family> families(size_t long_requests) const;

private:
  static constexpr size_t statuses = 600;
  static constexpr size_t max_buckets = 32;

  struct counters {
    std::array<std::atomic<uint64_t>, statuses> by_status{};
    std::array<std::atomic<uint64_t>, max_buckets> buckets{};
    std::atomic<uint64_t> nanoseconds{0};
  };

  std::vector<std::string> routes_;
  std::vector<std::unique_ptr<counters>> counters_;
  std::vector<double> bounds_; // seconds
  std::atomic<int64_t> connections_{0};
};

/// Text format 0.0.4 of Prometheus. Families without samples are left out.
std::string prometheus_text(const std::vector<metric_family>& families);

} // namespace overwatch::http
