#include "tests/snapshots/killed_call.hpp"

#include <csignal>
#include <stdexcept>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace overwatch::test {

namespace {

constexpr int no_tracing = 99;
constexpr int threw = 98;

void end(pid_t child) {
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

} // namespace

std::optional<uint64_t> run_and_kill(const std::function<void()>& body, uint64_t calls) {
  auto child = ::fork();
  if (child < 0)
    throw std::runtime_error{"cannot fork"};
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0)
      ::_exit(no_tracing);
    ::raise(SIGSTOP);
    try {
      body();
    } catch (...) {
      ::_exit(threw);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status))
    return std::nullopt;
  ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  uint64_t made = 0;
  for (auto entering = true;; entering = !entering) {
    if (::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr) != 0 || ::waitpid(child, &status, 0) < 0) {
      end(child);
      throw std::runtime_error{"cannot trace"};
    }
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        throw std::runtime_error{"the child failed"};
      return made;
    }
    if (entering && ++made == calls) {
      end(child);
      return made;
    }
  }
}

} // namespace overwatch::test
