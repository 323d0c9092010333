#include "actors/partition_state.hpp"
#include "actors/scheduler.hpp"
#include "actors/wait_reason.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>

/// The part of the scheduler that wakes parked tasks, and reacts to gates and to changes by clients.
namespace overwatch {

namespace {

constexpr size_t promotes_per_entry = 1'000;

} // namespace

// -- parked tasks --------------------------------------------------------------

void scheduler_state::react_to_freed(const applied_entry& entry) {
  for (const auto& wait : entry.rate_waits) {
    if (auto known = rate_waits_.find(wait.reason); known != rate_waits_.end())
      if (auto at = rates_by_time_.find(known->second.next);
          at != rates_by_time_.end() && at->second.erase(wait.reason))
        if (at->second.empty())
          rates_by_time_.erase(at);
    rate_waits_[wait.reason] = wait;
    rates_by_time_[wait.next].insert(wait.reason);
  }
  for (const auto& reason : entry.freed)
    release(reason);
}

// Who waits for a scope waits for all that overlaps with it, and a gate lets everybody through. Of what is left only
// one task can take.
void scheduler_state::release(const std::string& reason) {
  auto together = wait_reason::is(reason, wait_reason::gate) || wait_reason::is(reason, wait_reason::snapshot);
  parked_.release(reason, together ? parked_tasks::all : 1);
}

// Rate keys that have tokens again.
void scheduler_state::rates_due() {
  auto time = options_.clock();
  while (!rates_by_time_.empty() && rates_by_time_.begin()->first <= time) {
    auto reasons = std::move(rates_by_time_.begin()->second);
    rates_by_time_.erase(rates_by_time_.begin());
    for (const auto& reason : reasons) {
      auto& wait = rate_waits_.at(reason);
      auto interval = rate_bucket::interval(wait.rate);
      auto tokens = std::min<int64_t>(wait.rate.limit, 1 + (time - wait.next) / interval);
      parked_.release(reason, static_cast<uint32_t>(tokens));
      if (parked_.waits_for(reason)) {
        wait.next += interval * tokens;
        rates_by_time_[wait.next].insert(reason);
      } else {
        rate_waits_.erase(reason);
      }
    }
  }
}

void scheduler_state::let_go() {
  rates_due();
  auto ids = parked_.take(promotes_per_entry);
  for (auto& [id, reason] : ids) {
    let_go_[id] = reason;
    add(promote_command{id});
  }
  if (!ids.empty())
    schedule_send();
}

// -- gates ---------------------------------------------------------------------

// A gate that closes stops the running tasks that asked for it.
void scheduler_state::react_to_gates(const applied_entry& entry) {
  for (const auto& document : entry.documents) {
    gate_record gate;
    if (document.kind != document_kind::gate || !document.value || !decode(*document.value, gate) || gate.open)
      continue;
    for (const auto& [id, running] : running_) {
      const auto& spec = *running.spec;
      const auto& required = spec.required_gates;
      if (spec.cancel_on_gate_close && !running.finishing && gate.definition.kind != gate_kind::approval
          && std::find(required.begin(), required.end(), document.name) != required.end())
        add(cancel_command{id, "its gate " + document.name + " closed"});
    }
  }
}

// -- changes by clients --------------------------------------------------------

void scheduler_state::react_to_patch(const task_change& change, uint64_t index) {
  const auto& spec = *change.spec;
  const auto& old = *change.old;
  const auto& state = change.state;
  using timer = timer_queue::timer;
  ready_.erase(old, change.old_order);
  if (wait_reason::parks(state.waits_for)) {
    auto before = state;
    before.order = change.old_order;
    parked_.erase(state.waits_for, {parked_rank(old, before), spec.id});
    parked_.move(state.waits_for, {parked_rank(spec, state), spec.id}, index);
  } else if (state.status == task_status::queued) {
    ready_.insert(spec, state, index);
  }
  if (old.scheduled_at)
    timers_.erase(timer{spec.id, *old.scheduled_at, keys::timer_kind::eligible});
  if (state.due)
    timers_.insert(timer{spec.id, *state.due, keys::timer_kind::eligible}, index);
  if (old.deadline == spec.deadline)
    return;
  if (old.deadline)
    timers_.erase(timer{spec.id, *old.deadline, keys::timer_kind::deadline});
  if (spec.deadline)
    timers_.insert(timer{spec.id, *spec.deadline, keys::timer_kind::deadline}, index);
  if (auto i = running_.find(spec.id); i != running_.end()) {
    i->second.spec = change.spec;
    if (i->second.pool)
      self_->send(i->second.pool->handle, deadline_change{spec.id, state.fence, spec.deadline});
  }
}

} // namespace overwatch
