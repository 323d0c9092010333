#pragma once

#include "messages/time.hpp"
#include "runtime/cli/console.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace overwatch::cli {

struct rest_reply {
  long status = 0;
  std::map<std::string, std::string> headers; ///< names in lower case
  std::string body;

  bool good() const { return status >= 200 && status < 300; }
};

/// Speaks to one node's REST API. Connections are kept between requests. Not thread-safe.
///
/// All members throw `command_failure`: `unreachable` when nothing answers, `server` when the answer takes
/// too long, `usage` when the URL is none.
class rest_client {
public:
  static constexpr milliseconds connect_timeout{3000};
  static constexpr const char* json_type = "application/json";
  static constexpr const char* bytes_type = "application/octet-stream";
  static constexpr size_t max_reply_bytes = 256 * 1024 * 1024;

  /// `url` is `http://host:port`; without a scheme it means http. `timeout` bounds each request.
  rest_client(std::string url, milliseconds timeout);

  /// Sends a request for `path` under `/api/overwatch` and returns any answer, good or bad. `longer` is added
  /// to the timeout, for requests that the node holds back on purpose.
  rest_reply send(const std::string& method, const std::string& path, const std::string& body = {},
                  milliseconds longer = {}, const char* media_type = json_type) const;

  /// `send`, but an answer that is not good is thrown as `failure_of`.
  rest_reply request(const std::string& method, const std::string& path, const std::string& body = {},
                     milliseconds longer = {}, const char* media_type = json_type) const;

  /// Reads an endless answer piece by piece until the node ends it, `on_data` returns false or `stop` becomes
  /// true (checked at least each second). The timeout bounds only the connect.
  rest_reply stream(const std::string& path, const std::function<bool(std::string_view)>& on_data,
                    const std::atomic<bool>& stop) const;

  const std::string& url() const { return url_; }

private:
  struct handle_closer {
    void operator()(void* handle) const;
  };

  void prepare(const std::string& method, const std::string& path) const;

  std::string url_;
  milliseconds timeout_;
  std::unique_ptr<void, handle_closer> handle_;
};

/// What an answer that is not good means for the command: the node's message, the fields at fault, and when
/// to try again; 4xx is `refused`, the rest `server`.
command_failure failure_of(const rest_reply& reply);

} // namespace overwatch::cli
