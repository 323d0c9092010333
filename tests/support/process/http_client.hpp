#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace overwatch::support {

/// The connection failed, or the answer did not come in time. What became of the request is unknown.
class http_error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct http_answer {
  int status = 0;
  std::string head; ///< status line and header fields
  std::string body;

  /// The value of a header field, empty when there is none. `name` in any case.
  std::string_view header(std::string_view name) const;
};

/// Finds a header field in `head` (everything before the empty line).
std::string_view find_header(std::string_view head, std::string_view name);

/// The text of one HTTP/1.1 request to the loopback address, with Content-Length.
std::string http_request_text(std::string_view method, std::string_view path, std::string_view content_type = {},
                              std::string_view body = {});

/// A connected TCP socket to 127.0.0.1 with TCP_NODELAY; throws http_error. The caller closes it.
int connect_to_loopback(uint16_t port);

/// One keep-alive connection to 127.0.0.1 that does one request after the other and blocks. One thread.
/// Understands what the node sends: answers with Content-Length.
class http_client {
public:
  explicit http_client(uint16_t port, std::chrono::milliseconds timeout = std::chrono::seconds{30});
  ~http_client();

  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  /// Throws http_error.
  http_answer send(std::string_view request_text);

  http_answer get(std::string_view path) { return send(http_request_text("GET", path)); }
  http_answer post(std::string_view path, std::string_view body = {},
                   std::string_view content_type = "application/json") {
    return send(http_request_text("POST", path, content_type, body));
  }

  /// The body of a GET whose answer must be 200; http_error otherwise.
  std::string fetch(const std::string& path);

private:
  void connect();
  void disconnect();
  void transmit(std::string_view text);
  size_t receive(); // appends to buffer_; 0 at the end of the connection

  uint16_t port_;
  std::chrono::milliseconds timeout_;
  int fd_ = -1;
  std::string buffer_;
  std::chrono::steady_clock::time_point last_use_;
};

} // namespace overwatch::support
