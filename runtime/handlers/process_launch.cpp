#include "runtime/handlers/process_launch.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace overwatch {

namespace {

enum class step : int { session, streams, descriptors, limits, user, directory, parent, exec };

struct step_failure {
  step at;
  int error;
};

// Pointers into a plan: exec wants arrays of them.
struct exec_arrays {
  std::vector<char*> arguments, environment;

  static std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (const auto& text : texts)
      result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
  }
};

[[noreturn]] void fail(int report, step at) {
  step_failure failure{at, errno};
  [[maybe_unused]] auto written = ::write(report, &failure, sizeof(failure)); // nobody is left to tell otherwise
  ::_exit(127);
}

void close_the_rest_on_exec() {
  if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
    return;
  rlimit open_files{}; // kernels before 5.11
  ::getrlimit(RLIMIT_NOFILE, &open_files);
  for (int fd = 3; static_cast<rlim_t>(fd) < std::min<rlim_t>(open_files.rlim_cur, 65'536); ++fd)
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void become(const user_identity& who, int report) {
  // The bare system calls: those of the C library tell all threads, and the threads are not here.
  if (::syscall(SYS_setgroups, who.groups.size(), who.groups.data()) != 0 || ::syscall(SYS_setgid, who.group) != 0
      || ::syscall(SYS_setuid, who.user) != 0)
    fail(report, step::user);
}

/// Between fork and exec: async-signal-safe calls only, nothing that allocates.
[[noreturn]] void become_program(const launch_plan& plan, const exec_arrays& arrays, int report, pid_t parent) {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal)
    ::sigaction(signal, &standard, nullptr); // refused for a few: they have no handler
  if (::setsid() < 0)
    fail(report, step::session);
  for (int i = 0; i < 3; ++i)
    if (::dup2(plan.standard[i], i) < 0)
      fail(report, step::streams);
  close_the_rest_on_exec();
  for (const auto& limit : plan.limits)
    if (::setrlimit(static_cast<__rlimit_resource>(limit.resource), &limit.value) != 0)
      fail(report, step::limits);
  if (plan.switch_user)
    become(plan.identity, report);
  if (::chdir(plan.directory.c_str()) != 0)
    fail(report, step::directory);
  // After the change of user, which would clear it.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    fail(report, step::parent);
  if (::getppid() != parent)
    ::_exit(127); // the node died before the kernel was told to watch it
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan.program.c_str(), arrays.arguments.data(), arrays.environment.data());
  fail(report, step::exec);
}

std::string sentence_for(const launch_plan& plan, const step_failure& failure) {
  auto why = ": " + std::generic_category().message(failure.error);
  switch (failure.at) {
    case step::exec:
      return "program \"" + plan.program + "\" cannot be run" + why;
    case step::directory:
      return "working directory \"" + plan.directory + "\" cannot be entered" + why;
    case step::user:
      return "the user of the command cannot be taken on" + why;
    case step::limits:
      return "a limit of the command cannot be set" + why;
    case step::session:
    case step::streams:
    case step::descriptors:
    case step::parent:
      break;
  }
  return "a process cannot be set up" + why;
}

} // namespace

std::optional<user_identity> find_user(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16 * 1024);
  auto failed = name.empty() ? ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found)
                             : ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (failed != 0 || found == nullptr)
    return std::nullopt;
  user_identity result{entry.pw_uid, entry.pw_gid, {}, entry.pw_dir};
  int count = 64;
  result.groups.resize(static_cast<size_t>(count));
  while (::getgrouplist(entry.pw_name, entry.pw_gid, result.groups.data(), &count) < 0)
    result.groups.resize(static_cast<size_t>(count)); // the call has set the count that it needs
  result.groups.resize(static_cast<size_t>(count));
  return result;
}

std::vector<launch_plan::limit> limits_of(const process_options& options) {
  std::vector<launch_plan::limit> result;
  auto add = [&result](int resource, uint64_t value, uint64_t hard) {
    if (value == 0)
      return;
    rlimit own{};
    ::getrlimit(static_cast<__rlimit_resource>(resource), &own);
    if (::geteuid() != 0) { // rlim_t's largest value means: none
      value = std::min<rlim_t>(value, own.rlim_max);
      hard = std::min<rlim_t>(hard, own.rlim_max);
    }
    result.push_back({resource, {value, hard}});
  };
  add(RLIMIT_CPU, options.cpu_seconds, options.cpu_seconds + 1); // SIGXCPU first, SIGKILL a second later
  add(RLIMIT_AS, options.memory_bytes, options.memory_bytes);
  add(RLIMIT_FSIZE, options.file_bytes, options.file_bytes);
  add(RLIMIT_NOFILE, options.open_files, options.open_files);
  add(RLIMIT_NPROC, options.processes, options.processes);
  return result;
}

std::string find_program(const std::string& name, const std::string& path) {
  if (name.find('/') != std::string::npos)
    return name;
  std::string_view rest = path;
  while (!rest.empty()) {
    auto end = std::min(rest.find(':'), rest.size());
    auto candidate = std::string{rest.substr(0, end)} + "/" + name;
    struct stat found {};
    if (end > 0 && ::stat(candidate.c_str(), &found) == 0 && S_ISREG(found.st_mode) && (found.st_mode & 0111) != 0)
      return candidate;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

std::string launch(const launch_plan& plan, pid_t& pid) {
  exec_arrays arrays{exec_arrays::pointers(plan.arguments), exec_arrays::pointers(plan.environment)};
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return "no pipe for a new process: " + std::generic_category().message(errno);
  owned_fd failed{ends[0]};
  // The new process puts its streams over 0 to 2: this end must not be there.
  owned_fd low{ends[1]};
  owned_fd report{::fcntl(low.get(), F_DUPFD_CLOEXEC, 3)};
  low.reset();
  if (!report)
    return "no descriptor for a new process: " + std::generic_category().message(errno);

  // No handler of the node's may run in the copy.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  auto parent = ::getpid();
  pid = ::fork();
  if (pid == 0)
    become_program(plan, arrays, report.get(), parent);
  auto error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0)
    return "no new process: " + std::generic_category().message(error);

  report.reset();
  step_failure failure{};
  ssize_t n;
  do
    n = ::read(failed.get(), &failure, sizeof(failure));
  while (n < 0 && errno == EINTR);
  return n == static_cast<ssize_t>(sizeof(failure)) ? sentence_for(plan, failure) : std::string{};
}

} // namespace overwatch
