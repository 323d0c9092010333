#pragma once

#include "messages/time.hpp"

#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <string>
#include <thread>

namespace overwatch::http {

/// Ends the reading side of connections whose body is late. CivetWeb waits for a piece of a body as long as single
/// bytes keep coming, so a client that drips would hold its thread for as long as it likes; and it does not
/// tell the socket, which is therefore looked up by its addresses once the body is late. Thread-safe.
class body_deadlines {
public:
  /// How exact a deadline is.
  static constexpr milliseconds precision{500};

  /// The two ends of a connection.
  struct ends {
    std::string remote_address;
    int remote_port = 0;
    int local_port = 0;
  };

  /// A body that is being read on a connection, as long as it lives; nobody else may close the connection meanwhile.
  class watched {
  public:
    watched(body_deadlines& owner, ends where, milliseconds limit);
    ~watched();
    watched(const watched&) = delete;
    watched& operator=(const watched&) = delete;

  private:
    friend class body_deadlines;
    body_deadlines& owner_;
    ends ends_;
    std::chrono::steady_clock::time_point deadline_;
    std::list<watched*>::iterator place_;
  };

  body_deadlines();
  ~body_deadlines();
  body_deadlines(const body_deadlines&) = delete;
  body_deadlines& operator=(const body_deadlines&) = delete;

private:
  void run();

  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::list<watched*> bodies_;
  std::thread thread_;
};

} // namespace overwatch::http
