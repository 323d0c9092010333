#pragma once

#include "messages/error_code.hpp"
#include "messages/inspect_std.hpp"
#include "messages/requests.hpp"
#include "messages/task.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

/// Workflows: graphs of tasks that are submitted, watched and cancelled as one thing.
namespace overwatch {

enum class workflow_status : uint8_t { running, completed, failed, cancelled };
inline constexpr std::array<std::string_view, 4> workflow_status_names{"running", "completed", "failed", "cancelled"};
inline std::string_view name_of(workflow_status x) { return workflow_status_names[static_cast<size_t>(x)]; }

/// Undoing what completed tasks did, after another one failed.
enum class compensation_status : uint8_t { off, ready, running, done, failed };
inline constexpr std::array<std::string_view, 5> compensation_status_names{"off", "ready", "running", "done", "failed"};
inline std::string_view name_of(compensation_status x) { return compensation_status_names[static_cast<size_t>(x)]; }

struct workflow_task {
  std::string name;                    ///< within the workflow; 1 to 64 characters of [A-Za-z0-9_.-]
  submission task;
  std::vector<std::string> depends_on; ///< names of other tasks of the workflow
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, workflow_task& x) { return f(x.name, x.task, x.depends_on); }

/// 1 to 1,000 tasks. All are stored or none is. `compensate`: when one fails, the unfinished ones are cancelled and
/// the completed ones are rolled back in reverse order, as far as their snapshots are kept.
struct submit_workflow_request {
  task_id id; ///< nil: one is made
  std::string name;
  bool compensate = false;
  std::vector<workflow_task> tasks;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, submit_workflow_request& x) {
  return f(x.id, x.name, x.compensate, x.tasks);
}

struct workflow_member {
  std::string name;
  task_id id;
  task_status status = task_status::pending;
  rollback_status rollback = rollback_status::none;
  std::vector<std::string> depends_on;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, workflow_member& x) {
  return f(x.name, x.id, x.status, x.rollback, x.depends_on);
}

struct workflow_record {
  task_id id;
  std::string name;
  workflow_status status = workflow_status::running;
  compensation_status compensation = compensation_status::off;
  timestamp created_at;
  std::optional<timestamp> finished_at; ///< all its tasks have ended, and compensation too
  std::string failed_task;              ///< name of the first that failed
  std::string cancel_reason;
  std::vector<workflow_member> tasks;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, workflow_record& x) {
  return f(x.id, x.name, x.status, x.compensation, x.created_at, x.finished_at, x.failed_task, x.cancel_reason,
           x.tasks);
}

struct get_workflow_request {
  task_id id;
  consistency level = consistency::current;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, get_workflow_request& x) { return f(x.id, x.level); }

/// Cancels every unfinished task of it.
struct cancel_workflow_request {
  task_id id;
  std::string reason;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, cancel_workflow_request& x) { return f(x.id, x.reason); }

/// Newest first, without their tasks.
struct list_workflows_request {
  uint32_t limit = 50; ///< 1 to 1000
  std::optional<task_id> before;
  consistency level = consistency::current;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, list_workflows_request& x) {
  return f(x.limit, x.before, x.level);
}

struct workflow_page {
  std::vector<workflow_record> workflows;
  std::optional<task_id> next;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, workflow_page& x) { return f(x.workflows, x.next); }

} // namespace overwatch
