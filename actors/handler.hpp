#pragma once

#include "actors/cancellation.hpp"
#include "messages/task.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace overwatch {

/// How an attempt ended, as its handler says it.
struct outcome {
  violation kind = violation::none; ///< `none`: success
  std::string message;              ///< of a violation: a sentence
  std::string result;               ///< JSON as text, at most `task_limits::result_bytes`; may be empty
  bool retryable = true;            ///< false: the failure will not go away by itself, do not try again
  resource_usage usage;             ///< as far as the handler measured it

  static outcome completed(std::string result = {}) { return {violation::none, {}, std::move(result), true, {}}; }
  static outcome failed(std::string message, std::string result = {}) {
    return {violation::exception, std::move(message), std::move(result), true, {}};
  }
  static outcome failed_for_good(std::string message) {
    return {violation::exception, std::move(message), {}, false, {}};
  }
};

/// What a running handler has reported and its pool has not fetched yet. Thread-safe; bounded: the newest
/// `max_lines` lines and the newest progress are kept, older lines are counted as dropped.
class attempt_report {
public:
  static constexpr size_t max_lines = 100;

  struct content {
    bool has_progress = false;
    double percent = 0;
    std::string message;
    std::vector<log_entry> lines; ///< `sequence` is not set yet
    uint64_t dropped = 0;
    bool empty() const { return !has_progress && lines.empty() && dropped == 0; }
  };

  void progress(double percent, std::string message);
  void log(log_level level, std::string message, std::string data);
  content take();

private:
  std::mutex mutex_;
  content content_;
  size_t oldest_ = 0; // index of the oldest line once the ring is full
};

/// What a handler gets: the task, and the ways to report and to learn that it shall stop. Lives as long as
/// the attempt. All members may be called from any thread of the handler's.
class attempt_context {
public:
  attempt_context(std::shared_ptr<const task_spec> spec, std::shared_ptr<const std::string> payload,
                  fencing_token fence, std::shared_ptr<cancellation> stop, std::shared_ptr<attempt_report> report)
    : spec_{std::move(spec)}, payload_{std::move(payload)}, fence_{fence}, stop_{std::move(stop)},
      report_{std::move(report)} {}

  const task_spec& task() const { return *spec_; }

  /// A JSON object as text.
  const std::string& payload() const { return *payload_; }

  /// Number of this start, from 1.
  uint32_t attempt() const { return fence_.attempt; }

  /// True when the handler shall stop now: cancelled, timed out, or the node stops. A handler that goes on
  /// for 10 s more loses its slot.
  bool stopping() const { return stop_->requested() != cancellation::cause::none; }
  cancellation::cause stop_cause() const { return stop_->requested(); }

  /// Sleeps; true when the handler shall stop.
  bool wait_for(milliseconds duration) const { return stop_->wait_for(duration); }

  /// Becomes readable when the handler shall stop.
  int stop_fd() const { return stop_->fd(); }

  /// 0 to 100 (clamped), with a text for people. Cheap; the newest one counts.
  void progress(double percent, std::string message = {}) const { report_->progress(percent, std::move(message)); }

  /// Adds a line to the task's log; `data` is JSON as text or empty.
  void log(log_level level, std::string message, std::string data = {}) const {
    report_->log(level, std::move(message), std::move(data));
  }

private:
  std::shared_ptr<const task_spec> spec_;
  std::shared_ptr<const std::string> payload_;
  fencing_token fence_;
  std::shared_ptr<cancellation> stop_;
  std::shared_ptr<attempt_report> report_;
};

/// Runs one attempt. A C++ exception that leaves it is an outcome of kind `exception`. Called from several
/// threads at once when its pool has several slots.
using handler_function = std::function<outcome(const attempt_context&)>;

struct handler_options {
  std::string description;  ///< one sentence for `GET /pools`
  bool blocking = true;     ///< false: returns within microseconds and may run on a scheduler thread
  uint32_t slots = 0;       ///< attempts at once; 0: as many as `max_concurrent_tasks`
};

/// The task types that this node serves. Filled before the node starts; read-only afterwards.
class handler_registry {
public:
  struct entry {
    handler_function run;
    handler_options options;
  };

  /// Registers a handler; one that is registered again replaces the first. `task_type` has 1 to 64
  /// characters of [a-z0-9_.-]; anything else throws std::invalid_argument.
  void add(std::string task_type, handler_function run, handler_options options = {});

  const std::map<std::string, entry>& entries() const { return entries_; }

private:
  std::map<std::string, entry> entries_;
};

/// True for text that may name a task type.
bool is_task_type(std::string_view text);

} // namespace overwatch
