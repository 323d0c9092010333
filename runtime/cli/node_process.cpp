#include "runtime/cli/node_process.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <poll.h>
#include <unistd.h>

// glibc 2.36 has this header without C linkage for C++.
extern "C" {
#include <sys/pidfd.h>
}

namespace overwatch::cli {

namespace {

using steady = std::chrono::steady_clock;

constexpr milliseconds step{1000};

bool is_node(pid_t pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/comm"};
  std::string name;
  std::getline(file, name);
  return name == "overwatch";
}

struct descriptor {
  int number;
  ~descriptor() { close(number); }
};

} // namespace

std::string pid_file_of(const std::string& data_dir) { return data_dir + "/node.pid"; }

std::optional<pid_t> read_pid_file(const std::string& path) {
  std::ifstream file{path};
  pid_t pid = 0;
  if (!(file >> pid) || pid <= 1)
    return std::nullopt;
  return pid;
}

stop_result stop_process(pid_t pid, milliseconds limit, const std::function<void(milliseconds)>& waiting) {
  const int number = pidfd_open(pid, 0);
  if (number < 0)
    return errno == EPERM ? stop_result::not_allowed : stop_result::not_running;
  const descriptor process{number};
  pollfd gone{process.number, POLLIN, 0};
  if (poll(&gone, 1, 0) > 0)
    return stop_result::not_running;
  // The descriptor was opened first: so the name is of the process that gets the signal.
  if (!is_node(pid))
    return stop_result::not_a_node;
  if (pidfd_send_signal(process.number, SIGTERM, nullptr, 0) != 0)
    return errno == EPERM ? stop_result::not_allowed : stop_result::not_running;
  const auto start = steady::now();
  for (;;) {
    const auto passed = std::chrono::duration_cast<milliseconds>(steady::now() - start);
    if (passed >= limit)
      return stop_result::still_running;
    if (poll(&gone, 1, static_cast<int>(std::min(step, limit - passed).count())) > 0)
      return stop_result::stopped;
    waiting(std::chrono::duration_cast<milliseconds>(steady::now() - start));
  }
}

} // namespace overwatch::cli
