#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace overwatch {

/// Up to `limit` threads that run functions; each is started when one finds no idle one. Thread-safe.
class handler_threads {
public:
  explicit handler_threads(uint32_t limit) : limit_{limit} {}

  /// Runs what was given and ends the threads.
  ~handler_threads();

  void run(std::function<void()> function);

private:
  void work();

  const uint32_t limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::thread> threads_;
  uint32_t idle_ = 0;
  bool ended_ = false;
};

} // namespace overwatch
