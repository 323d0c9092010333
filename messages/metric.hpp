#pragma once

#include "messages/inspect_std.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace overwatch {

enum class metric_type : uint8_t { counter, gauge, histogram };

/// Counts in buckets whose upper bounds are `bounds` (ascending, seconds or bytes); the last count is for
/// values above them all. Counts are per bucket, not cumulative.
struct histogram_value {
  std::vector<double> bounds;
  std::vector<uint64_t> counts; ///< one more than `bounds`
  double sum = 0;

  void observe(double value);
  uint64_t total() const;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, histogram_value& x) {
  return f(x.bounds, x.counts, x.sum);
}

/// Powers of two from 50 microseconds to 27 minutes, in seconds.
histogram_value make_latency_histogram();

struct metric_sample {
  std::map<std::string, std::string> labels;
  double value = 0;
  histogram_value histogram; ///< of histograms only
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, metric_sample& x) {
  return f(x.labels, x.value, x.histogram);
}

/// One metric with all its label sets, in the terms of Prometheus: names in base units, counters end in `_total`.
struct metric_family {
  std::string name;
  std::string help;
  metric_type type = metric_type::gauge;
  std::vector<metric_sample> samples;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, metric_family& x) {
  return f(x.name, x.help, x.type, x.samples);
}

struct metrics_request {};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, metrics_request&) { return f(); }

struct metrics_reply {
  std::vector<metric_family> families;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, metrics_reply& x) { return f(x.families); }

} // namespace overwatch
