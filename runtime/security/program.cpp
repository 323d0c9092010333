#include "runtime/security/program.hpp"

#include "runtime/handlers/output_lines.hpp"
#include "runtime/handlers/process.hpp"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace overwatch::security {

namespace {

constexpr size_t max_error_bytes = 300;

owned_fd timer_of(milliseconds limit) {
  owned_fd timer{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
  itimerspec when{};
  when.it_value.tv_sec = limit.count() / 1000;
  when.it_value.tv_nsec = limit.count() % 1000 * 1'000'000 + 1;
  if (timer)
    ::timerfd_settime(timer.get(), 0, &when, nullptr);
  return timer;
}

// Readable when one of them is: an epoll descriptor can be polled itself.
owned_fd either(int first, int second) {
  owned_fd result{::epoll_create1(EPOLL_CLOEXEC)};
  for (auto fd : {first, second}) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (result && fd >= 0)
      ::epoll_ctl(result.get(), EPOLL_CTL_ADD, fd, &event);
  }
  return result;
}

std::string last_line(const std::string& text) {
  auto end = text.find_last_not_of(" \r\n");
  if (end == std::string::npos)
    return {};
  auto begin = text.rfind('\n', end);
  begin = begin == std::string::npos ? 0 : begin + 1;
  return valid_utf8(text.substr(begin, end + 1 - begin), max_error_bytes);
}

} // namespace

std::string find_program(const std::string& name) {
  for (const std::string directory :
       {"/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"})
    if (::access((directory + name).c_str(), X_OK) == 0)
      return directory + name;
  return {};
}

program_result run_program(const scan& s, std::vector<std::string> argv, milliseconds limit) {
  program_result result;
  auto name = argv.front();
  auto timer = timer_of(limit);
  auto stop = either(s.control.stop_fd, timer.get());
  if (!timer || !stop)
    return {name + ": " + std::generic_category().message(errno), {}};
  process_options options;
  options.argv = std::move(argv);
  for (const auto* variable : {"http_proxy", "https_proxy", "no_proxy"})
    if (const auto* value = std::getenv(variable); value != nullptr)
      options.environment[variable] = value;
  process program;
  if (auto error = program.start(options); !error.empty())
    return {name + ": " + error, {}};
  std::string errors;
  auto end = program.run(stop.get(), [&](process::stream from, std::string_view bytes) {
    auto& into = from == process::stream::output ? result.output : errors;
    auto most = from == process::stream::output ? program_result::max_output_bytes : 64 * 1024;
    into += bytes.substr(0, most - std::min(into.size(), most));
  });
  s.stop_if_told();
  if (end.stopped)
    result.error = name + " had not ended after " + std::to_string(limit.count() / 1000) + " s";
  else if (!end.succeeded())
    result.error = name + " failed" + (errors.empty() ? "" : ": " + last_line(errors));
  return result;
}

} // namespace overwatch::security
