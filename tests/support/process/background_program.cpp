#include "tests/support/process/background_program.hpp"

#include "tests/support/process/eventually.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace overwatch::support {

background_program::background_program(std::vector<std::string> argv, std::string output_file)
  : output_file_{std::move(output_file)} {
  std::vector<char*> pointers;
  for (auto& x : argv)
    pointers.push_back(x.data());
  pointers.push_back(nullptr);
  auto owner = getpid();
  pid_ = fork();
  if (pid_ < 0)
    throw std::system_error{errno, std::generic_category(), "fork"};
  if (pid_ > 0)
    return;
  prctl(PR_SET_PDEATHSIG, SIGKILL); // from here on only calls that are safe after a fork of a program with threads
  int out = open(output_file_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  int in = open("/dev/null", O_RDONLY);
  if (getppid() != owner || out < 0 || in < 0)
    _exit(127);
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  execvp(pointers[0], pointers.data());
  _exit(127);
}

background_program::~background_program() { kill(); }

void background_program::kill() {
  if (pid_ <= 0)
    return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

int background_program::wait(std::chrono::seconds limit) {
  int status = 0;
  if (pid_ <= 0 || !eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; }, limit))
    throw std::runtime_error{"a program did not end in time; it has printed:\n" + output()};
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int background_program::stop() {
  if (pid_ > 0)
    ::kill(pid_, SIGTERM);
  return wait(stop_limit);
}

std::string background_program::output() const {
  std::ifstream file{output_file_};
  return {std::istreambuf_iterator<char>{file}, {}};
}

} // namespace overwatch::support
