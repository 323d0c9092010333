#pragma once

#include "messages/time.hpp"

#include <atomic>
#include <csignal>

namespace overwatch::cli {

/// While it lives, Ctrl-C and SIGTERM ask the command to end instead of killing the process, so that it can
/// put the terminal back. One at a time.
class interrupt {
public:
  interrupt();
  ~interrupt();
  interrupt(const interrupt&) = delete;
  interrupt& operator=(const interrupt&) = delete;

  const std::atomic<bool>& requested() const;

  /// Waits at most `duration`; true when the command shall end. Also returns when the terminal was resized.
  bool wait_for(milliseconds duration) const;

private:
  struct sigaction old_interrupt_ {};
  struct sigaction old_terminate_ {};
  struct sigaction old_resize_ {};
};

} // namespace overwatch::cli
