#include "actors/cancellation.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <system_error>

namespace overwatch {

namespace {

void signal(int event_fd) {
  uint64_t one = 1;
  [[maybe_unused]] auto written = ::write(event_fd, &one, sizeof(one)); // a full counter is readable too
}

} // namespace

cancellation::~cancellation() {
  if (event_fd_ >= 0)
    ::close(event_fd_);
}

int cancellation::fd() {
  std::lock_guard lock{mutex_};
  if (event_fd_ < 0) {
    event_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd_ < 0)
      throw std::system_error{errno, std::generic_category(),
                              "no event descriptor for an attempt (raise the limit of open files)"};
    if (requested() != cause::none)
      signal(event_fd_);
  }
  return event_fd_;
}

void cancellation::request(cause why) {
  std::lock_guard lock{mutex_};
  if (requested() != cause::none)
    return;
  cause_.store(why, std::memory_order_release);
  changed_.notify_all();
  if (event_fd_ >= 0)
    signal(event_fd_);
}

bool cancellation::wait_for(milliseconds duration) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, duration, [this] { return requested() != cause::none; });
}

} // namespace overwatch
