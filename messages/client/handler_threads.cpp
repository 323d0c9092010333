#include "messages/client/handler_threads.hpp"

namespace overwatch {

handler_threads::~handler_threads() {
  {
    std::lock_guard lock{mutex_};
    ended_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_)
    thread.join();
}

void handler_threads::run(std::function<void()> function) {
  {
    std::lock_guard lock{mutex_};
    waiting_.push_back(std::move(function));
    if (waiting_.size() > idle_ && threads_.size() < limit_)
      threads_.emplace_back([this] { work(); });
  }
  changed_.notify_one();
}

void handler_threads::work() {
  std::unique_lock lock{mutex_};
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty())
      return;
    auto function = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    function();
    lock.lock();
  }
}

} // namespace overwatch
