#pragma once

#include "messages/actors.hpp"
#include "messages/error_code.hpp"

#include <caf/actor.hpp>
#include <caf/expected.hpp>
#include <caf/fwd.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

namespace overwatch::http {

/// Where a blocked thread gets its answer. Shared with whoever answers, so an answer that comes after the
/// thread gave up finds a slot that nobody reads.
template <class Reply>
class reply_slot {
public:
  /// The first answer counts.
  void set(caf::expected<Reply> reply) {
    {
      std::lock_guard lock{mutex_};
      if (!reply_)
        reply_ = std::move(reply);
    }
    arrived_.notify_one();
  }

  /// Blocks; `ec::timed_out` when `timeout` passes first.
  caf::expected<Reply> wait(milliseconds timeout) {
    std::unique_lock lock{mutex_};
    if (!arrived_.wait_for(lock, timeout, [this] { return reply_.has_value(); }))
      return make_error(ec::timed_out, "no answer within " + std::to_string(timeout.count()) +
                                         " ms; whether it was done is unknown: ask again with the same id");
    return std::move(*reply_);
  }

private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::optional<caf::expected<Reply>> reply_;
};

/// The answering side of a slot. When it is dropped without an answer (its actor is gone), the thread gets
/// `ec::unavailable` at once instead of waiting for its timeout, or `ec::timed_out` when it may have been done.
template <class Reply>
class reply_promise {
public:
  explicit reply_promise(std::shared_ptr<reply_slot<Reply>> slot) : slot_{std::move(slot)} {}
  reply_promise(reply_promise&&) noexcept = default;
  reply_promise& operator=(reply_promise&&) noexcept = default;
  ~reply_promise() {
    if (slot_ != nullptr)
      slot_->set(asked_ ? make_error(ec::timed_out, "the node stopped before it was answered; whether it was done is "
                                                    "unknown: look, or ask again with the same id")
                        : make_error(ec::unavailable, "the node stops; nothing was done: try again"));
  }

  /// From now on it may be done.
  void asked() { asked_ = true; }

  void set(caf::expected<Reply> reply) {
    slot_->set(std::move(reply));
    slot_.reset();
  }

private:
  std::shared_ptr<reply_slot<Reply>> slot_;
  bool asked_ = false;
};

struct bridge_queue; // what threads hand over to the actor

/// The way from blocking HTTP threads to the gateway, through one actor. Submits are gathered: those that
/// arrive while others are under way travel together in one `submit_request`. Thread-safe.
class bridge {
public:
  /// Requests with gathered submits that may be under way at once.
  static constexpr size_t max_submits_in_flight = 4;

  /// A gathered request that is not answered after this time no longer holds up others.
  static constexpr std::chrono::seconds flight_timeout{60};

  bridge(caf::actor_system& system, gateway_actor gateway);
  ~bridge(); ///< stops

  /// Submits one task. Blocks until it is durable or `timeout` passes.
  caf::expected<submit_receipt> submit(submission task, milliseconds timeout);

  /// Any request of the gateway's. Blocks likewise.
  template <class Reply, class Request>
  caf::expected<Reply> ask(Request request, milliseconds timeout);

  /// All that come, and those that wait here, get `ec::unavailable`; those that are under way `ec::timed_out`.
  void stop();

private:
  std::shared_ptr<bridge_queue> queue_;
  caf::actor carrier_;
};

} // namespace overwatch::http
