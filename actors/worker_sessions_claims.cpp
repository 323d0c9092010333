#include "actors/attached_worker.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>

/// What the sessions of attached workers do between a claim and an outcome.
namespace overwatch {

namespace {

namespace limits = worker_limits;

// A task comes only once a claim has asked for it.
constexpr milliseconds shortest_wait{200};

stop_reason reason_of(cancellation::cause cause) {
  switch (cause) {
    case cancellation::cause::timeout:
      return stop_reason::timeout;
    case cancellation::cause::deadline:
      return stop_reason::deadline;
    case cancellation::cause::shutdown:
      return stop_reason::shutdown;
    case cancellation::cause::stale:
      return stop_reason::stale;
    case cancellation::cause::none:
    case cancellation::cause::cancelled:
      break;
  }
  return stop_reason::cancelled;
}

} // namespace

// -- giving out ------------------------------------------------------------------

void worker_sessions_state::start_pool(const session& x, const std::string& task_type, service& served) {
  auto options = options_.pool;
  options.task_type = task_type;
  options.node = options_.node;
  options.name = x.id; // other programs on this node may serve the type, too
  options.slots = 0; // it offers what claims ask for
  options.max_inline_workers = served.slots; // none is ended because fewer slots are offered for a moment
  options.handler.options.description = "attached worker " + x.what.name;
  options.handler.options.blocking = true;
  options.gives_all = true; // what comes too late for a claim is parked, and then given back
  options.make_worker = [place = parked_attempt{x.id, task_type, {}, {}, 0},
                         sessions = worker_sessions_actor{self_}](caf::actor_system& system, uint64_t number,
                                                                  const pool_actor& owner) {
    auto slot = place;
    slot.pool = owner;
    slot.slot = number;
    return worker_actor{system.spawn(attached_worker, std::move(slot), sessions)};
  };
  served.pool = self_->spawn<caf::linked>(pool, std::move(options), journal_);
  if (keeper_)
    self_->send(served.pool, caf::subscribe_atom::value, keeper_);
  for (const auto& [partition, leader] : leaders_)
    self_->send(served.pool, leader);
}

void worker_sessions_state::offer(service& x) {
  uint32_t wanted = 0;
  for (const auto& claim : x.claims)
    wanted = std::min(wanted + claim.limit, limits::slots);
  auto slots = x.claimed + std::min(wanted, x.slots - std::min(x.slots, x.claimed));
  if (!x.pool || slots == x.offered)
    return;
  x.offered = slots;
  self_->send(x.pool, caf::update_atom::value, slots);
}

caf::result<claim_reply> worker_sessions_state::claim(const claim_request& x) {
  auto* session = find(x.worker);
  if (!session)
    return refuse_unknown(x.worker);
  if (draining_)
    return refuse_stopping();
  auto type = session->services.find(x.task_type);
  if (x.task_type.empty() && session->services.size() == 1)
    type = session->services.begin();
  if (type == session->services.end())
    return make_error(ec::invalid, "this worker did not register for \"" + x.task_type + "\"; say for which of its task types "
                                     "it claims", "/task_type");
  if (x.limit < 1 || x.limit > limits::claim)
    return make_error(ec::invalid, std::to_string(x.limit) + " is not between 1 and " + std::to_string(limits::claim), "/limit");
  if (x.wait.count() < 0 || x.wait > limits::wait)
    return make_error(ec::invalid, std::to_string(x.wait.count()) + " ms is not between 0 and 60 s", "/wait");
  if (session->leaving)
    return make_error(ec::conflict, "this worker has left; register again");
  auto& served = type->second;
  auto time = self_->clock().now();
  session->until = time + options_.lease;
  if (!served.pool)
    start_pool(*session, type->first, served);
  claim_reply reply;
  take_parked(*session, served, x.limit, reply);
  if (!reply.attempts.empty()) {
    add_stops(*session, reply.stops);
    offer(served);
    return reply;
  }
  auto promise = self_->make_response_promise<claim_reply>();
  served.claims.push_back({promise, x.limit, time + std::min(std::max(x.wait, shortest_wait), options_.lease * 2 / 3)});
  offer(served);
  return promise;
}

void worker_sessions_state::park(parked_attempt& x) {
  auto* session = find(x.session);
  if (!session || session->leaving || draining_) {
    give_back(x);
    return;
  }
  session->services.at(x.task_type).parked.emplace_back(std::move(x), self_->clock().now());
  if (!std::exchange(handing_out_, true))
    self_->send(self_, caf::flush_atom::value); // after the others that came with it
}

void worker_sessions_state::take_parked(session& x, service& served, uint32_t limit, claim_reply& reply) {
  auto time = options_.pool.clock();
  auto until = self_->clock().now() + options_.lease;
  while (!served.parked.empty() && limit > 0 && served.claimed < served.slots) {
    auto parked = std::move(served.parked.front().first);
    served.parked.pop_front();
    if (parked.context->stopping()) {
      give_back(parked);
      continue;
    }
    const auto& context = parked.context;
    const auto& spec = context->task();
    claimed_attempt given;
    given.task.spec = {context, &spec};
    given.task.payload = {context, &context->payload()};
    given.fence = context->fence();
    given.limit = spec.timeout;
    if (spec.deadline)
      given.limit = std::clamp(std::chrono::duration_cast<milliseconds>(*spec.deadline - time), milliseconds{0}, given.limit);
    given.parents = context->parents();
    reply.attempts.push_back(std::move(given));
    attempt_name which{spec.id, context->fence()};
    auto& claimed = attempts_[which];
    claimed.what = std::move(parked);
    claimed.claimed_at = time;
    claimed.until = until;
    x.attempts.insert(which);
    ++served.claimed;
    ++served.started;
    --limit;
  }
}

void worker_sessions_state::hand_out() {
  handing_out_ = false;
  for (auto& [id, session] : sessions_)
    for (auto& [type, served] : session.services) {
      if (served.parked.empty() || served.claims.empty())
        continue;
      while (!served.parked.empty() && !served.claims.empty()) {
        claim_reply reply;
        take_parked(session, served, served.claims.front().limit, reply);
        if (reply.attempts.empty())
          break;
        add_stops(session, reply.stops);
        served.claims.front().promise.deliver(std::move(reply));
        served.claims.pop_front();
      }
      offer(served);
    }
}

// -- while they run --------------------------------------------------------------

void worker_sessions_state::add_stops(const session& x, std::vector<attempt_stop>& stops) const {
  for (const auto& which : x.attempts)
    if (const auto& context = attempts_.at(which).what.context; context->stopping())
      stops.push_back({which.id, which.fence, reason_of(context->stop_cause())});
}

void worker_sessions_state::report(const attempt& x, const attempt_beat& beat) const {
  auto skipped = beat.lines.size() > limits::lines ? beat.lines.size() - limits::lines : 0;
  for (auto line = beat.lines.begin() + static_cast<std::ptrdiff_t>(skipped); line != beat.lines.end(); ++line)
    x.what.context->log(std::min(line->level, log_level::error), line->message, line->data);
  if (beat.percent)
    x.what.context->progress(*beat.percent, beat.message);
}

caf::result<heartbeat_reply> worker_sessions_state::heartbeat(const heartbeat_request& x) {
  auto* session = find(x.worker);
  if (!session)
    return refuse_unknown(x.worker);
  if (x.attempts.size() > limits::attempts)
    return make_error(ec::too_large, std::to_string(x.attempts.size()) + " attempts in one heartbeat; at most "
                                       + std::to_string(limits::attempts) + " are allowed: send several", "/attempts");
  auto until = self_->clock().now() + options_.lease;
  session->until = until;
  heartbeat_reply reply;
  reply.lease = options_.lease;
  for (const auto& beat : x.attempts) {
    attempt_name which{beat.id, beat.fence};
    if (session->attempts.count(which) > 0) {
      auto& attempt = attempts_.at(which);
      attempt.until = until;
      report(attempt, beat);
    } else if (attempts_.count(which) == 0 && settled_.count(which) == 0) { // else its finish has overtaken the heartbeat
      reply.stops.push_back({beat.id, beat.fence, stop_reason::stale});
    }
  }
  add_stops(*session, reply.stops);
  return reply;
}

} // namespace overwatch
