#include "tests/storage/traced_kill.hpp"

#include <csignal>
#include <stdexcept>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace overwatch::test {

namespace {

constexpr int no_tracing = 99;
constexpr int system_call_stop = SIGTRAP | 0x80; // with PTRACE_O_TRACESYSGOOD

/// None: it may not be traced.
std::optional<pid_t> start_traced(const std::vector<std::string>& arguments) {
  std::string program = DYING_WRITER;
  std::vector<char*> argv{program.data()};
  for (const auto& argument : arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  auto child = ::fork();
  if (child < 0)
    throw std::runtime_error{"cannot fork"};
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0)
      ::execv(program.c_str(), argv.data());
    ::_exit(no_tracing);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFSTOPPED(status))
    return std::nullopt;
  auto options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE;
  ::ptrace(PTRACE_SETOPTIONS, child, nullptr, options);
  ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
  return child;
}

} // namespace

std::optional<uint64_t> run_and_kill_at(const std::vector<std::string>& arguments, uint64_t calls) {
  auto child = start_traced(arguments);
  if (!child)
    return std::nullopt;
  uint64_t made = 0;
  for (bool counting = false;;) {
    int status = 0;
    auto thread = ::waitpid(-1, &status, __WALL);
    if (thread < 0)
      throw std::runtime_error{"cannot trace"};
    if (!WIFSTOPPED(status)) {
      if (thread != *child)
        continue; // one of its threads has ended
      bool ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
      if (!ended && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
        throw std::runtime_error{"the writer failed"};
      return made;
    }
    auto signal = WSTOPSIG(status);
    if (signal == system_call_stop && counting && ++made == calls)
      ::kill(*child, SIGKILL);
    counting = counting || signal == SIGUSR1;
    // Only what is not about tracing is handed on.
    bool ours = signal == system_call_stop || signal == SIGTRAP || signal == SIGSTOP || signal == SIGUSR1;
    ::ptrace(PTRACE_SYSCALL, thread, nullptr, reinterpret_cast<void*>(static_cast<intptr_t>(ours ? 0 : signal)));
  }
}

} // namespace overwatch::test
