#include "tests/storage/killed_writer.hpp"

#include <csignal>
#include <cstdio>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace overwatch::test {

int run_and_kill_writer(const std::vector<std::string>& arguments, int enough) {
  std::string program = DYING_WRITER;
  std::vector<char*> argv{program.data()};
  for (const auto& argument : arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  int pipe[2];
  if (::pipe(pipe) != 0)
    throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, pipe[0]);
  posix_spawn_file_actions_addclose(&actions, pipe[1]);
  pid_t child = 0;
  int failed = ::posix_spawn(&child, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  if (failed != 0) {
    ::close(pipe[0]);
    throw std::runtime_error("cannot start " + program);
  }
  auto* lines = ::fdopen(pipe[0], "r");
  int last = -1;
  for (int number = 0, said = 0; std::fscanf(lines, "%d", &number) == 1;) {
    last = number;
    if (++said == enough)
      ::kill(child, SIGKILL); // the loop goes on with what it said meanwhile
  }
  std::fclose(lines);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
    throw std::runtime_error("the writer ended by itself");
  return last;
}

} // namespace overwatch::test
