#include "actors/pool.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

/// The part of the pool that has the scope of a task captured before its handler is called.
namespace overwatch {

namespace {

constexpr auto capture_timeout = std::chrono::seconds{7200}; // above the snapshotter's own limit, which says why

} // namespace

bool pool_state::captures(const task_spec& spec) const {
  return !spec.snapshot.files.empty() || options_.handler.options.hooks.snapshot != nullptr;
}

void pool_state::begin_capture(assignment&& what) {
  const auto id = what.task.spec->id;
  const auto fence = what.fence;
  capture_request request{id, fence.attempt, what.task.spec->snapshot.files, what.task};
  capturing_[id] = {std::move(what), cancellation::cause::none};
  self_->request(options_.snapshotter, capture_timeout, std::move(request))
    .then([this, id, fence](const capture_reply& reply) { captured(id, fence, reply.error, reply.retryable); },
          [this, id, fence](const caf::error& error) { captured(id, fence, describe(error), true); });
}

void pool_state::captured(const task_id& id, const fencing_token& fence, const failure& error, bool retryable) {
  auto i = capturing_.find(id);
  if (i == capturing_.end() || i->second.what.fence != fence)
    return;
  auto x = std::move(i->second);
  capturing_.erase(i);
  if (x.stop == cancellation::cause::none && !error) {
    waiting_.push_with_slot(std::move(x.what));
    start_waiting();
    return;
  }
  auto outcome = never_began(x.what, "its snapshot could not be captured: " + error.message);
  outcome.retryable = retryable;
  outcome.requeue = x.stop == cancellation::cause::shutdown;
  if (x.stop == cancellation::cause::cancelled)
    outcome.message = "it was cancelled while its snapshot was captured";
  conclude(std::move(outcome));
  send_outcomes();
  start_waiting();
}

attempt_outcome pool_state::never_began(const assignment& what, std::string message) const {
  attempt_outcome result;
  result.id = what.task.spec->id;
  result.fence = what.fence;
  result.kind = violation::exception;
  result.message = std::move(message);
  return result;
}

attempt_outcome pool_state::sent_back(const assignment& what) const {
  auto result = never_began(what, {});
  result.kind = violation::lost;
  result.requeue = true;
  return result;
}

} // namespace overwatch
