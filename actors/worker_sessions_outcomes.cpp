#include "actors/worker_sessions.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>

/// How attempts of attached workers end: by an outcome, by a lease, or unclaimed.
namespace overwatch {

namespace {

namespace limits = worker_limits;

constexpr size_t max_remembered = 10'000; // outcomes that a finish may repeat without a look at the log
constexpr auto ask_log_after = std::chrono::seconds{5}; // without word from the pool

failure not_wanted(const task_id& id) {
  return {ec::conflict,
          {},
          "this attempt of task " + to_string(id) +
            " had ended before: its lease, a limit of time or a cancel "
            "was faster; its outcome is not wanted any more"};
}

failure not_known(const task_id& id) {
  return {ec::unavailable,
          {},
          "whether the outcome of task " + to_string(id) + " is durable is not known yet; send it again"};
}

// Whether a task, as the log has it, ended its attempt the way its worker says. Only the worker that held the fencing
// token can have completed the attempt.
failure judge(const task_record& task, const fencing_token& fence, const finished_attempt& how) {
  const auto& state = task.state;
  if (state.fence != fence)
    return not_wanted(how.id);
  if (state.status == task_status::running)
    return not_known(how.id);
  if (how.completed)
    return state.status == task_status::completed ? failure{} : not_wanted(how.id);
  auto same = state.error.kind == violation::exception && state.error.message == how.message;
  return same || state.status == task_status::cancelled ? failure{} : not_wanted(how.id);
}

outcome outcome_of(finished_attempt& how) {
  if (how.result.size() > task_limits::result_bytes)
    return outcome::failed_for_good("the result has " + std::to_string(how.result.size()) + " bytes; at most "
                                    + std::to_string(task_limits::result_bytes)
                                    + " are kept: store it elsewhere and return where it is");
  if (how.completed)
    return outcome::completed(std::move(how.result));
  if (how.message.size() > task_limits::message_bytes)
    how.message.resize(task_limits::message_bytes);
  auto result = outcome::failed(how.message, std::move(how.result));
  result.retryable = how.retryable;
  return result;
}

} // namespace

// -- without an outcome of its own -----------------------------------------------

void worker_sessions_state::end(const parked_attempt& x, outcome how, timestamp since,
                                std::chrono::microseconds execution) {
  attempts_done done;
  done.worker = x.slot;
  done.items.push_back({x.context->task().id, std::move(how), since, execution, x.context->fence()});
  self_->send(x.pool, std::move(done));
}

// Nobody has claimed it: it goes back to the queue, and this start does not count as a failure.
void worker_sessions_state::give_back(const parked_attempt& x) {
  const auto& context = *x.context;
  if (!context.stopping())
    self_->send(x.pool, stop_attempt{context.task().id, context.fence(), cancellation::cause::shutdown});
  end(x, outcome::failed("no worker had taken it yet"), options_.pool.clock(), {});
}

void worker_sessions_state::give_back_all(service& x) {
  for (auto& [parked, since] : x.parked)
    give_back(parked);
  x.parked.clear();
}

void worker_sessions_state::lose(const attempt_name& which, const std::string& message) {
  auto i = attempts_.find(which);
  outcome lost;
  lost.kind = violation::lost;
  lost.message = message;
  auto since = i->second.claimed_at;
  end(i->second.what, std::move(lost), since, std::max(std::chrono::microseconds{0}, options_.pool.clock() - since));
  attempts_.erase(i);
}

// -- finishing -------------------------------------------------------------------

caf::result<finish_reply> worker_sessions_state::finish(finish_request& x) {
  if (x.attempts.size() > limits::attempts)
    return make_error(ec::too_large, std::to_string(x.attempts.size()) + " attempts in one request; at most "
                                       + std::to_string(limits::attempts) + " are allowed: send several", "/attempts");
  auto time = self_->clock().now();
  if (auto* session = find(x.worker)) // an outcome counts by its fencing token, also after a new registration
    session->until = time + options_.lease;
  auto all = std::make_shared<waiting_finish>();
  all->promise = self_->make_response_promise<finish_reply>();
  all->missing = x.attempts.size();
  all->open.assign(x.attempts.size(), true);
  all->until = time + options_.settle_limit;
  for (const auto& how : x.attempts)
    all->reply.receipts.push_back({how.id, how.fence, {}});
  if (x.attempts.empty()) {
    all->promise.deliver(finish_reply{});
    return all->promise;
  }
  finishes_.push_back(all);
  keep_ticking();
  for (size_t i = 0; i < x.attempts.size(); ++i) {
    auto& how = x.attempts[i];
    attempt_name which{how.id, how.fence};
    finish_place place{all, i};
    if (auto known = attempts_.find(which); known != attempts_.end()) {
      known->second.waiting.push_back(place);
      if (!known->second.how)
        begin_finish(which, known->second, how);
    } else if (auto old = settled_.find(which); old != settled_.end()) {
      resolve(place, old->second == how.completed ? failure{} : not_wanted(how.id));
    } else {
      ask_log(which, how, [this, place](const failure& error) { resolve(place, error); });
    }
  }
  return all->promise;
}

void worker_sessions_state::begin_finish(const attempt_name& which, attempt& x, finished_attempt& how) {
  report(x, {which.id, which.fence, {}, {}, std::move(how.lines)});
  auto spent = std::max(std::chrono::microseconds{0}, options_.pool.clock() - x.claimed_at);
  auto execution = how.execution.count() > 0 ? how.execution : spent;
  auto ends = outcome_of(how);
  how.completed = ends.kind == violation::none;
  how.message = ends.message;
  x.how = finished_attempt{which.id, which.fence, how.completed, {}, how.message, how.retryable, execution, {}};
  x.asked = self_->clock().now();
  if (auto* owner = find(x.what.session)) {
    auto& served = owner->services.at(x.what.task_type);
    ++(how.completed ? served.completed : served.failed);
    --served.claimed;
    owner->attempts.erase(which);
    offer(served); // before the outcome: nothing is started in the slot until the worker claims again
  }
  end(x.what, std::move(ends), x.claimed_at, execution);
  if (auto* owner = find(x.what.session); owner && owner->leaving && owner->attempts.empty())
    close(owner->id);
}

void worker_sessions_state::settle(const settled_batch& x) {
  for (const auto& outcome : x.outcomes) {
    attempt_name which{outcome.id, outcome.fence};
    auto i = attempts_.find(which);
    if (i == attempts_.end())
      continue;
    if (!i->second.how) { // its pool gave it up: it did not stop in time
      if (auto* owner = find(i->second.what.session)) {
        auto& served = owner->services.at(i->second.what.task_type);
        --served.claimed;
        ++served.failed;
        owner->attempts.erase(which);
        offer(served);
      }
      attempts_.erase(i);
    } else {
      decide(i, outcome.accepted ? failure{} : not_wanted(outcome.id));
    }
  }
}

// The fate of an outcome is known.
void worker_sessions_state::decide(attempt_place i, const failure& error) {
  if (!error)
    remember(i->first, i->second.how->completed);
  auto waiting = std::move(i->second.waiting);
  attempts_.erase(i);
  for (const auto& place : waiting)
    resolve(place, error);
}

void worker_sessions_state::remember(const attempt_name& which, bool completed) {
  if (!settled_.emplace(which, completed).second)
    return;
  settled_order_.push_back(which);
  if (settled_order_.size() > max_remembered) {
    settled_.erase(settled_order_.front());
    settled_order_.pop_front();
  }
}

void worker_sessions_state::resolve(const finish_place& where, failure error) {
  auto& all = *where.first;
  if (!all.open[where.second])
    return;
  all.open[where.second] = false;
  all.reply.receipts[where.second].error = std::move(error);
  if (--all.missing > 0)
    return;
  all.promise.deliver(std::move(all.reply));
  finishes_.erase(std::remove(finishes_.begin(), finishes_.end(), where.first), finishes_.end());
}

void worker_sessions_state::ask_log(const attempt_name& which, const finished_attempt& how,
                                    std::function<void(const failure&)> then) {
  auto said = how;
  said.result.clear();
  self_->request(front_, options_.request_timeout, get_request{which.id})
    .then([=](const task_record& task) { then(judge(task, which.fence, said)); },
          [=](const caf::error& error) {
            auto reason = describe(error);
            then(reason.code == ec::not_found ? not_wanted(which.id) : not_known(which.id));
          });
}

// -- time ------------------------------------------------------------------------

void worker_sessions_state::keep_ticking() {
  if (!std::exchange(ticking_, true))
    self_->delayed_send(self_, options_.tick_interval, caf::tick_atom::value);
}

void worker_sessions_state::answer_waits(const session& owner, service& x, time_point time) {
  auto passed =
    std::stable_partition(x.claims.begin(), x.claims.end(), [&](const auto& claim) { return claim.until > time; });
  for (auto claim = passed; claim != x.claims.end(); ++claim) {
    claim_reply reply;
    add_stops(owner, reply.stops);
    claim->promise.deliver(std::move(reply));
  }
  x.claims.erase(passed, x.claims.end());
  offer(x);
}

// Parked attempts come first in, first out; one that nobody takes, or that must stop, does not wait for ever.
void worker_sessions_state::watch_parked(service& x, time_point time) {
  for (auto i = x.parked.begin(); i != x.parked.end();)
    if (i->first.context->stopping() || time - i->second >= options_.lease) {
      give_back(i->first);
      i = x.parked.erase(i);
    } else {
      ++i;
    }
}

void worker_sessions_state::watch_finishes(time_point time) {
  for (auto& [which, x] : attempts_) {
    if (!x.how || time - x.asked < ask_log_after)
      continue;
    x.asked = time;
    ask_log(which, *x.how, [this, which = which](const failure& error) {
      if (auto i = attempts_.find(which); i != attempts_.end() && error.code != ec::unavailable)
        decide(i, error);
    });
  }
  auto waiting = finishes_;
  for (const auto& all : waiting)
    if (all->until <= time)
      for (size_t i = 0; i < all->open.size(); ++i)
        resolve({all, i}, not_known(all->reply.receipts[i].id));
}

void worker_sessions_state::tick() {
  ticking_ = false;
  auto time = self_->clock().now();
  std::vector<std::string> ended;
  for (auto& [id, session] : sessions_) {
    if (session.until <= time) {
      ended.push_back(id);
      continue;
    }
    for (auto i = session.attempts.begin(); i != session.attempts.end();) {
      auto which = *i++;
      const auto& x = attempts_.at(which);
      if (x.until > time)
        continue;
      auto& served = session.services.at(x.what.task_type);
      --served.claimed;
      ++served.failed;
      session.attempts.erase(which);
      lose(which, "its worker " + session.what.name + " (" + id + ") said nothing of it for "
                    + std::to_string(options_.lease.count() / 1000) + " s");
    }
    if (session.leaving && session.attempts.empty())
      ended.push_back(id);
    for (auto& [type, served] : session.services) {
      watch_parked(served, time);
      answer_waits(session, served, time);
    }
  }
  for (const auto& id : ended)
    close(id);
  watch_finishes(time);
  if (!sessions_.empty() || !attempts_.empty() || !finishes_.empty())
    keep_ticking();
}

} // namespace overwatch
