#include "runtime/handlers/process.hpp"

#include "runtime/handlers/pidfd.hpp"
#include "runtime/handlers/process_launch.hpp"
#include "runtime/handlers/process_memory.hpp"
#include "runtime/handlers/procfs.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <system_error>

namespace overwatch {

namespace {

using std::chrono::steady_clock;

constexpr size_t piece_bytes = 64 * 1024;
// What a pipe can hold at most for an unprivileged program: nothing that ended has written more than this.
constexpr size_t drain_bytes = 1024 * 1024;
constexpr uint64_t account_block = 512; // what the kernel counts a process's reads and writes in
constexpr const char* default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string error_text() {
  return std::generic_category().message(errno);
}

owned_fd above_standard(int fd) {
  owned_fd low{fd};
  return owned_fd{fd < 0 ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, 3)};
}

// A file in memory instead of a pipe: a program that does not read its input costs nothing, and one that
// closes it early sends no SIGPIPE.
owned_fd input_of(const std::string& text) {
  auto result = above_standard(::memfd_create("overwatch-input", MFD_CLOEXEC));
  for (size_t written = 0; result && written < text.size();) {
    auto n = ::write(result.get(), text.data() + written, text.size() - written);
    if (n < 0 && errno != EINTR)
      return {};
    written += static_cast<size_t>(std::max<ssize_t>(n, 0));
  }
  if (result)
    ::lseek(result.get(), 0, SEEK_SET);
  return result;
}

std::string new_mark() {
  std::random_device random;
  std::string result = std::string{process::mark_name} + "=";
  for (int i = 0; i < 4; ++i) {
    char part[9];
    std::snprintf(part, sizeof(part), "%08x", random());
    result += part;
  }
  return result;
}

std::string make_directory(const launch_plan& plan, std::string& path) {
  std::error_code error;
  auto base = std::filesystem::temp_directory_path(error);
  path = (error ? std::filesystem::path{"/tmp"} : base) / "overwatch-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    path.clear();
    return "no temporary directory: " + error_text();
  }
  if (plan.switch_user && ::chown(path.c_str(), plan.identity.user, plan.identity.group) != 0)
    return "the temporary directory cannot be given to the command's user: " + error_text();
  return {};
}

std::string choose_user(const process_options& options, launch_plan& plan, std::string& home) {
  auto identity = find_user(options.user);
  if (identity)
    home = identity->home;
  if (options.user.empty())
    return {};
  if (!identity)
    return "user \"" + options.user + "\" is unknown on this machine";
  if (identity->user == ::geteuid())
    return {};
  if (::geteuid() != 0)
    return "user \"" + options.user + "\" can only be taken on by a node that runs as root";
  plan.switch_user = true;
  plan.identity = std::move(*identity);
  return {};
}

} // namespace

process::~process() {
  if (tree_.leader > 0) {
    process_end unused;
    tree_.kill_all(kill_limit);
    reap(unused);
  }
  std::error_code ignored;
  if (!temporary_.empty())
    std::filesystem::remove_all(temporary_, ignored);
}

std::string process::start(const process_options& options) {
  if (options.argv.empty() || options.argv[0].empty())
    return "the command names no program";
  launch_plan plan;
  std::string home = "/";
  if (auto error = choose_user(options, plan, home); !error.empty())
    return error;

  auto environment = options.environment;
  environment.emplace("PATH", default_path);
  environment.emplace("HOME", home);
  environment.emplace("LANG", "C.UTF-8");
  const auto& path = environment["PATH"];
  plan.program = find_program(options.argv[0], path);
  if (plan.program.empty())
    return "program \"" + options.argv[0] + "\" is not in PATH (" + path + ")";
  plan.arguments = options.argv;
  tree_.mark = new_mark();
  plan.environment.push_back(tree_.mark);
  for (const auto& [name, value] : environment)
    plan.environment.push_back(name + "=" + value);
  plan.limits = limits_of(options);
  plan.directory = options.directory;
  if (plan.directory.empty()) {
    if (auto error = make_directory(plan, temporary_); !error.empty())
      return error;
    plan.directory = temporary_;
  }

  auto input = input_of(options.input);
  owned_fd writing[2];
  for (int i = 0; i < 2; ++i) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      return "no pipe for the command's output: " + error_text();
    streams_[i] = owned_fd{ends[0]};
    writing[i] = above_standard(ends[1]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  }
  if (!input || !writing[0] || !writing[1])
    return "no descriptor for the command: " + error_text();
  plan.standard[0] = input.get();
  plan.standard[1] = writing[0].get();
  plan.standard[2] = writing[1].get();

  auto own = procfs::read_process_stat(::getpid());
  own_memory_bytes_ = own ? own->resident_pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
  pid_t pid = -1;
  auto error = launch(plan, pid);
  if (pid <= 0)
    return error;
  tree_.leader = pid;
  pidfd_ = open_process(pid);
  if (error.empty() && !pidfd_)
    error = "no descriptor for the command's process: " + error_text();
  return error; // the destructor reaps what failed
}

process_end process::run(int stop_fd, const on_output& output) {
  process_end end;
  auto started = steady_clock::now();
  steady_clock::time_point kill_at{};
  bool killed = false;
  std::vector<owned_fd> told; // members at the time of the SIGTERM
  memory_watch memory{tree_.leader};
  std::vector<char> piece(piece_bytes);
  pollfd waited[4] = {{streams_[0].get(), POLLIN, 0},
                      {streams_[1].get(), POLLIN, 0},
                      {pidfd_.get(), POLLIN, 0},
                      {stop_fd, POLLIN, 0}};
  while (waited[2].revents == 0) {
    memory.look();
    auto timeout = memory.until_next();
    if (end.stopped && !killed) {
      auto left = std::chrono::ceil<milliseconds>(kill_at - steady_clock::now()).count();
      timeout = std::min(timeout, static_cast<int>(std::max<int64_t>(left, 0)));
    }
    if (::poll(waited, 4, timeout) < 0 && errno != EINTR)
      break; // out of kernel memory: the program is killed below
    for (int i = 0; i < 2; ++i) {
      if (waited[i].revents == 0)
        continue;
      auto n = ::read(waited[i].fd, piece.data(), piece.size());
      if (n > 0)
        output(static_cast<stream>(i), {piece.data(), static_cast<size_t>(n)});
      else if (n == 0)
        waited[i].fd = -1; // closed: the program may go on without it
    }
    if (waited[3].revents != 0) {
      end.stopped = true;
      kill_at = steady_clock::now() + term_grace;
      waited[3] = {-1, 0, 0};
      told = tree_.signal_all(SIGTERM);
    }
    if (end.stopped && !killed && steady_clock::now() >= kill_at) {
      killed = true;
      tree_.signal_all(SIGKILL);
    }
  }
  // The program itself is not reaped yet, so its id still names its group and nothing else.
  end.survivors = tree_.kill_all(kill_limit, std::move(told));
  drain(output);
  reap(end);
  end.peak_memory_bytes = std::max(end.peak_memory_bytes, memory.peak());
  end.elapsed_s = std::chrono::duration<double>(steady_clock::now() - started).count();
  return end;
}

/// What is left in the pipes; never waits.
void process::drain(const on_output& output) {
  std::vector<char> piece(piece_bytes);
  for (int i = 0; i < 2; ++i) {
    for (size_t taken = 0; taken < drain_bytes;) {
      auto n = ::read(streams_[i].get(), piece.data(), piece.size());
      if (n <= 0)
        break;
      taken += static_cast<size_t>(n);
      output(static_cast<stream>(i), {piece.data(), static_cast<size_t>(n)});
    }
  }
}

void process::reap(process_end& end) {
  int status = 0;
  rusage used{};
  pid_t reaped;
  do
    reaped = ::wait4(tree_.leader, &status, 0, &used);
  while (reaped < 0 && errno == EINTR);
  tree_.leader = -1;
  if (reaped < 0)
    return;
  end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  end.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  end.user_cpu_s = seconds(used.ru_utime);
  end.system_cpu_s = seconds(used.ru_stime);
  auto peak = static_cast<uint64_t>(used.ru_maxrss) * 1024;
  end.peak_memory_bytes = peak > own_memory_bytes_ ? peak : 0;
  end.read_bytes = static_cast<uint64_t>(used.ru_inblock) * account_block;
  end.written_bytes = static_cast<uint64_t>(used.ru_oublock) * account_block;
}

} // namespace overwatch
