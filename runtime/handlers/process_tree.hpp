#pragma once

#include "runtime/handlers/owned_fd.hpp"
#include "messages/time.hpp"

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace overwatch {

/// Whom a command consists of: its process group and session, every process that carries `mark` (an entry
/// `NAME=value`) in its environment, and the descendants of all these. A process stays in it after a double
/// fork, setsid and the death of its parent, unless it also replaced its environment.
struct process_tree {
  pid_t leader = -1; ///< not reaped yet: so its id names no other group
  std::string mark;

  /// Sends `signal` to every living member; answers with descriptors that become readable when they end.
  std::vector<owned_fd> signal_all(int signal) const;

  /// Kills the members, those that they fork meanwhile, and `known` (from an earlier signal_all: members may
  /// lose their parent, and with it what tied them to the tree). Waits for their end, at most `limit`.
  /// Answers with how many were still there then: they hang in the kernel.
  size_t kill_all(milliseconds limit, std::vector<owned_fd> known = {}) const;
};

} // namespace overwatch
