#include "runtime/cli/interrupt.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace overwatch::cli {

namespace {

// A signal handler reaches nothing but globals.
std::atomic<bool> interrupted{false};
int wake_up[2] = {-1, -1}; // a pipe: a byte for each signal

void on_signal(int number) {
  if (number != SIGWINCH)
    interrupted = true;
  const char byte = 0;
  [[maybe_unused]] const auto written = write(wake_up[1], &byte, 1); // full: the reader is awake already
}

} // namespace

interrupt::interrupt() {
  interrupted = false;
  if (pipe2(wake_up, O_NONBLOCK | O_CLOEXEC) != 0)
    wake_up[0] = wake_up[1] = -1; // then waiting takes its full time
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &old_interrupt_);
  sigaction(SIGTERM, &action, &old_terminate_);
  sigaction(SIGWINCH, &action, &old_resize_);
}

interrupt::~interrupt() {
  sigaction(SIGINT, &old_interrupt_, nullptr);
  sigaction(SIGTERM, &old_terminate_, nullptr);
  sigaction(SIGWINCH, &old_resize_, nullptr);
  for (auto& end : wake_up)
    if (end >= 0)
      close(end);
  wake_up[0] = wake_up[1] = -1;
}

const std::atomic<bool>& interrupt::requested() const { return interrupted; }

bool interrupt::wait_for(milliseconds duration) const {
  pollfd readable{wake_up[0], POLLIN, 0};
  if (!interrupted && poll(&readable, 1, static_cast<int>(duration.count())) > 0) {
    char bytes[64];
    while (read(wake_up[0], bytes, sizeof(bytes)) > 0)
      continue;
  }
  return interrupted;
}

} // namespace overwatch::cli
