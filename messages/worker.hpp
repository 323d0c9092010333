#pragma once

#include "messages/error_code.hpp"
#include "messages/inspect_std.hpp"
#include "messages/requests.hpp"
#include "messages/task.hpp"

#include <caf/actor_control_block.hpp>

#include <memory>
#include <string>
#include <vector>

/// Attached workers: programs outside the nodes that execute tasks. One registers with the task types that it serves,
/// claims attempts, says with heartbeats that it lives and how they go on, and finishes each with one outcome.
///
/// Each of these requests is answered by the node at which the worker is registered; its name is in the worker's id. An
/// id that is not known (any more) is `not_found`: register again; what the worker still runs is lost and starts again
/// elsewhere.
namespace overwatch {

namespace worker_limits {
inline constexpr size_t name_bytes = 128;
inline constexpr size_t address_bytes = 256;
inline constexpr size_t task_types = 64;
inline constexpr uint32_t slots = 10'000;     ///< of one task type
inline constexpr uint32_t claim = 1'000;      ///< attempts that one claim gets
inline constexpr milliseconds wait{60'000};   ///< of a claim
inline constexpr size_t attempts = 10'000;    ///< that one heartbeat or finish names
inline constexpr size_t lines = 100;          ///< of one attempt in one heartbeat or finish; older ones are dropped
} // namespace worker_limits

struct served_type {
  std::string task_type; ///< 1 to 64 characters of [a-z0-9_.-]
  uint32_t slots = 1;    ///< attempts that it runs at once, 1 to 10,000
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, served_type& x) { return f(x.task_type, x.slots); }

/// Attaches a worker. A type that was never served becomes known, for good, before this is answered. Attempts come only
/// to a claim, so a registration whose answer got lost costs nothing but its lease. `invalid` names the field that is
/// wrong; `overloaded`: as many workers are attached as the node takes (`workers.max`).
struct register_worker_request {
  std::string name;               ///< for people, 1 to 128 bytes
  std::vector<served_type> types; ///< 1 to 64, each type once
  std::string address;            ///< where it runs, for people: host and process, at most 256 bytes
  caf::strong_actor_ptr program;  ///< of a CAF program: when it is gone, the lease is cut short; null over HTTP
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, register_worker_request& x) {
  return f(x.name, x.types, x.address, x.program);
}

struct worker_registration {
  std::string worker;    ///< its id: `<node>:<random>`
  milliseconds lease{0}; ///< how long it may say nothing; send a heartbeat every third of it
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, worker_registration& x) { return f(x.worker, x.lease); }

/// The node in the id of a worker; empty when it is no such id.
std::string node_of_worker(const std::string& worker);

/// What became of a task that another one depends on.
struct parent_result {
  std::string name; ///< of the task
  task_id id;
  task_status status = task_status::completed;
  std::shared_ptr<const std::string> result; ///< JSON as text, or null
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, parent_result& x) { return f(x.name, x.id, x.status, x.result); }

/// Asks for attempts of one type. Answered as soon as there is one, or something to stop, and after `wait` at the
/// latest: then with an empty list. The wait ends before the lease does, so a worker that only claims stays attached;
/// and it is 200 ms at least, because a task is started for a claim only.
struct claim_request {
  std::string worker;
  std::string task_type; ///< empty: the only one that it serves
  uint32_t limit = 1;    ///< 1 to 1000; together with what it runs, never more than its slots
  milliseconds wait{0};  ///< 0 to 60 s
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, claim_request& x) {
  return f(x.worker, x.task_type, x.limit, x.wait);
}

/// From here on the attempt is the worker's: it has a lease, which heartbeats that name it extend.
struct claimed_attempt {
  submission task;
  fencing_token fence;  ///< names it, together with the task's id
  milliseconds limit{0}; ///< how long it may take: its timeout, or what its deadline leaves
  std::vector<parent_result> parents;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, claimed_attempt& x) {
  return f(x.task, x.fence, x.limit, x.parents);
}

enum class stop_reason : uint8_t {
  cancelled, ///< somebody cancelled the task
  timeout,
  deadline,
  shutdown, ///< its node stops: the task goes back to the queue
  stale     ///< it is not this worker's any more; its outcome is not wanted
};
inline constexpr std::array<std::string_view, 5> stop_reason_names{"cancelled", "timeout", "deadline", "shutdown",
                                                                   "stale"};
inline std::string_view name_of(stop_reason x) { return stop_reason_names[static_cast<size_t>(x)]; }

/// This attempt must stop. It is said again until the attempt is finished; after 10 s it is fenced off.
struct attempt_stop {
  task_id id;
  fencing_token fence;
  stop_reason reason = stop_reason::cancelled;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, attempt_stop& x) { return f(x.id, x.fence, x.reason); }

struct claim_reply {
  std::vector<claimed_attempt> attempts;
  std::vector<attempt_stop> stops;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, claim_reply& x) { return f(x.attempts, x.stops); }

/// That an attempt goes on, and how far it is.
struct attempt_beat {
  task_id id;
  fencing_token fence;
  std::optional<double> percent; ///< 0 to 100 (clamped); none: as before
  std::string message;           ///< beside `percent`
  std::vector<log_entry> lines;  ///< time, level, message and data count
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, attempt_beat& x) {
  return f(x.id, x.fence, x.percent, x.message, x.lines);
}

/// Extends the lease of the worker and of the attempts that it names. An attempt that is not named for as long as a
/// lease is lost.
struct heartbeat_request {
  std::string worker;
  std::vector<attempt_beat> attempts; ///< at most 10,000
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, heartbeat_request& x) { return f(x.worker, x.attempts); }

struct heartbeat_reply {
  milliseconds lease{0};
  std::vector<attempt_stop> stops;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, heartbeat_reply& x) { return f(x.lease, x.stops); }

/// How an attempt ended.
struct finished_attempt {
  task_id id;
  fencing_token fence;
  bool completed = true;
  std::string result;    ///< JSON as text, at most 1 MiB; may be empty
  std::string message;   ///< of a failure: a sentence
  bool retryable = true; ///< of a failure: false: it will not go away by itself
  std::chrono::microseconds execution{0}; ///< as the worker measured it; 0: the node takes the time since the claim
  std::vector<log_entry> lines;           ///< last ones
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, finished_attempt& x) {
  return f(x.id, x.fence, x.completed, x.result, x.message, x.retryable, x.execution, x.lines);
}

/// Ends attempts. Answered when the fate of all is known. Send it again when there is no answer, also after a new
/// registration: an outcome counts once.
struct finish_request {
  std::string worker;
  std::vector<finished_attempt> attempts; ///< at most 10,000
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, finish_request& x) { return f(x.worker, x.attempts); }

/// No error: this outcome is durable. `conflict`: the attempt had ended otherwise before (its lease, a timeout, a
/// cancel): the outcome is not wanted. `unavailable`: not known yet, send it again.
struct finish_receipt {
  task_id id;
  fencing_token fence;
  failure error;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, finish_receipt& x) { return f(x.id, x.fence, x.error); }

struct finish_reply {
  std::vector<finish_receipt> receipts; ///< in the order of the request
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, finish_reply& x) { return f(x.receipts); }

/// The worker takes nothing new. What it claimed may finish under the same rules; then it is forgotten.
struct leave_request {
  std::string worker;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, leave_request& x) { return f(x.worker); }

struct leave_reply {
  uint32_t running = 0; ///< attempts that it still has
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, leave_reply& x) { return f(x.running); }

} // namespace overwatch
