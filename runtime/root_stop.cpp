#include "runtime/root.hpp"

#include "actors/pool.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>

/// The part of the root that stops a node in order.
namespace overwatch {

namespace {

constexpr auto close_timeout = std::chrono::seconds{30};
constexpr auto settle_timeout = std::chrono::seconds{5}; // the log does not move while the disk is full

template <class Request>
struct answer_to;

template <>
struct answer_to<settle_request> {
  using type = scheduler_status;
};

template <>
struct answer_to<flush_request> {
  using type = uint64_t;
};

} // namespace

caf::result<stop_reply> root_state::stop(const drain_request& x) {
  if (stop_.promise)
    return make_error(ec::conflict, "the node stops already");
  auto promise = self_->make_response_promise<stop_reply>();
  stop_.promise = promise;
  self_->send(gateway_, caf::leave_atom::value);
  hand_over(x);
  return promise;
}

// Other nodes lead before this one goes, if there are any: nobody has to wait for an election.
void root_state::hand_over(const drain_request& x) {
  auto is_up = [](const auto& peer) { return peer.second.up; };
  if (!leads_any() || std::none_of(peers_.begin(), peers_.end(), is_up)) {
    settle_and_drain(x);
    return;
  }
  stop_.handing_over = x;
  for (partition_id number = 0; number < partitions_.size(); ++number)
    if (partitions_[number].leader.here)
      self_->request(partitions_[number].replica, settle_timeout, transfer_request{number, {}})
        .then([](const group_status&) {}, [this, number](const caf::error&) {
          partitions_[number].leader.here = false; // nobody takes it
          if (!leads_any())
            stop_handing_over();
        });
  self_->delayed_send(self_, settle_timeout, caf::leave_atom::value);
}

// The leader has changed, or will not.
void root_state::stop_handing_over() {
  if (stop_.handing_over)
    settle_and_drain(*std::exchange(stop_.handing_over, {}));
}

// Asks this component of every partition; what fails counts as done.
template <class Request, class Handle>
void root_state::ask_each(Handle partition::*whom, milliseconds limit, std::function<void()> then) {
  auto missing = std::make_shared<size_t>(1);
  auto count_down = [missing, then = std::move(then)](auto&&...) {
    if (--*missing == 0)
      then();
  };
  for (const auto& one : partitions_)
    if (one.*whom) {
      ++*missing;
      self_->request(one.*whom, limit, Request{})
        .then([count_down](const typename answer_to<Request>::type&) { count_down(); },
              [count_down](const caf::error&) { count_down(); });
    }
  count_down();
}

void root_state::settle_and_drain(const drain_request& x) {
  for (const auto& one : partitions_)
    self_->send(one.scheduler, caf::leave_atom::value);
  // What was started already reaches its pool first, so that the pools know all that they have to send back.
  ask_each<settle_request>(&partition::scheduler, settle_timeout, [this, x] { drain_pools(x); });
}

void root_state::drain_pools(const drain_request& x) {
  stop_.pools = links_.pools.size() + 1; // and those of attached workers
  auto limit = x.limit + pool_options{}.stop_grace + close_timeout;
  auto ended = [this](const drain_reply& reply) {
    stop_.reply.finished += reply.finished;
    stop_.reply.requeued += reply.requeued;
    drained();
  };
  auto failed = [this](const caf::error&) { drained(); };
  self_->request(links_.sessions, limit, x).then(ended, failed);
  for (const auto& handle : links_.pools)
    self_->request(handle, limit, x).then(ended, failed);
}

void root_state::drained() {
  if (--stop_.pools == 0)
    flush_and_close();
}

// The outcomes of the pools are in the log before the state is written for the last time.
void root_state::flush_and_close() {
  auto close = [this] { self_->send(self_, caf::close_atom::value); };
  auto flush = [this, close] { ask_each<flush_request>(&partition::replica, close_timeout, close); };
  ask_each<settle_request>(&partition::scheduler, close_timeout, flush);
}

} // namespace overwatch
