#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace overwatch::support {

/// How a program ended that was run to its end.
struct program_end {
  int exit_status = -1; ///< -1: a signal ended it, its own or that of the limit
  std::string output;   ///< standard output and standard error as they came
  std::chrono::milliseconds took{0};
};

/// Runs a program without standard input and returns when it has ended and nobody holds its output any more. It is
/// killed when that takes longer than `limit`. Throws std::system_error when it cannot be started.
program_end run_program(const std::vector<std::string>& argv, std::chrono::seconds limit = std::chrono::seconds{60});

} // namespace overwatch::support
