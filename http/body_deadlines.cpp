#include "http/body_deadlines.hpp"

#include <dirent.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>
#include <memory>

namespace overwatch::http {

namespace {

using clock = std::chrono::steady_clock;

struct address {
  std::string host;
  int port = 0;
};

// `ask` is getpeername or getsockname. Port 0: `fd` is no connection over IP.
template <class Ask>
address address_of(int fd, Ask ask) {
  sockaddr_storage raw{};
  socklen_t size = sizeof(raw);
  if (ask(fd, reinterpret_cast<sockaddr*>(&raw), &size) != 0 || (raw.ss_family != AF_INET && raw.ss_family != AF_INET6))
    return {};
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (::getnameinfo(reinterpret_cast<sockaddr*>(&raw), size, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return {};
  return {host, std::atoi(port)};
}

void end_reading(const body_deadlines::ends& x) {
  std::unique_ptr<DIR, int (*)(DIR*)> files{::opendir("/proc/self/fd"), ::closedir};
  if (!files)
    return;
  while (const auto* entry = ::readdir(files.get())) {
    int fd = std::atoi(entry->d_name);
    auto remote = address_of(fd, ::getpeername);
    if (remote.port == x.remote_port && remote.host == x.remote_address &&
        address_of(fd, ::getsockname).port == x.local_port)
      ::shutdown(fd, SHUT_RD);
  }
}

} // namespace

body_deadlines::watched::watched(body_deadlines& owner, ends where, milliseconds limit)
  : owner_{owner}, ends_{std::move(where)}, deadline_{clock::now() + limit} {
  std::lock_guard lock{owner_.mutex_};
  place_ = owner_.bodies_.insert(owner_.bodies_.end(), this);
}

body_deadlines::watched::~watched() {
  std::lock_guard lock{owner_.mutex_};
  owner_.bodies_.erase(place_);
}

body_deadlines::body_deadlines() : thread_{[this] { run(); }} {}

body_deadlines::~body_deadlines() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  stopped_.notify_one();
  thread_.join();
}

// It looks now and then instead of at each deadline: waking it for each body would cost every request.
void body_deadlines::run() {
  std::unique_lock lock{mutex_};
  while (!stopped_.wait_for(lock, precision, [this] { return stopping_; })) {
    auto time = clock::now();
    for (const auto* body : bodies_) // with the lock: none of them can end and give its socket away
      if (body->deadline_ <= time)
        end_reading(body->ends_);
  }
}

} // namespace overwatch::http
