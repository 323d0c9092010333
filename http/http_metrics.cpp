#include "http/http_metrics.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace overwatch::http {

namespace {

void append_value(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    char text[40];
    out.append(text, std::to_chars(text, text + sizeof(text), value).ptr);
  }
}

// Escapes of label values; those of help texts are the same but for the quote.
void append_escaped(std::string& out, const std::string& text, bool quotes) {
  for (char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '"' && quotes)
      out += "\\\"";
    else
      out += c;
  }
}

// `bound` is the label `le` of a histogram's bucket, or empty.
void append_labels(std::string& out, const std::map<std::string, std::string>& labels, const std::string& bound) {
  if (labels.empty() && bound.empty())
    return;
  out += '{';
  bool first = true;
  auto append = [&](const std::string& name, const std::string& value) {
    if (!first)
      out += ',';
    first = false;
    out.append(name).append("=\"");
    append_escaped(out, value, true);
    out += '"';
  };
  for (const auto& [name, value] : labels)
    append(name, value);
  if (!bound.empty())
    append("le", bound);
  out += '}';
}

void append_line(std::string& out, const std::string& name, const metric_sample& sample, const std::string& bound,
                 double value) {
  out += name;
  append_labels(out, sample.labels, bound);
  out += ' ';
  append_value(out, value);
  out += '\n';
}

void append_histogram(std::string& out, const std::string& name, const metric_sample& sample) {
  const auto& histogram = sample.histogram;
  uint64_t cumulative = 0;
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    cumulative += histogram.counts[i];
    std::string bound;
    if (i < histogram.bounds.size())
      append_value(bound, histogram.bounds[i]);
    else
      bound = "+Inf";
    append_line(out, name + "_bucket", sample, bound, static_cast<double>(cumulative));
  }
  append_line(out, name + "_sum", sample, {}, histogram.sum);
  append_line(out, name + "_count", sample, {}, static_cast<double>(cumulative));
}

std::string_view type_name(metric_type type) {
  switch (type) {
    case metric_type::counter:
      return "counter";
    case metric_type::gauge:
      return "gauge";
    case metric_type::histogram:
      return "histogram";
  }
  return "untyped";
}

metric_family gauge(std::string name, std::string help, double value) {
  return {std::move(name), std::move(help), metric_type::gauge, {{{}, value, {}}}};
}

} // namespace

http_metrics::http_metrics(std::vector<std::string> routes) : routes_{std::move(routes)} {
  routes_.emplace_back("none");
  for (size_t i = 0; i < routes_.size(); ++i)
    counters_.push_back(std::make_unique<counters>());
  bounds_ = make_latency_histogram().bounds;
  bounds_.resize(std::min(bounds_.size(), max_buckets - 1));
}

void http_metrics::finished(size_t route, int status, std::chrono::nanoseconds duration, bool timed) {
  auto& x = *counters_[std::min(route, routes_.size() - 1)];
  auto position = std::clamp<size_t>(static_cast<size_t>(std::max(status, 0)), 0, statuses - 1);
  x.by_status[position].fetch_add(1, std::memory_order_relaxed);
  if (!timed)
    return;
  auto seconds = std::chrono::duration<double>(duration).count();
  auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), seconds) - bounds_.begin();
  x.buckets[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  x.nanoseconds.fetch_add(static_cast<uint64_t>(duration.count()), std::memory_order_relaxed);
}

std::vector<metric_family> http_metrics::families(size_t long_requests) const {
  metric_family requests{"overwatch_http_requests_total", "HTTP requests by route and status.",
                         metric_type::counter, {}};
  metric_family durations{"overwatch_http_request_duration_seconds",
                          "Time from the end of the request's head to its answer; without streams and waits.",
                          metric_type::histogram, {}};
  for (size_t i = 0; i < routes_.size(); ++i) {
    const auto& x = *counters_[i];
    for (size_t status = 0; status < statuses; ++status)
      if (auto count = x.by_status[status].load(std::memory_order_relaxed); count > 0)
        requests.samples.push_back({{{"route", routes_[i]}, {"status", std::to_string(status)}},
                                    static_cast<double>(count), {}});
    histogram_value histogram{bounds_, {}, static_cast<double>(x.nanoseconds.load(std::memory_order_relaxed)) / 1e9};
    for (size_t bucket = 0; bucket <= bounds_.size(); ++bucket)
      histogram.counts.push_back(x.buckets[bucket].load(std::memory_order_relaxed));
    if (histogram.total() > 0)
      durations.samples.push_back({{{"route", routes_[i]}}, 0, std::move(histogram)});
  }
  return {std::move(requests), std::move(durations),
          gauge("overwatch_http_connections", "Connections that a thread serves now.",
                static_cast<double>(connections_.load(std::memory_order_relaxed))),
          gauge("overwatch_http_long_requests", "Event streams and waits under way.",
                static_cast<double>(long_requests))};
}

std::string prometheus_text(const std::vector<metric_family>& families) {
  std::string out;
  for (const auto& family : families) {
    if (family.samples.empty())
      continue;
    out.append("# HELP ").append(family.name).append(" ");
    append_escaped(out, family.help, false);
    out.append("\n# TYPE ").append(family.name).append(" ").append(type_name(family.type)).append("\n");
    for (const auto& sample : family.samples) {
      if (family.type == metric_type::histogram)
        append_histogram(out, family.name, sample);
      else
        append_line(out, family.name, sample, {}, sample.value);
    }
  }
  return out;
}

} // namespace overwatch::http
