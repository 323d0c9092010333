#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace overwatch::support {

/// A program that runs beside the test, with its output in a file. One thread starts and ends it. Killed by the
/// destructor, and by the kernel when the owner's process dies.
class background_program {
public:
  /// How long `stop` waits for its end.
  static constexpr std::chrono::seconds stop_limit{60};

  /// Starts it. `argv[0]` is looked up in PATH. Throws std::system_error.
  background_program(std::vector<std::string> argv, std::string output_file);
  ~background_program();

  background_program(const background_program&) = delete;
  background_program& operator=(const background_program&) = delete;

  /// SIGKILL; returns when it is gone.
  void kill();

  /// SIGTERM; returns the exit status once it is gone: -1 when a signal ended it.
  int stop();

  /// Waits for its end; -1 when a signal ended it. Throws std::runtime_error after `limit`.
  int wait(std::chrono::seconds limit);

  /// What it has printed so far, standard output and standard error.
  std::string output() const;

private:
  std::string output_file_;
  pid_t pid_ = -1;
};

} // namespace overwatch::support
