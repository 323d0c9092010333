#include "actors/pool.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>

/// The part of the pool that deals with leases: attempts that must not run twice at a time begin and go on while the scheduler says
/// so, and for no longer than it thinks. A lease counts from the moment when it was asked for, on the clock of this pool: an
/// answer that was long under way, or waited while this process stood still, gives nothing that the scheduler does not know.
namespace overwatch {

namespace {

/// Holds what nobody else may hold, or what another attempt may change: two at a time would do harm.
bool must_not_run_twice(const task_spec& x) {
  return !x.resources.exclusive.empty() || !x.concurrency.key.empty() || !x.snapshot.files.empty()
         || !x.snapshot.keys.empty();
}

} // namespace

bool pool_state::may_begin(const assignment& what) const {
  const auto& spec = *what.task.spec;
  auto leader = leaders_.find(spec.id.partition());
  if (!must_not_run_twice(spec) || (leader != leaders_.end() && !leader->second.grants_leases))
    return true;
  auto i = leases_.find({spec.id, what.fence});
  return i != leases_.end() && i->second.granted && self_->clock().now() < i->second.until;
}

// Another scheduler is in sight, or none.
void pool_state::change_leases(const leader_in_sight& what, leader& x) {
  auto time = self_->clock().now();
  if (x.handle) {
    x.grants_leases = what.grants_leases;
    x.renew_at = time;
  }
  if (x.grants_leases) { // those of the last one count until they run out
    x.fence_at.reset();
    return;
  }
  for (auto i = leases_.begin(); i != leases_.end();)
    i = i->first.id.partition() == what.partition ? leases_.erase(i) : std::next(i);
  waiting_.let_begin([this](const assignment& y) { return may_begin(y); });
  if (!x.fence_at) // until the new one is heard
    x.fence_at = time + options_.fence_after;
  tick_at(*x.fence_at);
}

// Those that go on, unless they were told to stop.
template <class Visit>
void pool_state::each_to_lease(Visit visit) {
  auto look_at = [&](const assignment& what) {
    if (must_not_run_twice(*what.task.spec))
      visit(what);
  };
  for (const auto& [id, x] : running_)
    if (!x.fence_at)
      look_at(x.what);
  for (const auto& [id, x] : capturing_)
    if (x.stop == cancellation::cause::none)
      look_at(x.what);
  for (const auto& [id, what] : behind_)
    look_at(what);
  waiting_.for_each(look_at);
}

// For all when it is time, in between only for those that cannot begin without.
void pool_state::ask_for_leases(partition_id partition, leader& to, time_point time) {
  using std::chrono::duration_cast;
  if (!to.grants_leases)
    return;
  lease_request x{partition, duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count(), {}};
  auto add = [&](const assignment& what) {
    const auto& id = what.task.spec->id;
    if (id.partition() != partition)
      return;
    leases_.try_emplace({id, what.fence}, lease{time + options_.fence_after});
    x.attempts.push_back({id, what.fence});
  };
  if (to.renew_at && time < *to.renew_at) {
    std::for_each(waiting_.held_back().begin(), waiting_.held_back().end(), add);
  } else {
    each_to_lease(add);
    to.renew_at.reset();
    if (!x.attempts.empty())
      to.renew_at = time + std::min(options_.lease_interval, to.lease / 4);
  }
  if (to.renew_at)
    tick_at(*to.renew_at);
  if (!x.attempts.empty() && to.handle)
    self_->send(to.handle, std::move(x));
}

void pool_state::take_leases(const lease_grant& x) {
  auto asked_at = time_point{std::chrono::duration_cast<time_point::duration>(std::chrono::microseconds{x.sent_at})};
  auto until = asked_at + x.lease;
  leaders_[x.partition].lease = x.lease;
  for (const auto& attempt : x.attempts) {
    auto i = leases_.find({attempt.id, attempt.fence});
    if (i == leases_.end() || (i->second.granted && until < i->second.until))
      continue;
    i->second = {until, true};
    tick_at(until);
  }
  waiting_.let_begin([this](const assignment& y) { return may_begin(y); });
  start_waiting();
}

void pool_state::watch_leases(time_point time) {
  for (auto& [partition, x] : leaders_) {
    if (x.renew_at && time >= *x.renew_at)
      ask_for_leases(partition, x, time);
    else if (x.renew_at)
      tick_at(*x.renew_at);
    if (x.fence_at && time < *x.fence_at)
      tick_at(*x.fence_at);
    else if (x.fence_at)
      fence_off([&, number = partition](const assignment& y) { return y.task.spec->id.partition() == number; });
  }
  std::unordered_map<attempt_key, lease, attempt_hash> over;
  for (auto i = leases_.begin(); i != leases_.end();)
    if (i->second.until <= time) {
      over.insert(*i);
      i = leases_.erase(i);
    } else {
      tick_at(i->second.until);
      ++i;
    }
  if (!over.empty())
    fence_off([&](const assignment& y) { return over.count({y.task.spec->id, y.fence}) > 0; });
}

// The scheduler that leads now, wherever it is, may take these attempts for lost and start others.
template <class Predicate>
void pool_state::fence_off(Predicate meant) {
  auto is_one = [&](const assignment& x) { return must_not_run_twice(*x.task.spec) && meant(x); };
  for (auto& [id, x] : running_)
    if (is_one(x.what))
      ask_to_stop(x, cancellation::cause::shutdown);
  for (auto& [id, x] : capturing_)
    if (is_one(x.what) && x.stop == cancellation::cause::none) {
      x.stop = cancellation::cause::shutdown;
      self_->send(options_.snapshotter, stop_capture{id});
    }
  for (const auto& what : waiting_.take(is_one))
    conclude(sent_back(what));
  for (auto i = behind_.begin(); i != behind_.end();) {
    if (is_one(i->second)) {
      conclude(sent_back(i->second));
      i = behind_.erase(i);
    } else {
      ++i;
    }
  }
}

} // namespace overwatch
