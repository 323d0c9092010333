#pragma once

#include "messages/actors.hpp"
#include "messages/client/remote_attempt.hpp"

#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

/// What a program needs to work with Overwatch from outside: `find_package(overwatch)`, target `overwatch::client`.
namespace overwatch {

struct client_options {
  std::vector<std::string> addresses; ///< `host:port` of the nodes' CAF ports; one is used, the others are spare
  std::string name;                   ///< of this program, for people; empty: host and process
  milliseconds timeout{30'000};       ///< of a call: over reconnects and further tries

  // Mutual TLS, when the nodes want it: files in PEM form. All three or none.
  std::string certificate;
  std::string key;
  std::string ca;
};

/// Why a call failed. `what().code`: see `ec`.
class client_error : public std::runtime_error {
public:
  explicit client_error(failure what) : std::runtime_error{what.message}, what_{std::move(what)} {}
  const failure& reason() const { return what_; }

private:
  failure what_;
};

class client_connection; // the actor inside

/// Ends what it stands for when it is destroyed: a watch.
class subscription {
public:
  explicit subscription(std::function<void()> end) : end_{std::move(end)} {}
  subscription(subscription&&) noexcept;
  subscription& operator=(subscription&&) noexcept;
  ~subscription() { end(); }

  /// Returns when no callback runs any more. Not from a callback of its own.
  void end();

private:
  std::function<void()> end_;
};

/// A connection to a cluster that mends itself. Thread-safe; every call blocks for at most `timeout`, unless it returns
/// a future. Errors are thrown as `client_error`, also by futures.
///
/// While no node answers, calls wait and are tried again. What could be done twice by that is not: a task gets its id
/// here, so a repeated submit finds the first one. A conditional change of a key, and `retry`, are not repeated once
/// they may have reached a node: `ec::timed_out` says that their fate is unknown.
class client {
public:
  explicit client(client_options options);

  /// Leaves and waits as `leave` does, without limit of time for handlers that were told to stop.
  ~client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  // -- tasks --

  /// Returns when the task is durable. A task that is refused is a `client_error` with the field.
  submit_receipt submit(task_spec spec, std::string payload = "{}");

  /// 1 to 10,000 tasks; one receipt each, which may hold an error. An id in a spec may be nil.
  std::future<submit_reply> submit_all(std::vector<submission> tasks);

  task_record get(const task_id& id);

  /// The task once it has ended, or as it is after `limit`.
  task_record wait(const task_id& id, milliseconds limit);

  task_record cancel(const task_id& id, std::string reason);

  /// Submits a finished task again.
  submit_receipt retry(const task_id& id);

  // -- keys --

  key_record get_key(const std::string& key);
  key_record put_key(const std::string& key, std::string value, std::optional<uint64_t> expected = {});
  key_record remove_key(const std::string& key, std::optional<uint64_t> expected = {});

  // -- events --

  /// Calls `heard` for each event from now on (or after `filter.after`), in order, on a thread of its own, until the
  /// subscription ends. Goes on where it was after a reconnect: an event of kind `gap` says when some could not be kept
  /// for so long. Of `filter`, `kinds`, `task` and `after` count. An exception that leaves `heard` ends the process.
  subscription watch(event_request filter, std::function<void(const event&)> heard);

  // -- executing --

  /// Executes tasks of a type, up to `slots` at once, each on a thread. See `remote_handler`. Returns once it is
  /// attached. Throws when the registration is refused; a cluster that does not answer is waited for.
  void serve(std::string task_type, uint32_t slots, remote_handler handler);

  /// Takes nothing new; returns when everything that runs has ended and its fate is known, or `limit` has passed: then
  /// tells handlers to stop. True when nothing was left.
  bool leave(milliseconds limit);

private:
  template <class Reply, class Request>
  std::future<Reply> ask(Request request, bool repeatable, milliseconds timeout);

  template <class Reply, class Request>
  Reply call(Request request, bool repeatable = true);

  client_options options_;
  std::unique_ptr<client_connection> connection_;
};

} // namespace overwatch
