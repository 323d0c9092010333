#pragma once

#include "messages/task_id.hpp"
#include "tests/support/process/http_client.hpp"

#include <boost/json.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::support {

/// What the tests and the benchmark read of `GET /stats`.
struct node_counters {
  uint64_t submitted = 0;
  uint64_t completed = 0;
  uint64_t failed = 0;
  uint64_t cancelled = 0;
  uint64_t attempts = 0;
  uint64_t lost = 0; ///< attempts whose worker disappeared
};

/// What they read of a task.
struct task_view {
  task_id id;
  std::string status;
  std::string name;
  uint64_t attempt = 0; ///< number of the newest start
  std::string error_kind;
  timestamp created_at;
  timestamp started_at; ///< the epoch when it has not started
};

bool is_terminal(const task_view& task);

/// The node's REST interface as its clients see it. One connection, one thread. Everything throws http_error
/// when the connection fails, and std::runtime_error on an answer that is not what was expected.
class node_api {
public:
  explicit node_api(uint16_t port) : client_{port} {}

  std::string version();
  node_counters counters();
  void stop_dispatch();
  void resume_dispatch();

  /// Submits one task, a JSON object.
  task_id submit(std::string_view task);

  /// Submits NDJSON; answers with the ids of all tasks, which must all be accepted.
  std::vector<task_id> submit_batch(std::string_view tasks);

  task_view task(const task_id& id);

  /// The task once it has ended, or as it is after `seconds`.
  task_view wait(const task_id& id, unsigned seconds);

  /// Every stored task, newest first, until `visit` says false. `filter` continues the query: `&status=completed`.
  void for_each_task(const std::function<bool(const task_view&)>& visit, std::string_view filter = {});

private:
  boost::json::value fetch(const std::string& path);
  void post(const std::string& path);

  http_client client_;
};

/// The path of batch submits, and the type of a body with one JSON object per line.
inline constexpr std::string_view batch_path = "/api/overwatch/tasks/batch";
inline constexpr std::string_view ndjson_type = "application/x-ndjson";

/// The number of accepted tasks that the answer to a batch submit names, without parsing all of it.
uint64_t accepted_in(std::string_view batch_answer);

/// The ids in the answer to a batch submit. Throws std::runtime_error when a task was refused.
std::vector<task_id> ids_in(std::string_view batch_answer);

/// The text of a member, or of `outer.inner`; empty when there is none.
std::string text_at(const boost::json::object& object, std::string_view member);
std::string text_at(const boost::json::object& object, std::string_view outer, std::string_view inner);

/// Reads `2026-11-22T05:00:00.000001Z`, with or without fraction and zone; throws std::runtime_error.
timestamp parse_time(std::string_view text);

} // namespace overwatch::support
