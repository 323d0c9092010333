#pragma once

#include "runtime/handlers/owned_fd.hpp"

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace overwatch {

// The declarations of glibc 2.36 in <sys/pidfd.h> do not link from C++: hence the system calls.

/// A descriptor of a process: readable when it has ended, and never that of another one.
inline owned_fd open_process(pid_t pid) {
  return owned_fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U))};
}

inline void signal_process(const owned_fd& process, int signal) {
  ::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0U);
}

} // namespace overwatch
