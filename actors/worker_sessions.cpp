#include "actors/worker_sessions.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <cstdio>

/// Who is attached. What they are given is in worker_sessions_claims.cpp, how it ends in worker_sessions_outcomes.cpp.
namespace overwatch {

namespace {

namespace limits = worker_limits;

constexpr size_t max_listed_workers = 1'000;

constexpr auto retirement_limit = std::chrono::seconds{86'400}; // longer than what is claimed should take

failure check_text(const char* field, const std::string& text, size_t low, size_t high) {
  if (text.size() >= low && text.size() <= high)
    return {};
  return {ec::invalid, field, "has " + std::to_string(text.size()) + " bytes; " + std::to_string(low) + " to "
                                + std::to_string(high) + " are allowed"};
}

failure check_registration(const register_worker_request& x) {
  if (auto fault = check_text("/name", x.name, 1, limits::name_bytes))
    return fault;
  if (auto fault = check_text("/address", x.address, 0, limits::address_bytes))
    return fault;
  if (x.types.empty() || x.types.size() > limits::task_types)
    return {ec::invalid, "/types", std::to_string(x.types.size()) + " task types; a worker serves 1 to "
                                     + std::to_string(limits::task_types)};
  std::set<std::string> seen;
  for (const auto& type : x.types) {
    auto field = "/types/" + type.task_type.substr(0, task_limits::type_bytes);
    if (!is_task_type(type.task_type))
      return {ec::invalid, field, "is no task type: 1 to 64 characters of a-z, 0-9, '_', '.', '-' are allowed"};
    if (type.slots < 1 || type.slots > limits::slots)
      return {ec::invalid, field, std::to_string(type.slots) + " slots; 1 to " + std::to_string(limits::slots) + " are allowed"};
    if (!seen.insert(type.task_type).second)
      return {ec::invalid, field, "is there twice"};
  }
  return {};
}

} // namespace

caf::error worker_sessions_state::refuse_stopping() {
  return make_error(ec::unavailable, "this node is stopping; register at another one or when it is back");
}

caf::error worker_sessions_state::refuse_unknown(const std::string& id) {
  return make_error(ec::not_found, "no worker \"" + id.substr(0, 256) + "\" is attached here (any more); register again");
}

void worker_sessions_state::set_up(pointer self, worker_sessions_options options, gateway_actor front, journal_actor journal) {
  self_ = self;
  options_ = std::move(options);
  front_ = std::move(front);
  journal_ = std::move(journal);
  random_.seed(options_.seed);
}

worker_sessions_state::session* worker_sessions_state::find(const std::string& id) {
  auto i = sessions_.find(id);
  return i == sessions_.end() ? nullptr : &i->second;
}

worker_sessions_state::service* worker_sessions_state::service_of(const parked_attempt& x) {
  auto* owner = find(x.session);
  return owner ? &owner->services.at(x.task_type) : nullptr;
}

// -- coming and going ------------------------------------------------------------

caf::result<worker_registration> worker_sessions_state::add(const register_worker_request& x) {
  if (draining_)
    return refuse_stopping();
  if (auto fault = check_registration(x))
    return make_error(fault);
  auto promise = self_->make_response_promise<worker_registration>();
  settings_request declared;
  for (const auto& type : x.types)
    if (options_.task_types.count(type.task_type) == 0)
      declared.set["task_types." + type.task_type] = "1";
  if (declared.set.empty()) {
    open(x, promise);
    return promise;
  }
  self_->request(front_, options_.request_timeout, std::move(declared))
    .then([this, x, promise](const settings_reply&) { open(x, promise); },
          [promise](caf::error& error) mutable { promise.deliver(std::move(error)); });
  return promise;
}

void worker_sessions_state::open(const register_worker_request& x, caf::typed_response_promise<worker_registration> promise) {
  if (sessions_.size() >= options_.max_sessions) {
    promise.deliver(make_error(ec::overloaded, std::to_string(sessions_.size()) + " workers are attached to node "
                                                 + options_.node + " (setting workers.max); try another node"));
    return;
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(random_()));
  auto id = options_.node + ':' + text;
  auto& session = sessions_[id];
  session.id = id;
  session.what = x;
  session.until = self_->clock().now() + options_.lease;
  for (const auto& type : x.types)
    session.services[type.task_type].slots = type.slots;
  if (x.program)
    self_->monitor(caf::actor_cast<caf::actor>(x.program));
  keep_ticking();
  promise.deliver(worker_registration{id, options_.lease});
}

void worker_sessions_state::program_down(const caf::actor_addr& program) {
  auto until = self_->clock().now() + options_.gone_after;
  for (auto& [id, x] : sessions_) {
    if (!x.what.program || caf::actor_cast<caf::actor_addr>(x.what.program) != program)
      continue;
    x.until = std::min(x.until, until);
    for (auto& [type, served] : x.services)
      drop_claims(served); // their answers would reach nobody
  }
}

void worker_sessions_state::drop_claims(service& x) {
  for (auto& claim : x.claims)
    claim.promise.deliver(claim_reply{});
  x.claims.clear();
  offer(x);
}

caf::result<leave_reply> worker_sessions_state::leave(const leave_request& x) {
  auto* session = find(x.worker);
  if (!session)
    return refuse_unknown(x.worker);
  session->leaving = true;
  leave_reply reply;
  for (auto& [type, served] : session->services) {
    drop_claims(served);
    give_back_all(served);
    reply.running += served.claimed;
  }
  if (reply.running == 0)
    close(x.worker);
  return reply;
}

// Its lease has ended, or it has left and nothing of it runs.
void worker_sessions_state::close(const std::string& id) {
  auto i = sessions_.find(id);
  auto session = std::move(i->second);
  for (auto& [type, served] : session.services) {
    for (auto& claim : served.claims)
      claim.promise.deliver(refuse_unknown(id));
    give_back_all(served);
  }
  for (const auto& which : session.attempts)
    lose(which, "its worker " + session.what.name + " (" + id + ") said nothing for "
                  + std::to_string(options_.lease.count() / 1000) + " s or lost its connection");
  for (auto& [type, served] : session.services)
    if (served.pool)
      retire(served.pool);
  sessions_.erase(i);
}

// What it has still to say to the scheduler comes first.
void worker_sessions_state::retire(const pool_actor& pool) {
  auto leave = [this, pool](auto&&...) {
    self_->unlink_from(pool.address());
    self_->send_exit(pool, caf::exit_reason::user_shutdown);
  };
  self_->request(pool, retirement_limit, drain_request{}).then([leave](const drain_reply&) { leave(); }, [](const caf::error&) {
    // It drains already, because the node stops.
  });
}

caf::result<drain_reply> worker_sessions_state::drain(const drain_request& x) {
  draining_ = true;
  struct sum {
    caf::typed_response_promise<drain_reply> promise;
    drain_reply reply;
    size_t missing = 1;
    void count_down() {
      if (--missing == 0)
        promise.deliver(reply);
    }
  };
  auto all = std::make_shared<sum>();
  all->promise = self_->make_response_promise<drain_reply>();
  for (auto& [id, session] : sessions_)
    for (auto& [type, served] : session.services) {
      for (auto& claim : served.claims)
        claim.promise.deliver(refuse_stopping());
      served.claims.clear();
      give_back_all(served);
      if (!served.pool)
        continue;
      ++all->missing;
      self_->request(served.pool, x.limit + retirement_limit, x)
        .then(
          [all](const drain_reply& reply) {
            all->reply.finished += reply.finished;
            all->reply.requeued += reply.requeued;
            all->count_down();
          },
          [all](const caf::error&) { all->count_down(); });
    }
  all->count_down();
  return all->promise;
}

void worker_sessions_state::join(const leader_in_sight& x) {
  leaders_[x.partition] = x;
  for (auto& [id, session] : sessions_)
    for (auto& [type, served] : session.services)
      if (served.pool)
        self_->send(served.pool, x);
}

void worker_sessions_state::share_slots(caf::strong_actor_ptr keeper) {
  keeper_ = std::move(keeper);
  for (auto& [id, session] : sessions_)
    for (auto& [type, served] : session.services)
      if (served.pool)
        self_->send(served.pool, caf::subscribe_atom::value, keeper_);
}

// -- looking ---------------------------------------------------------------------

pools_reply worker_sessions_state::pools() const {
  pools_reply reply;
  for (const auto& [id, session] : sessions_)
    for (const auto& [type, served] : session.services) {
      pool_status x;
      x.task_type = type;
      x.node = options_.node;
      x.description = "attached worker " + session.what.name;
      x.slots = served.slots;
      x.busy = served.claimed;
      x.waiting = static_cast<uint32_t>(served.parked.size());
      x.started = served.started;
      x.worker = id;
      x.address = session.what.address;
      reply.pools.push_back(std::move(x));
    }
  return reply;
}

workers_reply worker_sessions_state::workers() const {
  workers_reply reply;
  for (const auto& [id, session] : sessions_)
    for (const auto& [type, served] : session.services) {
      if (reply.workers.size() >= max_listed_workers)
        return reply;
      worker_status x;
      x.id = id;
      x.task_type = type;
      x.node = options_.node;
      x.completed = served.completed;
      x.failed = served.failed;
      x.name = session.what.name;
      x.address = session.what.address;
      x.slots = served.slots;
      x.running = served.claimed;
      x.busy = served.claimed > 0;
      for (const auto& which : session.attempts)
        if (const auto& attempt = attempts_.at(which); attempt.what.task_type == type && (!x.since || attempt.claimed_at < *x.since)) {
          x.task = which.id;
          x.since = attempt.claimed_at;
        }
      reply.workers.push_back(std::move(x));
    }
  return reply;
}

// -- the actor -------------------------------------------------------------------

worker_sessions_actor::behavior_type worker_sessions(worker_sessions_state::pointer self, worker_sessions_options options,
                                                     gateway_actor front, journal_actor journal) {
  self->state.set_up(self, std::move(options), std::move(front), std::move(journal));
  self->set_down_handler([=](const caf::down_msg& x) { self->state.program_down(x.source); });
  return {
    [=](const register_worker_request& x) { return self->state.add(x); },
    [=](const claim_request& x) { return self->state.claim(x); },
    [=](const heartbeat_request& x) { return self->state.heartbeat(x); },
    [=](finish_request& x) { return self->state.finish(x); },
    [=](const leave_request& x) { return self->state.leave(x); },
    [=](const pools_request&) { return self->state.pools(); },
    [=](const workers_request&) { return self->state.workers(); },
    [=](const leader_in_sight& x) { self->state.join(x); },
    [=](caf::subscribe_atom, const caf::strong_actor_ptr& keeper) { self->state.share_slots(keeper); },
    [=](const drain_request& x) { return self->state.drain(x); },
    [=](parked_attempt& x) { self->state.park(x); },
    [=](const settled_batch& x) { self->state.settle(x); },
    [=](caf::flush_atom) { self->state.hand_out(); },
    [=](caf::tick_atom) { self->state.tick(); },
  };
}

} // namespace overwatch
