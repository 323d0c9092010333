#pragma once

#include "tests/support/process/http_client.hpp"
#include "tests/support/process/node_api.hpp"

#include <boost/json.hpp>

#include <string>
#include <string_view>

namespace overwatch {

/// One connection to a node for tests that look at whole answers. Everything throws support::http_error when the
/// connection fails, and std::runtime_error on an answer that is not what was expected. One thread.
class node_client {
public:
  explicit node_client(uint16_t port) : http_{port} {}

  /// `path` continues /api/overwatch.
  support::http_answer get(const std::string& path) { return http_.get(prefix + path); }
  support::http_answer post(const std::string& path, std::string_view body = {},
                            std::string_view type = "application/json") {
    return http_.post(prefix + path, body, type);
  }

  /// The object that `path` answers with 200.
  boost::json::object object(const std::string& path);

  /// Submits a task and returns its id.
  std::string submit(const boost::json::object& task);
  boost::json::object task(const std::string& id) { return object("/tasks/" + id); }

  /// The task once it has ended; throws when it has not after a minute.
  boost::json::object ended(const std::string& id);

  /// Returns once the task has this status; throws when it had not within a minute.
  void reaches(const std::string& id, std::string_view status);

  /// All messages in a task's log, one a line.
  std::string log_of(const std::string& id);

private:
  static constexpr const char* prefix = "/api/overwatch";

  support::http_client http_;
};

using support::text_at;

/// A task of type user_task that runs a named command.
boost::json::object command_task(std::string_view command);

/// A task of another type.
boost::json::object typed_task(std::string_view task_type);

} // namespace overwatch
