#pragma once

#include "messages/time.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>

namespace overwatch {

/// The largest resident memory that a process or one of its living descendants ever had, in bytes; 0 when nothing
/// can be read. Looks at 64 processes at most, and at the children of their main threads.
uint64_t peak_memory_of(pid_t leader);

/// Looks at a program's memory while it runs, soon after its start and then ever less often: the kernel's own
/// account at its end says nothing below what the node takes itself.
class memory_watch {
public:
  /// Between looks: from the first, doubled up to the last.
  static constexpr milliseconds first_pause{2};
  static constexpr milliseconds last_pause{1000};

  explicit memory_watch(pid_t leader);

  /// Looks when it is time to.
  void look();

  /// For poll: milliseconds until the next look.
  int until_next() const;

  /// The largest peak that was seen.
  uint64_t peak() const { return peak_; }

private:
  pid_t leader_;
  milliseconds pause_ = first_pause;
  std::chrono::steady_clock::time_point next_;
  uint64_t peak_ = 0;
};

} // namespace overwatch
