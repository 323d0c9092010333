#pragma once

#include "tests/bench/bench.hpp"
#include "tests/bench/load_generator.hpp"
#include "tests/support/process/node_api.hpp"

#include <string>

namespace overwatch::bench {

/// The JSON of one task that does nothing, with `payload_bytes` of payload.
std::string noop_task();

/// `count` of them as NDJSON.
std::string noop_batch(size_t count);

/// One request again and again, each answered with status 200: the server's hello rate.
class hello_script : public load_script {
public:
  hello_script();
  std::string_view next() override { return request_; }
  void answered(int status, std::string_view body) override;

private:
  std::string request_;
};

/// Submits of one task per request.
class single_script : public load_script {
public:
  single_script();
  std::string_view next() override { return request_; }
  void answered(int status, std::string_view body) override;
  uint64_t accepted() const { return accepted_; }

private:
  std::string request_;
  uint64_t accepted_ = 0;
};

/// Submits of `batch_tasks` per request, up to a number of tasks, with at most `backlog` unfinished ones.
class batch_script : public load_script {
public:
  static constexpr uint64_t no_limit = UINT64_MAX;

  /// `api` is asked how many tasks have ended, only when `backlog` is limited; it outlives the script.
  explicit batch_script(support::node_api& api, uint64_t tasks = no_limit, uint64_t backlog = no_limit);

  std::string_view next() override;
  void answered(int status, std::string_view body) override;
  bool finished() const override { return sent_ >= tasks_; }
  void tick() override;

  uint64_t accepted() const { return accepted_; }

  /// Outcomes per second between the first tick after `from` and the last one.
  void count_from(std::chrono::steady_clock::time_point from) { count_from_ = from; }
  double completed_per_second() const;

private:
  support::node_api& api_;
  uint64_t tasks_;
  uint64_t backlog_;
  std::string request_;
  uint64_t sent_ = 0;
  uint64_t accepted_ = 0;
  uint64_t unfinished_before_ = 0; // when it began
  uint64_t completed_before_ = 0;
  uint64_t completed_ = 0; // since then
  std::chrono::steady_clock::time_point count_from_ = std::chrono::steady_clock::time_point::max();
  std::chrono::steady_clock::time_point first_time_, last_time_;
  uint64_t first_completed_ = 0, last_completed_ = 0;
};

/// Waits until `count` tasks have completed since the node began, asking each 10 ms. Throws when one failed or was
/// cancelled, when there are more, or when nothing completes for a minute.
void wait_until_completed(support::node_api& api, uint64_t count);

} // namespace overwatch::bench
