#include "actors/running_limit.hpp"

#include <algorithm>
#include <utility>

namespace overwatch {

uint64_t running_limit::join(std::function<void()> wake) {
  std::lock_guard lock{mutex_};
  members_[next_].wake = std::move(wake);
  return next_++;
}

void running_limit::leave(uint64_t which) {
  std::lock_guard lock{mutex_};
  const auto& x = members_.at(which);
  taken_ -= x.taken + x.kept;
  members_.erase(which);
  waiting_.erase(std::remove(waiting_.begin(), waiting_.end(), which), waiting_.end());
  wake_next();
}

bool running_limit::take(uint64_t which) {
  std::lock_guard lock{mutex_};
  auto& x = members_.at(which);
  if (x.kept > 0) {
    --x.kept;
  } else if (taken_ < limit_) {
    ++taken_;
  } else {
    if (!std::exchange(x.waits, true))
      waiting_.push_back(which);
    return false;
  }
  ++x.taken;
  return true;
}

void running_limit::give_back(uint64_t which, uint32_t count) {
  std::lock_guard lock{mutex_};
  members_.at(which).taken -= count;
  taken_ -= count;
  wake_next();
}

void running_limit::give_up_kept(uint64_t which) {
  std::lock_guard lock{mutex_};
  taken_ -= std::exchange(members_.at(which).kept, 0);
  wake_next();
}

void running_limit::set_limit(uint32_t limit) {
  std::lock_guard lock{mutex_};
  limit_ = limit > 0 ? limit : configured_;
  wake_next();
}

uint32_t running_limit::limit() const {
  std::lock_guard lock{mutex_};
  return limit_;
}

// A place that gets free is kept for the one whose turn it is, so that nobody is faster.
void running_limit::wake_next() {
  while (taken_ < limit_ && !waiting_.empty()) {
    auto& x = members_.at(waiting_.front());
    waiting_.pop_front();
    x.waits = false;
    ++x.kept;
    ++taken_;
    x.wake();
  }
}

} // namespace overwatch
