#pragma once

#include "messages/actors.hpp"

#include <caf/expected.hpp>
#include <caf/fwd.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace overwatch {

struct http_options {
  std::string address = "127.0.0.1"; ///< of one interface; IPv6 without brackets
  uint16_t port = 8765;              ///< 0: any free one
  uint32_t threads = 256;            ///< connections served at once; each costs a stack of 100 KB. More wait their turn
  uint32_t max_long_requests = 192;  ///< event streams and waits at once; keep it below `threads`
  size_t max_body_bytes = 64u * 1024 * 1024;       ///< of a batch; other requests: at most 8 MiB of it
  std::chrono::milliseconds request_timeout{30'000}; ///< for a whole body to arrive, and for an answer of the runtime
  std::chrono::milliseconds event_heartbeat{15'000}; ///< an event stream is never silent for longer
  std::string version;
  std::map<std::string, std::string>
    restart_settings; ///< shown by GET /config; a PUT of one says that it needs a restart
  std::function<void(log_level, std::string)> log;     ///< called from any thread; may be empty
};

/// Serves the HTTP API of `http/README.md` by asking a gateway. Own threads; thread-safe.
class http_server {
public:
  /// Listens at once. Fails with `ec::conflict` when the port is taken, `ec::invalid` when the address is wrong.
  static caf::expected<std::unique_ptr<http_server>> start(caf::actor_system& system, gateway_actor gateway,
                                                           http_options options);

  ~http_server(); ///< stops

  /// Where it listens.
  uint16_t port() const;

  /// Ends waiting requests with 503 and event streams; returns when all threads are gone, in 3 s at most unless
  /// a client that does not read keeps one in a write (then up to 5 s).
  void stop();

private:
  class state;
  explicit http_server(std::unique_ptr<state> x);

  std::unique_ptr<state> state_;
};

} // namespace overwatch
