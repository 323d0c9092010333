#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

/// What came back.
struct http_reply {
  int status = 0; ///< 0: the connection ended before an answer
  std::map<std::string, std::string> headers; ///< names in lower case
  std::string body;
};

/// A socket that says exactly what it is told. Reads wait at most 10 s.
class raw_client {
public:
  explicit raw_client(uint16_t port);
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;
  ~raw_client();

  void send(std::string_view bytes);

  /// One answer. `head_only`: it has no body although it has a length.
  http_reply read(bool head_only = false);

  /// All that comes until `text` has come; what was read before it stays readable.
  std::string read_until(std::string_view text);

  /// True when the server ends the connection.
  bool ended();

  /// Sends a well-formed request and reads its answer.
  http_reply request(const std::string& method, const std::string& target, const std::string& body = {},
                     const std::string& headers = {});

private:
  bool fill();

  int fd_;
  std::string buffer_;
};

/// One request on a connection of its own.
http_reply fetch(uint16_t port, const std::string& method, const std::string& target, const std::string& body = {},
                 const std::string& headers = {});
