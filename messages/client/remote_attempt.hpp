#pragma once

#include "messages/worker.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>

namespace overwatch {

/// Thrown by a handler: the attempt failed. Another exception does the same, with its text.
class attempt_failed : public std::runtime_error {
public:
  explicit attempt_failed(const std::string& message, bool retryable = true)
    : std::runtime_error{message}, retryable_{retryable} {}
  bool retryable() const { return retryable_; }

private:
  bool retryable_;
};

/// One attempt that this program executes. All members may be called from any thread.
class remote_attempt {
public:
  explicit remote_attempt(claimed_attempt what) : what_{std::move(what)} {}

  const task_spec& task() const { return *what_.task.spec; }
  const std::string& payload() const { return *what_.task.payload; } ///< a JSON object as text
  const std::vector<parent_result>& parents() const { return what_.parents; }
  uint32_t number() const { return what_.fence.attempt; } ///< of this start, from 1
  const fencing_token& fence() const { return what_.fence; }
  milliseconds limit() const { return what_.limit; }      ///< how long it may take

  /// True when the handler shall stop: cancelled, out of time, or not ours any more. After 10 s the task goes on
  /// without it.
  bool stopping() const;
  std::optional<stop_reason> reason() const;

  /// Sleeps; true when the handler shall stop.
  bool wait_for(milliseconds duration) const;

  /// 0 to 100, with a text for people. The newest one counts.
  void progress(double percent, std::string message = {});

  /// Adds a line to the task's log; `data` is JSON as text or empty. The newest 100 between two heartbeats are kept.
  void log(log_level level, std::string message, std::string data = {});

  /// For the connection: what is to be told, and how it is told to stop.
  attempt_beat take_beat();
  void stop(stop_reason why);

private:
  const claimed_attempt what_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::optional<stop_reason> stop_;
  std::optional<double> percent_;
  std::string message_;
  std::vector<log_entry> lines_;
};

/// Executes one attempt; returns its result as JSON text (or nothing). Called on a thread of its own, by as many
/// threads at once as there are slots.
using remote_handler = std::function<std::string(remote_attempt&)>;

} // namespace overwatch
