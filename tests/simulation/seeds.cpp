#include "tests/simulation/seeds.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace overwatch::simulation {

namespace {

constexpr rlim_t seconds_for_batch = 120; ///< of processor time; then the process is ended: a run hangs

constexpr size_t max_reason = 6'000; ///< bytes: its end says what went wrong

void write_all(int fd, const std::string& text) {
  size_t done = 0;
  while (done < text.size()) {
    auto n = ::write(fd, text.data() + done, text.size() - done);
    if (n <= 0)
      ::_exit(2);
    done += static_cast<size_t>(n);
  }
}

// In the child: a line before each seed and one after it. What libraries write goes to the same pipe.
[[noreturn]] void run_batch(int out, uint64_t first, uint64_t last, const std::function<std::string(uint64_t)>& run) {
  rlimit limit{seconds_for_batch, seconds_for_batch};
  ::setrlimit(RLIMIT_CPU, &limit);
  ::dup2(out, STDERR_FILENO);
  for (auto seed = first; seed < last; ++seed) {
    write_all(out, "seed " + std::to_string(seed) + "\n");
    try {
      write_all(out, "done " + run(seed) + "\n");
    } catch (const std::exception& x) {
      write_all(out, std::string{x.what()} + "\n");
      ::_exit(1);
    }
  }
  ::_exit(0);
}

std::string read_all(int fd) {
  std::string result;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof(buffer))) > 0;)
    result.append(buffer, static_cast<size_t>(n));
  return result;
}

// Reads what a batch wrote.
void take_lines(const std::string& text, bool failed, seeds_result& result,
                const std::function<void(const std::string&)>& report) {
  failed_seed newest;
  for (size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    auto line = text.substr(at, end - at);
    at = end + 1;
    if (line.rfind("seed ", 0) == 0) {
      newest = {std::strtoull(line.c_str() + 5, nullptr, 10), {}};
    } else if (line.rfind("done ", 0) == 0) {
      ++result.done;
      if (report)
        report(line.substr(5));
    } else {
      newest.reason += line + "\n";
      if (newest.reason.size() > max_reason)
        newest.reason.erase(0, newest.reason.find('\n', newest.reason.size() - max_reason) + 1);
    }
  }
  if (failed)
    result.failure = newest;
}

} // namespace

seeds_result run_seeds(uint64_t first, uint64_t count, std::chrono::seconds limit,
                       const std::function<std::string(uint64_t seed)>& run,
                       const std::function<void(const std::string&)>& report, uint64_t batch) {
  seeds_result result;
  auto end = std::chrono::steady_clock::now() + limit;
  for (auto seed = first; seed < first + count && std::chrono::steady_clock::now() < end; seed += batch) {
    int fds[2];
    if (::pipe(fds) != 0)
      throw std::runtime_error{"no pipe for a batch of seeds"};
    auto child = ::fork();
    if (child < 0)
      throw std::runtime_error{"no process for a batch of seeds"};
    if (child == 0) {
      ::close(fds[0]);
      run_batch(fds[1], seed, std::min(seed + batch, first + count), run);
    }
    ::close(fds[1]);
    auto text = read_all(fds[0]);
    ::close(fds[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    auto failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    if (failed && WIFSIGNALED(status))
      text += "ended by signal " + std::to_string(WTERMSIG(status)) + "\n";
    take_lines(text, failed, result, report);
    if (failed)
      break;
  }
  return result;
}

} // namespace overwatch::simulation
