#include "runtime/maintenance/program.hpp"

#include "runtime/handlers/owned_fd.hpp"
#include "runtime/handlers/process.hpp"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

namespace overwatch::maintenance {

namespace {

constexpr const char* search_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Becomes readable when the attempt shall stop or `limit` has passed.
class stop_or_limit {
public:
  stop_or_limit(int stop_fd, milliseconds limit)
    : timer_{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)}, either_{::epoll_create1(EPOLL_CLOEXEC)} {
    struct itimerspec when {};
    when.it_value.tv_sec = limit.count() / 1000;
    when.it_value.tv_nsec = limit.count() % 1000 * 1'000'000;
    ::timerfd_settime(timer_.get(), 0, &when, nullptr);
    struct epoll_event readable {};
    readable.events = EPOLLIN;
    ::epoll_ctl(either_.get(), EPOLL_CTL_ADD, timer_.get(), &readable);
    ::epoll_ctl(either_.get(), EPOLL_CTL_ADD, stop_fd, &readable);
  }

  int fd() const { return either_.get(); }

private:
  owned_fd timer_;
  owned_fd either_;
};

void keep(std::string& text, std::string_view bytes) {
  text.append(bytes.substr(0, max_program_output - std::min(max_program_output, text.size())));
}

} // namespace

std::string program_answer::complaint() const {
  const auto& text = errors.empty() ? output : errors;
  auto line = text.substr(0, text.find('\n'));
  return line.empty() ? "exit status " + std::to_string(exit_status) : line;
}

std::string find_program(const std::string& name) {
  std::string_view rest{search_path};
  while (!rest.empty()) {
    auto end = std::min(rest.find(':'), rest.size());
    auto path = std::string{rest.substr(0, end)} + "/" + name;
    if (::access(path.c_str(), X_OK) == 0)
      return path;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

program_answer ask_program(const attempt_context& attempt, std::vector<std::string> argv, milliseconds limit) {
  program_answer result;
  auto name = argv.front();
  argv.front() = find_program(name);
  result.missing = argv.front().empty();
  if (result.missing) {
    result.problem = name + " is not installed";
    return result;
  }
  process_options options;
  options.argv = std::move(argv);
  options.environment = {{"PATH", search_path}, {"LC_ALL", "C.UTF-8"}};
  options.directory = "/";
  process program;
  result.problem = program.start(options);
  if (!result.problem.empty())
    return result;
  stop_or_limit stop{attempt.stop_fd(), limit};
  auto end = program.run(stop.fd(), [&](process::stream from, std::string_view bytes) {
    keep(from == process::stream::output ? result.output : result.errors, bytes);
  });
  if (end.stopped)
    result.problem =
      attempt.stopping() ? "stopped" : name + " had no answer after " + std::to_string(limit.count() / 1000) + " s";
  else if (end.signal != 0)
    result.problem = name + " was ended by signal " + std::to_string(end.signal);
  result.exit_status = end.exit_status;
  return result;
}

} // namespace overwatch::maintenance
