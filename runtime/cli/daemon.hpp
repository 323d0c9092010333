#pragma once

#include "messages/time.hpp"

#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>

namespace overwatch::cli {

/// A node in the background, seen from the process that started it.
class background_process {
public:
  background_process(pid_t pid, int alive) : pid_{pid}, alive_{alive} {}
  ~background_process();
  background_process(const background_process&) = delete;
  background_process& operator=(const background_process&) = delete;

  pid_t pid() const { return pid_; }

  /// Waits at most `duration`; true when the process has ended.
  bool ended_within(milliseconds duration) const;

private:
  pid_t pid_;
  int alive_; // a pipe whose other end only the process holds
};

/// Runs `run` in a process of its own session, whose output goes to the end of `output_file` and whose
/// parent is init; its value is the exit status. Nothing when the process or the file cannot be made, with
/// the reason in `problem`. No thread may run in the caller.
std::unique_ptr<background_process> start_in_background(const std::string& output_file, const std::function<int()>& run,
                                                        std::string& problem);

} // namespace overwatch::cli
