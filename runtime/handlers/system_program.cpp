#include "runtime/handlers/system_program.hpp"

#include "runtime/handlers/output_lines.hpp"
#include "runtime/handlers/owned_fd.hpp"
#include "runtime/handlers/process.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

namespace overwatch {

namespace {

constexpr const char* search_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr size_t max_complaint_bytes = 300;

/// Becomes readable when its time has passed, or another descriptor is.
class time_limit {
public:
  time_limit(int stop_fd, milliseconds limit)
    : timer_{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)}, either_{::epoll_create1(EPOLL_CLOEXEC)} {
    itimerspec when{};
    when.it_value.tv_sec = limit.count() / 1000;
    when.it_value.tv_nsec = limit.count() % 1000 * 1'000'000 + 1;
    ::timerfd_settime(timer_.get(), 0, &when, nullptr);
    for (auto fd : {timer_.get(), stop_fd}) {
      epoll_event event{};
      event.events = EPOLLIN;
      if (fd >= 0)
        ::epoll_ctl(either_.get(), EPOLL_CTL_ADD, fd, &event);
    }
  }

  bool works() const { return timer_ && either_; }
  int fd() const { return either_.get(); }
  bool passed() const {
    pollfd x{timer_.get(), POLLIN, 0};
    return ::poll(&x, 1, 0) > 0;
  }

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
  auto end = text.find_last_not_of(" \r\n");
  if (end == std::string::npos)
    return "exit status " + std::to_string(exit_status);
  auto begin = text.rfind('\n', end);
  begin = begin == std::string::npos ? 0 : begin + 1;
  return valid_utf8(std::string_view{text}.substr(begin, end + 1 - begin), max_complaint_bytes);
}

std::string find_system_program(const std::string& name) {
  if (name.front() == '/')
    return ::access(name.c_str(), X_OK) == 0 ? name : std::string{};
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

program_answer ask_program(int stop_fd, std::vector<std::string> argv, milliseconds limit,
                           std::map<std::string, std::string> environment) {
  program_answer result;
  auto name = argv.front();
  argv.front() = find_system_program(name);
  result.missing = argv.front().empty();
  if (result.missing) {
    result.problem = name + " is not installed";
    return result;
  }
  time_limit stop{stop_fd, limit};
  if (!stop.works()) {
    result.problem = name + " was not started: the node has too many files open";
    return result;
  }
  process_options options;
  options.argv = std::move(argv);
  options.environment = std::move(environment);
  options.environment.insert({{"PATH", search_path}, {"LC_ALL", "C.UTF-8"}});
  options.directory = "/";
  process program;
  if (auto error = program.start(options); !error.empty()) {
    result.problem = name + ": " + error;
    return result;
  }
  auto end = program.run(stop.fd(), [&](process::stream from, std::string_view bytes) {
    keep(from == process::stream::output ? result.output : result.errors, bytes);
  });
  if (end.stopped)
    result.problem =
      stop.passed() ? name + " had no answer after " + std::to_string(limit.count() / 1000) + " s" : "stopped";
  else if (end.signal != 0)
    result.problem = name + " was ended by signal " + std::to_string(end.signal);
  result.exit_status = end.exit_status;
  return result;
}

} // namespace overwatch
