#include "runtime/cli/daemon.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace overwatch::cli {

namespace {

// In the node's process: nothing of the terminal is left.
void leave_terminal(int output) {
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0)
    dup2(nothing, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  if (nothing > STDERR_FILENO)
    close(nothing);
  if (output > STDERR_FILENO)
    close(output);
}

// The process between: makes a session, starts the node in it, tells its id and ends, so that init adopts the node.
[[noreturn]] void start_in_new_session(int pipe_end, int output, const std::function<int()>& run) {
  setsid();
  const auto node = fork();
  if (node == 0) {
    leave_terminal(output);
    _exit(run());
  }
  const bool told = node > 0 && write(pipe_end, &node, sizeof(node)) == static_cast<ssize_t>(sizeof(node));
  _exit(told ? 0 : 1);
}

} // namespace

background_process::~background_process() { close(alive_); }

bool background_process::ended_within(milliseconds duration) const {
  pollfd end{alive_, POLLIN, 0};
  return poll(&end, 1, static_cast<int>(duration.count())) > 0;
}

std::unique_ptr<background_process> start_in_background(const std::string& output_file, const std::function<int()>& run,
                                                        std::string& problem) {
  const int output = open(output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (output < 0) {
    problem = "the log file " + output_file + " cannot be opened: " + std::strerror(errno);
    return nullptr;
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    problem = std::string{"no pipe: "} + std::strerror(errno);
    close(output);
    return nullptr;
  }
  const auto between = fork();
  if (between == 0) {
    close(ends[0]);
    start_in_new_session(ends[1], output, run);
  }
  close(ends[1]);
  close(output);
  pid_t node = 0;
  const bool started = between > 0 && read(ends[0], &node, sizeof(node)) == static_cast<ssize_t>(sizeof(node));
  if (between > 0)
    waitpid(between, nullptr, 0);
  if (!started) {
    problem = std::string{"no process can be started: "} + std::strerror(errno);
    close(ends[0]);
    return nullptr;
  }
  return std::make_unique<background_process>(node, ends[0]);
}

} // namespace overwatch::cli
