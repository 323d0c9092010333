#pragma once

#include "http/body_deadlines.hpp"
#include "http/response.hpp"
#include "messages/time.hpp"

#include <atomic>
#include <optional>
#include <string>
#include <string_view>

struct mg_connection;
struct mg_request_info;

namespace overwatch::http {

/// Bytes of bodies that are in memory at once, over all connections.
class body_budget {
public:
  explicit body_budget(size_t limit) : limit_{limit} {}

  bool take(size_t bytes) {
    if (used_.fetch_add(bytes) + bytes <= limit_)
      return true;
    used_.fetch_sub(bytes);
    return false;
  }
  void give_back(size_t bytes) { used_.fetch_sub(bytes); }

private:
  const size_t limit_;
  std::atomic<size_t> used_{0};
};

/// A body that holds its share of the budget.
class received_body {
public:
  explicit received_body(body_budget& budget) : budget_{budget} {}
  received_body(const received_body&) = delete;
  received_body& operator=(const received_body&) = delete;
  ~received_body() { budget_.give_back(taken_); }

  /// Makes room for more; false when the budget is used up.
  bool grow(size_t bytes) {
    if (!budget_.take(bytes))
      return false;
    taken_ += bytes;
    return true;
  }

  std::string text;

private:
  body_budget& budget_;
  size_t taken_ = 0;
};

/// One request on a connection of CivetWeb's: what the library leaves to its user. Used by one thread.
class connection {
public:
  explicit connection(mg_connection* raw);

  std::string_view method() const;
  std::string_view path() const; ///< as sent, not decoded
  std::string_view query_text() const;
  std::string_view header(const char* name) const; ///< empty when absent
  std::string_view remote_address() const;

  /// Refuses what two readers could understand differently: lengths that are no numbers, doubled or beside
  /// chunks, no or two hosts, more headers than CivetWeb keeps.
  std::optional<response> check() const;

  /// Reads the body, if there is one. Refuses what is longer than `limit` (413), slower than `timeout` (408),
  /// shorter than announced (400), or too much with the others' (503).
  std::optional<response> read_body(size_t limit, milliseconds timeout, body_deadlines& deadlines, received_body& out);

  /// Sends an answer in one write.
  void send(const response& x);

  /// Sends the head of an answer without length, and what its stream writes; then the connection ends.
  void send_stream(const response& x, const std::atomic<bool>& stopping);

  /// Reads and drops what a client still sends, for a short time, so that it sees the answer and no reset.
  void drain();

private:
  bool has_body() const;
  bool keeps_alive() const;
  std::optional<response> read_chunks(size_t limit, milliseconds timeout, received_body& out);
  std::string head(const response& x, bool keep) const;

  mg_connection* raw_;
  const mg_request_info* info_;
};

} // namespace overwatch::http
