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

void handler_threads::run(std::function<void()> job) {
  {
    std::lock_guard lock{mutex_};
    jobs_.push_back(std::move(job));
    if (jobs_.size() > idle_ && threads_.size() < limit_)
      threads_.emplace_back([this] { work(); });
  }
  changed_.notify_one();
}

void handler_threads::work() {
  std::unique_lock lock{mutex_};
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return ended_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty())
      return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

} // namespace overwatch
