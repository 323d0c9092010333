#include "runtime/handlers/low_priority.hpp"

#include <exception>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace overwatch {

namespace {

constexpr int low_nice = 10;

// Of the kernel's header <linux/ioprio.h>, which is not C++.
constexpr int of_thread = 1;
constexpr int idle_class = 3 << 13;

// On Linux both belong to a thread, whatever POSIX says of nice. 0 is the calling thread.
void lower_this_thread() {
  const auto now = getpriority(PRIO_PROCESS, 0);
  if (now < low_nice)
    setpriority(PRIO_PROCESS, 0, low_nice);
  syscall(SYS_ioprio_set, of_thread, 0, idle_class);
}

} // namespace

// A thread of its own, as an unprivileged process cannot raise the priority of a thread again.
void run_at_low_priority(const std::function<void()>& work) {
  std::exception_ptr failure;
  std::thread{[&] {
    lower_this_thread();
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
  }}.join();
  if (failure)
    std::rethrow_exception(failure);
}

} // namespace overwatch
