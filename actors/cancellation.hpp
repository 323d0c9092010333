#pragma once

#include "messages/task.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

namespace overwatch {

/// Tells a handler on another thread to stop, and why. Shared between a pool and the handler of one
/// attempt: the one mutable thing that crosses a thread here, because a blocking handler has no mailbox.
class cancellation {
public:
  /// `shutdown`: it goes back to the queue; `stale`: the task went on without it, its outcome is not wanted.
  enum class cause : uint8_t { none, cancelled, timeout, deadline, shutdown, stale };

  cancellation() = default;
  ~cancellation();
  cancellation(const cancellation&) = delete;
  cancellation& operator=(const cancellation&) = delete;

  /// Only the first call counts.
  void request(cause why);

  cause requested() const { return cause_.load(std::memory_order_acquire); }

  /// Sleeps; true when stopping was asked for before `duration` passed.
  bool wait_for(milliseconds duration);

  /// A file descriptor that becomes readable when stopping is asked for: for poll loops. Made by the first
  /// call; throws std::system_error when there is none left.
  int fd();

private:
  std::atomic<cause> cause_{cause::none};
  std::mutex mutex_;
  std::condition_variable changed_;
  int event_fd_ = -1;
};

} // namespace overwatch
