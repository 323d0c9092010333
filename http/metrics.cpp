#include "http/service.hpp"

/// The node's metrics and those of HTTP, for Prometheus.
namespace overwatch::http {

namespace {

response metrics(service& s, const request&) {
  auto reply = s.ask<metrics_reply>(metrics_request{});
  if (!reply)
    return error_response(reply.error());
  auto families = std::move(reply->families);
  for (auto& family : s.metrics.families(s.long_ones.count()))
    families.push_back(std::move(family));
  response out;
  out.content_type = "text/plain; version=0.0.4; charset=utf-8";
  out.body = prometheus_text(families);
  return out;
}

} // namespace

std::vector<route> metrics_routes() {
  return {
    {"GET", "/api/overwatch/metrics", "", metrics},
    {"GET", "/metrics", "", metrics},
  };
}

} // namespace overwatch::http
