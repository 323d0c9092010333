#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace overwatch::support {

/// Asks every few milliseconds until `condition` holds; false when it did not within `limit`.
template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds{60}) {
  constexpr std::chrono::milliseconds interval{5};
  std::mutex mutex;
  std::condition_variable nobody;
  std::unique_lock lock{mutex};
  for (auto end = std::chrono::steady_clock::now() + limit;; nobody.wait_for(lock, interval)) {
    if (condition())
      return true;
    if (std::chrono::steady_clock::now() >= end)
      return false;
  }
}

} // namespace overwatch::support
