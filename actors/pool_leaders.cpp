#include "actors/pool.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

/// The part of the pool that deals with schedulers: who leads, what is offered, and outcomes until they are settled.
namespace overwatch {

// -- who leads -----------------------------------------------------------------

void pool_state::join(const leader_in_sight& what) {
  auto& x = leaders_[what.partition];
  auto scheduler = caf::actor_cast<scheduler_actor>(what.scheduler);
  if (x.handle != scheduler) {
    if (x.handle)
      self_->demonitor(x.handle.address());
    if (scheduler)
      self_->monitor(scheduler);
    x.handle = std::move(scheduler);
    change_leases(what, x);
  }
  x.repeat_at.reset();
  if (!x.handle)
    return;
  offer(what.partition, x);
  send_all_outcomes(what.partition);
  ask_for_leases(what.partition, x, self_->clock().now());
  start_waiting();
}

void pool_state::scheduler_down(const caf::actor_addr& source) {
  for (auto& [partition, x] : leaders_)
    if (x.handle && x.handle.address() == source)
      join({partition, nullptr});
}

void pool_state::offer(partition_id partition, leader& to) {
  pool_offer x{options_.task_type, options_.node, options_.slots, !drain_.promise, own_name(), ++offers_, to.heard, {}};
  x.shared = keeper_ != nullptr;
  auto add = [&, partition = partition](const assignment& held, const std::optional<timestamp>& deadline) {
    if (const auto& id = held.task.spec->id; id.partition() == partition)
      x.held.push_back({id, held.fence, false, deadline});
  };
  auto add_waiting = [&](const assignment& held) { add(held, held.task.spec->deadline); };
  for (const auto& [id, held] : running_)
    add(held.what, held.deadline);
  for (const auto& [id, held] : capturing_)
    add_waiting(held.what);
  waiting_.for_each(add_waiting);
  for (const auto& [id, held] : behind_)
    add_waiting(held);
  for (const auto& [key, held] : ended_)
    if (key.id.partition() == partition)
      x.held.push_back({key.id, key.fence, true});
  self_->send(to.handle, std::move(x), caf::actor_cast<caf::strong_actor_ptr>(self_));
  to.repeat_at = self_->clock().now() + options_.offer_interval;
  tick_at(*to.repeat_at);
}

void pool_state::offer_to_all() {
  for (auto& [partition, x] : leaders_)
    if (x.handle)
      offer(partition, x);
}

void pool_state::share_slots(slot_keeper_actor keeper) {
  keeper_ = std::move(keeper);
  tell_keeper();
}

void pool_state::tell_keeper() {
  if (keeper_)
    self_->send(keeper_, pool_slots{options_.task_type, own_name(), drain_.promise ? 0 : options_.slots, pool_actor{self_}});
}

void pool_state::hear(assignment_batch& x, const caf::strong_actor_ptr& sender) {
  auto& from = leaders_[x.partition];
  if (!(from.heard < x.mark))
    return; // it was overtaken by what the scheduler said later, or comes twice
  from.heard = x.mark;
  if (!from.handle || !sender || from.handle.address() == sender->address())
    from.repeat_at.reset(); // else it is from the one before: the one that leads now may not know of this pool
  from.fence_at.reset();
  if (x.partition == control_partition && options_.places)
    options_.places->set_limit(x.node_limit);
  if (!from.grants_leases && x.lease.count() > 0) {
    from.fence_at = self_->clock().now() + x.lease;
    tick_at(*from.fence_at);
  }
  settle(x.settled);
  for (auto& what : x.attempts)
    take(std::move(what));
  if (!x.attempts.empty() && !waiting_.held_back().empty())
    ask_for_leases(x.partition, from, self_->clock().now());
  start_waiting();
  send_outcomes();
  if (!x.report || !from.handle)
    return;
  offer(x.partition, from);
  send_all_outcomes(x.partition);
}

void pool_state::watch_leaders(time_point time) {
  for (auto& [partition, x] : leaders_) {
    if (x.repeat_at && time >= *x.repeat_at && x.handle)
      offer(partition, x);
    if (x.repeat_at)
      tick_at(*x.repeat_at);
  }
}

// -- outcomes ------------------------------------------------------------------

void pool_state::conclude(attempt_outcome&& x, uint64_t worker) {
  leases_.erase({x.id, x.fence});
  out_[x.id.partition()].outcomes.push_back(x);
  if (worker)
    ++workers_.at(worker).unsettled;
  attempt_key key{x.id, x.fence};
  ended_[key] = {std::move(x), self_->clock().now(), worker};
}

void pool_state::send_outcomes() {
  for (auto& [partition, batch] : std::exchange(out_, {}))
    if (auto i = leaders_.find(partition); i != leaders_.end() && i->second.handle)
      self_->send(i->second.handle, std::move(batch));
  if (!ended_.empty() && !resend_at_) {
    resend_at_ = self_->clock().now() + options_.resend_after;
    tick_at(*resend_at_);
  }
  finish_drain();
}

void pool_state::send_all_outcomes(partition_id partition) {
  for (auto& [key, held] : ended_)
    if (key.id.partition() == partition)
      out_[partition].outcomes.push_back(held.outcome);
  send_outcomes();
}

void pool_state::send_again(time_point time) {
  if (!resend_at_ || time < *resend_at_)
    return;
  resend_at_.reset(); // set again when they are sent
  for (auto& [key, held] : ended_)
    if (held.sent_at + options_.resend_after <= time) {
      out_[key.id.partition()].outcomes.push_back(held.outcome);
      held.sent_at = time;
    }
}

void pool_state::settle(const std::vector<settled_outcome>& outcomes) {
  for (const auto& x : outcomes) {
    auto i = ended_.find({x.id, x.fence});
    if (i == ended_.end())
      continue;
    auto worker = workers_.find(i->second.worker);
    ended_.erase(i);
    if (worker == workers_.end())
      continue;
    self_->send(worker->second.handle, settled_batch{{x}});
    if (--worker->second.unsettled == 0 && worker->second.retired)
      dismiss(worker);
  }
  finish_drain();
}

} // namespace overwatch
