#include "messages/client/remote_service.hpp"

#include <algorithm>

namespace overwatch {

namespace {

constexpr milliseconds claim_wait{30'000};
constexpr milliseconds answer_limit{30'000};       // beside the wait
constexpr milliseconds attach_limit{86'400'000};   // a cluster that is away may come back
constexpr milliseconds beat_while_running{1'000};  // progress and cancels travel with heartbeats
constexpr milliseconds pause_after_error{500};

finished_attempt run(const remote_handler& handler, remote_attempt& attempt) {
  finished_attempt how;
  how.id = attempt.task().id;
  how.fence = attempt.fence();
  auto begin = std::chrono::steady_clock::now();
  how.completed = false;
  try {
    how.result = handler(attempt);
    how.completed = true;
  } catch (const attempt_failed& error) {
    how.message = error.what();
    how.retryable = error.retryable();
  } catch (const std::exception& error) {
    how.message = std::string{"the handler threw: "} + error.what();
  } catch (...) {
    how.message = "the handler threw something that is no std::exception";
  }
  auto spent = std::chrono::steady_clock::now() - begin;
  how.execution = std::max(std::chrono::microseconds{1}, std::chrono::duration_cast<std::chrono::microseconds>(spent));
  how.lines = attempt.take_beat().lines;
  return how;
}

} // namespace

remote_service::remote_service(remote_service_options options, poster post)
  : options_{std::move(options)}, post_{std::move(post)}, threads_{std::make_shared<handler_threads>(options_.slots)} {}

void remote_service::start(connection_state& connection, std::function<void(const failure&)> registered) {
  connection_ = &connection;
  registered_ = std::move(registered);
  connection.on_tick([self = shared_from_this()](time_point time) { self->tick(time); });
  attach();
}

void remote_service::tick(time_point time) {
  if (worker_.empty() && !done())
    attach();
  if (worker_.empty())
    return;
  send_outcomes(time);
  send_heartbeat(time);
  claim(time);
}

// -- coming and going ------------------------------------------------------------

void remote_service::attach() {
  if (std::exchange(attaching_, true))
    return;
  register_worker_request request{
    options_.name, {{options_.task_type, options_.slots}}, options_.address, connection_->handle()};
  connection_->begin<worker_registration>(std::move(request), true, attach_limit,
                                          [this](caf::expected<worker_registration> reply) {
                                            attaching_ = false;
                                            if (reply) {
                                              worker_ = reply->worker;
                                              lease_ = reply->lease;
                                              next_beat_ = connection_->now() + lease_ / 3;
                                            }
                                            if (auto tell = std::exchange(registered_, nullptr))
                                              tell(reply ? failure{} : describe(reply.error()));
                                            if (reply)
                                              tick(connection_->now());
                                          });
}

// The node has forgotten this worker: what runs was lost with it and is started again. Outcomes are still sent: the log
// knows which of them count.
void remote_service::forgotten(const std::string& worker) {
  if (worker_ != worker)
    return;
  worker_.clear();
  stop(stop_reason::stale);
  attach();
}

void remote_service::leave() {
  if (std::exchange(leaving_, true) || worker_.empty())
    return;
  connection_->begin<leave_reply>(leave_request{worker_}, true, answer_limit, [](caf::expected<leave_reply>) {
    // Whatever the answer: without heartbeats the lease ends.
  });
}

void remote_service::stop(stop_reason why) {
  for (auto& [key, x] : running_)
    if (!x.how)
      x.attempt->stop(why);
}

// -- attempts --------------------------------------------------------------------

void remote_service::claim(time_point time) {
  auto taken = static_cast<uint32_t>(running_.size()) + asked_;
  if (leaving_ || taken >= options_.slots || time < next_claim_)
    return;
  auto limit = std::min(options_.slots - taken, worker_limits::claim);
  asked_ += limit;
  claim_request request{worker_, options_.task_type, limit, claim_wait};
  connection_->begin<claim_reply>(std::move(request), true, claim_wait + answer_limit,
                                  [this, limit, worker = worker_](caf::expected<claim_reply> reply) {
                                    asked_ -= limit;
                                    if (reply) {
                                      for (auto& attempt : reply->attempts)
                                        execute(std::move(attempt));
                                      obey(reply->stops);
                                      claim(connection_->now());
                                      return;
                                    }
                                    next_claim_ = connection_->now() + pause_after_error;
                                    if (describe(reply.error()).code == ec::not_found)
                                      forgotten(worker);
                                  });
}

void remote_service::execute(claimed_attempt what) {
  auto key = key_of(what.task.spec->id, what.fence);
  auto attempt = std::make_shared<remote_attempt>(std::move(what));
  auto [place, fresh] = running_.try_emplace(key);
  if (!fresh)
    return;
  place->second.attempt = attempt;
  next_beat_ = std::min(next_beat_, connection_->now() + beat_while_running);
  threads_->run([attempt, key, handler = options_.handler, post = post_, self = weak_from_this()] {
    post([self, key, how = run(handler, *attempt)](connection_state&) {
      if (auto service = self.lock())
        service->ended(key, how);
    });
  });
}

void remote_service::ended(const attempt_key& key, finished_attempt how) {
  running_.at(key).how = std::move(how);
  if (!worker_.empty())
    send_outcomes(connection_->now());
}

void remote_service::send_heartbeat(time_point time) {
  if (beating_ || time < next_beat_)
    return;
  beating_ = true;
  next_beat_ = time + (running_.empty() ? lease_ / 3 : std::min(lease_ / 3, beat_while_running));
  heartbeat_request request{worker_, {}};
  for (auto& [key, x] : running_)
    request.attempts.push_back(x.attempt->take_beat());
  connection_->begin<heartbeat_reply>(std::move(request), true, lease_ / 3,
                                      [this, worker = worker_](caf::expected<heartbeat_reply> reply) {
                                        beating_ = false;
                                        if (reply)
                                          obey(reply->stops);
                                        else if (describe(reply.error()).code == ec::not_found && !done())
                                          forgotten(worker);
                                      });
}

// An outcome is sent until a node says what became of it.
void remote_service::send_outcomes(time_point time) {
  finish_request request{worker_, {}};
  for (auto& [key, x] : running_)
    if (x.how && !x.sent && x.next_try <= time && request.attempts.size() < worker_limits::attempts) {
      request.attempts.push_back(*x.how);
      x.sent = true;
    }
  if (request.attempts.empty())
    return;
  std::vector<attempt_key> sent;
  for (const auto& how : request.attempts)
    sent.push_back(key_of(how.id, how.fence));
  connection_->begin<finish_reply>(std::move(request), true, answer_limit,
                                   [this, sent = std::move(sent)](caf::expected<finish_reply> reply) {
                                     auto again = connection_->now() + pause_after_error;
                                     for (const auto& key : sent)
                                       if (auto x = running_.find(key); x != running_.end()) {
                                         x->second.sent = false;
                                         x->second.next_try = again;
                                       }
                                     if (!reply)
                                       return;
                                     for (const auto& receipt : reply->receipts)
                                       settle(receipt);
                                     claim(connection_->now());
                                   });
}

void remote_service::settle(const finish_receipt& receipt) {
  if (receipt.error.code == ec::none || receipt.error.code == ec::conflict)
    running_.erase(key_of(receipt.id, receipt.fence));
}

void remote_service::obey(const std::vector<attempt_stop>& stops) {
  for (const auto& stop : stops)
    if (auto x = running_.find(key_of(stop.id, stop.fence)); x != running_.end() && !x->second.how)
      x->second.attempt->stop(stop.reason);
}

} // namespace overwatch
