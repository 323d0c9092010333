#include "runtime/handlers/process_memory.hpp"

#include "runtime/handlers/procfs.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

namespace overwatch {

namespace {

using std::chrono::steady_clock;

constexpr size_t max_processes = 64;

void add_children(pid_t pid, std::vector<pid_t>& out) {
  auto id = std::to_string(pid);
  auto text = procfs::read_file("/proc/" + id + "/task/" + id + "/children").value_or(std::string{});
  const auto* at = text.data();
  const auto* end = at + text.size();
  while (at != end && out.size() < max_processes) {
    pid_t child = 0;
    auto [rest, error] = std::from_chars(at, end, child);
    if (error != std::errc{})
      return;
    out.push_back(child);
    at = std::find_if(rest, end, [](char c) { return c != ' ' && c != '\n'; });
  }
}

} // namespace

uint64_t peak_memory_of(pid_t leader) {
  uint64_t result = 0;
  std::vector<pid_t> processes{leader};
  for (size_t i = 0; i < processes.size(); ++i) {
    auto pid = processes[i];
    auto status = procfs::read_file("/proc/" + std::to_string(pid) + "/status").value_or(std::string{});
    result = std::max(result, procfs::parse_keyed(status, "VmHWM:").value_or(0) * 1024);
    add_children(pid, processes);
  }
  return result;
}

memory_watch::memory_watch(pid_t leader) : leader_{leader}, next_{steady_clock::now() + first_pause} {}

void memory_watch::look() {
  auto time = steady_clock::now();
  if (time < next_)
    return;
  peak_ = std::max(peak_, peak_memory_of(leader_));
  pause_ = std::min(pause_ * 2, milliseconds{last_pause});
  next_ = time + pause_;
}

int memory_watch::until_next() const {
  auto left = std::chrono::ceil<milliseconds>(next_ - steady_clock::now()).count();
  return static_cast<int>(std::max<int64_t>(left, 0));
}

} // namespace overwatch
