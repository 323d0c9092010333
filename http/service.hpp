#pragma once

#include "http/bridge.hpp"
#include "http/http_metrics.hpp"
#include "http/router.hpp"
#include "http/server.hpp"

#include <atomic>
#include <optional>
#include <string>
#include <vector>

namespace overwatch::http {

/// Event streams and waits under way: each holds a thread, so they are counted and bounded.
class long_requests {
public:
  explicit long_requests(size_t limit) : limit_{limit} {}

  /// Leaves the count when it is destroyed.
  class permit {
  public:
    explicit permit(long_requests& owner) : owner_{&owner} {}
    permit(permit&& other) noexcept : owner_{std::exchange(other.owner_, nullptr)} {}
    permit& operator=(permit&&) = delete;
    ~permit() {
      if (owner_ != nullptr)
        owner_->count_.fetch_sub(1);
    }

  private:
    long_requests* owner_;
  };

  /// Nothing when there are too many.
  std::optional<permit> enter() {
    if (count_.fetch_add(1) >= limit_) {
      count_.fetch_sub(1);
      return std::nullopt;
    }
    return permit{*this};
  }

  size_t count() const { return count_.load(); }

private:
  const size_t limit_;
  std::atomic<size_t> count_{0};
};

/// What handlers of requests work with. Shared by all threads.
struct service {
  bridge& gateway;
  const http_options& options;
  http_metrics& metrics;
  long_requests& long_ones;

  /// Asks the gateway, with the usual timeout.
  template <class Reply, class Request>
  caf::expected<Reply> ask(Request request) {
    return gateway.ask<Reply>(std::move(request), options.request_timeout);
  }
};

inline constexpr std::string_view api_root = "/api/overwatch";

/// The answer when `max_long_requests` are under way.
response too_many_long_requests();

/// The task that the path names; nothing when the segment is no UUID.
std::optional<task_id> id_of(const request& x);
response no_such_task(const request& x);

/// `?consistency=`: what a read promises. The answer to a value that is none.
std::optional<response> read_consistency(const request& x, consistency& out);

/// The whole task, or the error.
response task_response(const caf::expected<task_record>& task);

/// Reads the body, an object, by `rules`. Then, when its fields are right, `check(target, errors)` says what is wrong
/// with them together. The answer to a body that is refused.
template <class Target, size_t N, class Check>
std::optional<response> read_body(const request& x, const std::array<field_rule<Target>, N>& rules, Target& target,
                                  Check check) {
  json::value value;
  if (auto error = parse_json(x.body, {}, value))
    return error_response(to_problem(*error));
  error_list errors;
  read_object({value, place{}, errors}, rules, target);
  if (errors.empty())
    check(target, errors);
  if (errors.empty())
    return std::nullopt;
  return error_response(errors);
}

template <class Target, size_t N>
std::optional<response> read_body(const request& x, const std::array<field_rule<Target>, N>& rules, Target& target) {
  return read_body(x, rules, target, [](const Target&, error_list&) {});
}

/// The rows of each resource; `all_routes` puts them together.
std::vector<route> task_routes();
std::vector<route> task_action_routes();
std::vector<route> task_control_routes();
std::vector<route> batch_routes();
std::vector<route> workflow_routes();
std::vector<route> gate_routes();
std::vector<route> key_routes();
std::vector<route> schedule_routes();
std::vector<route> rule_routes();
std::vector<route> worker_routes();
std::vector<route> resource_routes();
std::vector<route> cluster_routes();
std::vector<route> control_routes();
std::vector<route> stats_routes();
std::vector<route> config_routes();
std::vector<route> pool_routes();
std::vector<route> event_routes();
std::vector<route> metrics_routes();
std::vector<route> health_routes();
std::vector<route> openapi_routes();

/// The text of `openapi.json`.
std::string_view openapi_document();

} // namespace overwatch::http
