#include "tests/bench/noop_load.hpp"

#include <stdexcept>

namespace overwatch::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds completion_interval{10};
constexpr std::chrono::seconds progress_limit{60};

[[noreturn]] void abort_run(const char* what, int status, std::string_view body) {
  throw std::runtime_error{std::string{what} + " was answered with " + std::to_string(status) + ": " +
                           std::string{body.substr(0, 1000)}};
}

} // namespace

std::string noop_task() {
  constexpr std::string_view head = "{\"data\":\"";
  constexpr std::string_view tail = "\"}";
  std::string payload{head};
  payload.append(payload_bytes - head.size() - tail.size(), 'x').append(tail);
  return "{\"name\":\"bench\",\"task_type\":\"noop\",\"payload\":" + payload + "}";
}

std::string noop_batch(size_t count) {
  auto line = noop_task() + "\n";
  std::string result;
  result.reserve(line.size() * count);
  for (size_t i = 0; i < count; ++i)
    result += line;
  return result;
}

hello_script::hello_script() : request_{support::http_request_text("GET", "/api/overwatch/health/live")} {}

void hello_script::answered(int status, std::string_view body) {
  if (status != 200)
    abort_run("hello", status, body);
}

single_script::single_script()
  : request_{support::http_request_text("POST", "/api/overwatch/tasks", "application/json", noop_task())} {}

void single_script::answered(int status, std::string_view body) {
  if (status != 200)
    abort_run("a submit", status, body);
  ++accepted_;
}

batch_script::batch_script(support::node_api& api, uint64_t tasks, uint64_t backlog)
  : api_{api}, tasks_{tasks}, backlog_{backlog}, request_{support::http_request_text("POST", support::batch_path,
                                                                                     support::ndjson_type,
                                                                                     noop_batch(batch_tasks))} {
  auto now = api_.counters();
  completed_before_ = now.completed;
  unfinished_before_ = now.submitted - now.completed - now.failed - now.cancelled;
}

std::string_view batch_script::next() {
  if (finished() || (backlog_ != no_limit && unfinished_before_ + sent_ + batch_tasks > backlog_ + completed_))
    return {};
  sent_ += batch_tasks;
  return request_;
}

void batch_script::answered(int status, std::string_view body) {
  if (status != 200 || support::accepted_in(body) != batch_tasks)
    abort_run("a batch", status, body);
  accepted_ += batch_tasks;
}

void batch_script::tick() {
  check_interrupted();
  if (backlog_ == no_limit)
    return;
  auto counters = api_.counters();
  if (counters.failed + counters.cancelled > 0)
    throw std::runtime_error{"a task of the benchmark failed"};
  completed_ = counters.completed - completed_before_;
  auto now = clock::now();
  if (now < count_from_)
    return;
  if (first_time_ == clock::time_point{}) {
    first_time_ = now;
    first_completed_ = completed_;
  }
  last_time_ = now;
  last_completed_ = completed_;
}

double batch_script::completed_per_second() const {
  auto seconds = std::chrono::duration<double>(last_time_ - first_time_).count();
  return seconds > 0 ? static_cast<double>(last_completed_ - first_completed_) / seconds : 0;
}

void wait_until_completed(support::node_api& api, uint64_t count) {
  uint64_t before = 0;
  auto progress = clock::now();
  for (;;) {
    auto now = api.counters();
    if (now.failed + now.cancelled > 0 || now.completed > count)
      throw std::runtime_error{"expected " + std::to_string(count) + " completed tasks, but " +
                               std::to_string(now.completed) + " completed, " + std::to_string(now.failed) +
                               " failed, " + std::to_string(now.cancelled) + " were cancelled"};
    if (now.completed == count)
      return;
    if (now.completed != before) {
      before = now.completed;
      progress = clock::now();
    } else if (clock::now() - progress > progress_limit) {
      throw std::runtime_error{"only " + std::to_string(before) + " of " + std::to_string(count) +
                               " tasks completed; nothing has for a minute"};
    }
    pause_until(clock::now() + completion_interval);
  }
}

} // namespace overwatch::bench
