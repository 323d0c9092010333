#include "tests/support/process/program_run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace overwatch::support {

namespace {

using clock = std::chrono::steady_clock;

pid_t spawn(const std::vector<std::string>& argv, int output) {
  std::vector<char*> pointers;
  for (const auto& x : argv)
    pointers.push_back(const_cast<char*>(x.c_str()));
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  pid_t pid = -1;
  int error = posix_spawn(&pid, pointers[0], &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    throw std::system_error{error, std::generic_category(), "start " + argv[0]};
  return pid;
}

/// True when the other end was closed before `end`.
bool read_all(int fd, clock::time_point end, std::string& out) {
  char bytes[4096];
  for (;;) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock::now()).count();
    pollfd readable{fd, POLLIN, 0};
    if (left <= 0 || poll(&readable, 1, static_cast<int>(left)) <= 0)
      return false;
    auto count = read(fd, bytes, sizeof(bytes));
    if (count <= 0)
      return true;
    out.append(bytes, static_cast<size_t>(count));
  }
}

} // namespace

program_end run_program(const std::vector<std::string>& argv, std::chrono::seconds limit) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    throw std::system_error{errno, std::generic_category(), "pipe"};
  auto begin = clock::now();
  pid_t pid = -1;
  try {
    pid = spawn(argv, ends[1]);
  } catch (...) {
    close(ends[0]);
    close(ends[1]);
    throw;
  }
  close(ends[1]);
  program_end result;
  if (!read_all(ends[0], begin + limit, result.output))
    kill(pid, SIGKILL);
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  result.took = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - begin);
  if (WIFEXITED(status))
    result.exit_status = WEXITSTATUS(status);
  return result;
}

} // namespace overwatch::support
