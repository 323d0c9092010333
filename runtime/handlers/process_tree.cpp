#include "runtime/handlers/process_tree.hpp"

#include "runtime/handlers/pidfd.hpp"
#include "runtime/handlers/procfs.hpp"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <unordered_set>

namespace overwatch {

namespace {

using std::chrono::steady_clock;

constexpr size_t max_environment_bytes = 256 * 1024; // the mark is among the first entries
constexpr milliseconds max_patience{20};             // of one look at all processes

/// Reads an environment. It is empty for a moment while a process replaces its program, so an empty one is read again
/// as long as `patience` lasts: one that is about to become a daemon would be missed. Nothing when the process is gone,
/// or not ours to look at.
std::optional<std::string> environment_of(pid_t pid, milliseconds& patience) {
  auto path = "/proc/" + std::to_string(pid) + "/environ";
  auto result = procfs::read_file(path, max_environment_bytes);
  for (; result && result->empty() && patience.count() > 0; --patience) {
    ::poll(nullptr, 0, 1);
    result = procfs::read_file(path, max_environment_bytes);
  }
  return result;
}

bool carries(pid_t pid, std::string_view mark, milliseconds& patience) {
  auto environment = environment_of(pid, patience);
  if (!environment)
    return false;
  std::string_view rest = *environment;
  while (!rest.empty()) {
    auto end = std::min(rest.find('\0'), rest.size());
    if (rest.substr(0, end) == mark)
      return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

bool is_dead(const procfs::process_stat& process) {
  return process.state == 'Z' || process.state == 'X';
}

std::vector<procfs::process_stat> members(const process_tree& tree) {
  auto leader = procfs::read_process_stat(tree.leader);
  auto oldest = leader ? leader->start_ticks : 0;
  std::vector<procfs::process_stat> result;
  std::vector<procfs::process_stat> others;
  std::unordered_set<pid_t> ids;
  auto patience = max_patience;
  if (leader)
    ids.insert(tree.leader);
  for (auto pid : procfs::process_ids()) {
    auto process = procfs::read_process_stat(pid);
    if (!process || is_dead(*process) || process->start_ticks < oldest)
      continue;
    if (process->group == tree.leader || process->session == tree.leader || carries(pid, tree.mark, patience)) {
      ids.insert(pid);
      result.push_back(std::move(*process));
    } else {
      others.push_back(std::move(*process));
    }
  }
  for (auto grown = true; grown;) { // children of members, whatever they did to their environment
    grown = false;
    for (auto& process : others) {
      if (ids.count(process.parent) == 0 || !ids.insert(process.pid).second)
        continue;
      result.push_back(process);
      grown = true;
    }
  }
  return result;
}

bool ends_before(const owned_fd& process, steady_clock::time_point until) {
  for (;;) {
    auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now()).count();
    pollfd waited{process.get(), POLLIN, 0};
    auto n = ::poll(&waited, 1, static_cast<int>(std::max<int64_t>(left, 0)));
    if (n >= 0 || errno != EINTR)
      return n > 0;
  }
}

} // namespace

std::vector<owned_fd> process_tree::signal_all(int signal) const {
  std::vector<owned_fd> result;
  for (const auto& member : members(*this)) {
    auto handle = open_process(member.pid);
    if (!handle)
      continue;
    // The id may have gone to another process since it was read; the handle cannot.
    auto again = procfs::read_process_stat(member.pid);
    if (!again || again->start_ticks != member.start_ticks)
      continue;
    signal_process(handle, signal);
    result.push_back(std::move(handle));
  }
  return result;
}

size_t process_tree::kill_all(milliseconds limit, std::vector<owned_fd> known) const {
  auto until = steady_clock::now() + limit;
  auto dying = std::move(known);
  for (const auto& handle : dying)
    signal_process(handle, SIGKILL);
  for (;;) {
    for (auto& handle : signal_all(SIGKILL))
      dying.push_back(std::move(handle));
    if (dying.empty())
      return 0;
    dying.erase(std::remove_if(dying.begin(), dying.end(), [until](const auto& x) { return ends_before(x, until); }),
                dying.end());
    if (!dying.empty())
      return dying.size(); // the limit has passed
    if (steady_clock::now() >= until)
      return signal_all(SIGKILL).size();
  }
}

} // namespace overwatch
