#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace overwatch::cli {

/// Stands for a node's HTTP side: gives canned answers on a thread and remembers what was asked. One
/// connection per request.
class stub_node {
public:
  struct answer {
    int status = 200;
    std::string body = {};
    std::string headers = {}; ///< each line ends with \r\n
    bool silent = false;      ///< never answers
  };

  struct request {
    std::string method;
    std::string target; ///< without /api/overwatch
    std::string headers;
    std::string body = {};
  };

  /// Listens on `port` of 127.0.0.1; 0: any free one.
  explicit stub_node(uint16_t port = 0);
  ~stub_node();

  /// What requests like `GET /status` are answered. Several answers are given in turn, the last one for ever.
  /// Without one the answer is 404.
  void on(const std::string& method_and_target, answer x);

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  uint16_t port() const { return port_; }

  std::vector<request> requests() const;

  /// The newest request that began so; fails the test when there is none.
  request last(const std::string& method_and_target) const;

private:
  void serve();
  void serve_one(int connection);
  answer answer_for(const request& asked);

  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<answer>> answers_;
  std::vector<request> requests_;
  std::thread thread_;
};

} // namespace overwatch::cli
