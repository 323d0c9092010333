#include "tests/bench/load_generator.hpp"

#include "tests/bench/interrupt.hpp"
#include "tests/support/process/http_client.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace overwatch::bench {

namespace {

using clock = std::chrono::steady_clock;

/// A server may close connections that idle; one that idled longer than this is opened anew.
constexpr std::chrono::milliseconds trusted_idle{200};
constexpr size_t receive_bytes = 256 * 1024;

struct connection {
  int fd = -1;
  bool in_flight = false;
  std::string_view rest; // of the request, not yet sent
  std::string input;
  size_t answer_size = 0; // head and body; 0 while the head is incomplete
  size_t head_size = 0;
  int status = 0;
  clock::time_point since; // of the request, then of its answer
};

class generator {
public:
  generator(const load_options& options, load_script& script)
    : options_{options}, script_{script}, connections_(options.connections),
      buffer_(receive_bytes, 0), epoll_{epoll_create1(EPOLL_CLOEXEC)} {
    if (epoll_ < 0)
      throw std::system_error{errno, std::generic_category(), "epoll_create1"};
  }

  generator(const generator&) = delete;
  generator& operator=(const generator&) = delete;

  ~generator() {
    for (auto& x : connections_)
      if (x.fd >= 0)
        close(x.fd);
    close(epoll_);
  }

  load_result run() {
    auto start = clock::now();
    measure_from_ = start + options_.warm_up;
    measure_to_ = options_.duration.count() > 0 ? measure_from_ + options_.duration : clock::time_point::max();
    last_answer_ = start;
    auto next_tick = start + options_.tick_interval;
    fill_idle(start);
    while (in_flight_ > 0 || may_send(clock::now())) {
      wait_for_answers(next_tick);
      if (auto now = clock::now(); now >= next_tick) {
        check_interrupted();
        script_.tick();
        next_tick = clock::now() + options_.tick_interval;
        fill_idle(clock::now());
        if (in_flight_ > 0 && now - last_answer_ > options_.answer_limit)
          throw std::runtime_error{"no answer for " + std::to_string(options_.answer_limit.count()) + " s"};
      }
    }
    auto end = std::min(measure_to_, last_answer_);
    result_.seconds = std::chrono::duration<double>(end - measure_from_).count();
    return std::move(result_);
  }

private:
  bool may_send(clock::time_point now) const { return !server_ended_ && now < measure_to_ && !script_.finished(); }

  void fill_idle(clock::time_point now) {
    for (auto& x : connections_)
      if (!x.in_flight && !send_next(x, now))
        return;
  }

  void open(connection& x) {
    x.fd = support::connect_to_loopback(options_.port);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &x;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, x.fd, &event);
  }

  // False when the script has nothing to send now.
  bool send_next(connection& x, clock::time_point now) {
    if (!may_send(now))
      return false;
    auto text = script_.next();
    if (text.empty())
      return false;
    if (x.fd >= 0 && now - x.since > trusted_idle) {
      close(x.fd);
      x.fd = -1;
    }
    if (x.fd < 0)
      open(x);
    x.in_flight = true;
    ++in_flight_;
    x.rest = text;
    x.since = now;
    send_rest(x);
    return true;
  }

  void send_rest(connection& x) {
    while (!x.rest.empty()) {
      auto count = send(x.fd, x.rest.data(), x.rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0 && errno == EAGAIN) {
        watch(x, EPOLLIN | EPOLLOUT);
        return;
      }
      if (count < 0) {
        lose(x);
        return;
      }
      x.rest.remove_prefix(static_cast<size_t>(count));
    }
  }

  // The connection ended with a request in flight.
  void lose(connection& x) {
    if (!options_.server_may_end)
      throw std::runtime_error{"the server closed a connection with a request in flight"};
    close(x.fd);
    x.fd = -1;
    x.in_flight = false;
    x.rest = {};
    --in_flight_;
    server_ended_ = true;
  }

  void watch(connection& x, uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.ptr = &x;
    epoll_ctl(epoll_, EPOLL_CTL_MOD, x.fd, &event);
  }

  void wait_for_answers(clock::time_point until) {
    epoll_event events[64];
    auto wait = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
    int count = epoll_wait(epoll_, events, 64, static_cast<int>(std::max<int64_t>(0, wait)));
    for (int i = 0; i < count; ++i) {
      auto& x = *static_cast<connection*>(events[i].data.ptr);
      if ((events[i].events & EPOLLOUT) != 0) {
        send_rest(x);
        if (x.rest.empty() && x.fd >= 0)
          watch(x, EPOLLIN);
      }
      if ((events[i].events & ~static_cast<uint32_t>(EPOLLOUT)) != 0 && x.fd >= 0)
        read_answer(x);
    }
  }

  void read_answer(connection& x) {
    auto count = recv(x.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN)
      return;
    if (count <= 0 && !x.in_flight) { // the server closed an idle connection
      close(x.fd);
      x.fd = -1;
      return;
    }
    if (count <= 0) {
      lose(x);
      return;
    }
    std::string_view bytes{buffer_.data(), static_cast<size_t>(count)};
    if (!x.input.empty()) { // rare for small answers: they come in one piece and are not copied
      x.input.append(bytes);
      bytes = x.input;
    }
    if (x.answer_size == 0)
      read_head(x, bytes);
    if (x.answer_size == 0 || bytes.size() < x.answer_size) {
      if (x.input.empty())
        x.input.assign(bytes);
      return;
    }
    auto now = clock::now();
    last_answer_ = now;
    if (now >= measure_from_ && now < measure_to_) {
      ++result_.answers;
      result_.latencies.add(now - x.since);
    }
    script_.answered(x.status, bytes.substr(x.head_size, x.answer_size - x.head_size));
    x.input.clear();
    x.answer_size = 0;
    x.in_flight = false;
    --in_flight_;
    x.since = now;
    send_next(x, now);
  }

  static void read_head(connection& x, std::string_view bytes) {
    auto end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos)
      return;
    auto head = bytes.substr(0, end + 2);
    auto length_text = support::find_header(head, "content-length");
    size_t length = 0;
    auto status = std::from_chars(head.data() + std::min<size_t>(9, end), head.data() + end, x.status);
    auto parsed = std::from_chars(length_text.data(), length_text.data() + length_text.size(), length);
    if (status.ec != std::errc{} || parsed.ec != std::errc{})
      throw std::runtime_error{"not an answer with a status and a Content-Length: " + std::string{head}};
    x.head_size = end + 4;
    x.answer_size = x.head_size + length;
  }

  const load_options& options_;
  load_script& script_;
  std::vector<connection> connections_;
  std::string buffer_;
  int epoll_;
  size_t in_flight_ = 0;
  bool server_ended_ = false;
  clock::time_point measure_from_;
  clock::time_point measure_to_;
  clock::time_point last_answer_;
  load_result result_;
};

} // namespace

load_result run_load(const load_options& options, load_script& script) { return generator{options, script}.run(); }

} // namespace overwatch::bench
