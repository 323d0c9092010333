#include "actors/pool.hpp"

#include "actors/keys.hpp"
#include "actors/worker.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>

namespace overwatch {

namespace {

// Attempts whose log lines are kept.
constexpr uint32_t logged_attempts = 5;

} // namespace

pool_state::~pool_state() {
  for (auto& [id, x] : running_)
    x.stop->request(cancellation::cause::shutdown);
  if (options_.places)
    options_.places->leave(member_);
}

void pool_state::set_up(pointer self, pool_options options, journal_actor journal) {
  self_ = self;
  options_ = std::move(options);
  configured_slots_ = options_.slots;
  journal_ = std::move(journal);
  if (!options_.places)
    return;
  member_ = options_.places->join([address = self->address()] {
    if (auto pool = caf::actor_cast<caf::strong_actor_ptr>(address))
      caf::anon_send(caf::actor_cast<pool_actor>(pool), caf::flush_atom::value);
  });
}

void pool_state::resize(uint32_t slots) {
  options_.slots = slots > 0 ? slots : configured_slots_;
  tell_keeper();
  offer_to_all();
  start_waiting();
}

// -- starting ------------------------------------------------------------------

void pool_state::take(assignment&& what) {
  const auto id = what.task.spec->id;
  if (auto older = running_.find(id); older != running_.end()) { // this node was away, and the task went on
    ask_to_stop(older->second, cancellation::cause::stale);
    behind_[id] = std::move(what);
    return;
  }
  if (what.fence.attempt > 1)
    for (const auto& older : waiting_.take([&](const assignment& x) { return x.task.spec->id == id; }))
      conclude(sent_back(older));
  if (captures(*what.task.spec) && !options_.snapshotter) {
    auto refused = never_began(what, "its snapshot could not be captured: this node captures no files");
    refused.retryable = false;
    conclude(std::move(refused));
    return;
  }
  watch_deadline_of(what);
  if (may_begin(what))
    waiting_.push(std::move(what));
  else
    waiting_.hold_back(std::move(what));
}

uint64_t pool_state::idle_worker() {
  if (!idle_.empty()) {
    auto number = idle_.back();
    idle_.pop_back();
    return number;
  }
  if (!options_.handler.options.blocking && workers_.size() >= options_.max_inline_workers)
    return 0;
  auto number = next_worker_++;
  auto owner = pool_actor{self_};
  const auto& handler = options_.handler;
  auto& handle = workers_[number].handle;
  if (options_.make_worker)
    handle = options_.make_worker(self_->system(), number, owner);
  else if (handler.options.blocking)
    handle = self_->spawn<caf::detached>(worker, number, handler.run, owner);
  else
    handle = self_->spawn(worker, number, handler.run, owner);
  self_->monitor(handle);
  return number;
}

bool pool_state::take_slot() {
  if (options_.places && !options_.places->take(member_))
    return false;
  ++slots_taken_;
  return true;
}

// Those of attempts that have ended.
void pool_state::return_slots() {
  auto used = static_cast<uint32_t>(running_.size() + capturing_.size() + waiting_.with_slot());
  auto ended = slots_taken_ - used;
  if (ended == 0)
    return;
  slots_taken_ = used;
  if (options_.places)
    options_.places->give_back(member_, ended);
}

// There was none when it was wanted, and one is kept for this pool now.
void pool_state::take_place() {
  start_waiting();
  options_.places->give_up_kept(member_);
}

std::optional<assignment> pool_state::next_to_start() {
  while (!waiting_.none_next()) {
    if (!may_begin(waiting_.front())) { // its lease ran out while this process stood still
      conclude(sent_back(waiting_.pop()));
      tick_at(self_->clock().now());
      continue;
    }
    if (waiting_.with_slot() > 0)
      return waiting_.pop();
    const auto id = waiting_.front().task.spec->id;
    if (running_.count(id) > 0) {
      behind_[id] = waiting_.pop();
      continue;
    }
    if (!has_slot() || !take_slot())
      break;
    auto what = waiting_.pop();
    if (!captures(*what.task.spec))
      return what;
    begin_capture(std::move(what));
  }
  return std::nullopt;
}

void pool_state::start_waiting() {
  return_slots();
  auto batch_size = options_.handler.options.blocking ? size_t{1} : options_.inline_batch;
  while (waiting_.with_slot() > 0 || (!waiting_.none_next() && has_slot())) {
    auto number = idle_worker();
    if (number == 0)
      return;
    std::vector<assignment> batch;
    while (batch.size() < batch_size) {
      auto next = next_to_start();
      if (!next)
        break;
      batch.push_back(std::move(*next));
    }
    if (batch.empty()) {
      idle_.push_back(number);
      return;
    }
    start(number, std::move(batch));
  }
}

void pool_state::start(uint64_t number, std::vector<assignment> batch) {
  auto& worker = workers_.at(number);
  auto time = options_.clock();
  auto ticks = self_->clock().now();
  work message;
  journal_write forgotten;
  for (auto& what : batch) {
    const auto& spec = *what.task.spec;
    attempt x;
    x.worker = number;
    x.stop = std::make_shared<cancellation>();
    x.report = std::make_shared<attempt_report>();
    x.began = time;
    x.deadline = spec.deadline;
    x.timeout_at = ticks + spec.timeout;
    if (what.fence.attempt > logged_attempts)
      forgotten.batch.erase_range(key_space::series, keys::log_lines_of(spec.id, what.fence.attempt - logged_attempts),
                                  keys::log_lines_of(spec.id, what.fence.attempt - logged_attempts + 1));
    message.attempts.push_back(std::make_shared<const attempt_context>(what.task.spec, what.task.payload, what.fence, x.stop,
                                                                        x.report, std::move(what.parents),
                                                                        options_.services));
    worker.tasks.push_back(spec.id);
    x.what = std::move(what);
    set_stop_time(x);
    tick_at(x.stop_at);
    running_[x.what.task.spec->id] = std::move(x);
    ++started_;
  }
  if (!forgotten.batch.empty())
    self_->send(journal_, std::move(forgotten));
  self_->send(worker.handle, std::move(message));
  if (options_.handler.options.blocking)
    tick_at(ticks + options_.tick_interval);
}

// -- ending --------------------------------------------------------------------

attempt_outcome pool_state::outcome_of(const attempt& x, const outcome& how) const {
  attempt_outcome result;
  result.id = x.what.task.spec->id;
  result.fence = x.what.fence;
  result.kind = how.kind;
  result.message = how.message;
  result.retryable = how.retryable;
  result.percent = x.percent;
  result.progress = x.message;
  result.started_at = x.began;
  result.usage = how.usage;
  if (!how.result.empty())
    result.result = std::make_shared<const std::string>(how.result);
  if (how.kind == violation::none)
    return result;
  switch (x.stop->requested()) {
    case cancellation::cause::none:
    case cancellation::cause::cancelled:
    case cancellation::cause::stale:
      break;
    case cancellation::cause::timeout:
      result.kind = violation::timeout;
      result.message = "it took longer than its timeout of "
                       + std::to_string(x.what.task.spec->timeout.count()) + " ms";
      break;
    case cancellation::cause::deadline:
      result.kind = violation::timeout;
      result.retryable = false;
      result.message = "its deadline passed while it ran";
      break;
    case cancellation::cause::shutdown:
      result.requeue = true;
  }
  return result;
}

// It is gone: a newer attempt of the task may begin.
void pool_state::forget(std::unordered_map<task_id, attempt>::iterator ended) {
  auto next = behind_.find(ended->first);
  running_.erase(ended);
  if (next == behind_.end())
    return;
  auto what = std::move(next->second);
  behind_.erase(next);
  take(std::move(what));
}

void pool_state::take_outcomes(attempts_done& x) {
  auto i = workers_.find(x.worker);
  if (i == workers_.end())
    return;
  auto& worker = i->second;
  std::map<partition_id, progress_batch> progress;
  journal_write lines;
  settled_batch unwanted;
  for (auto& item : x.items) {
    ++(item.how.kind == violation::none ? worker.completed : worker.failed);
    auto found = running_.find(item.id);
    if (found == running_.end() || found->second.worker != x.worker) { // fenced off
      unwanted.outcomes.push_back({item.id, item.fence, false});
      continue;
    }
    auto& running = found->second;
    pass_report(running, progress, lines);
    running.began = item.started_at;
    auto result = outcome_of(running, item.how);
    result.execution = item.execution;
    drain_.reply.finished += drain_.promise && !result.requeue ? 1 : 0;
    drain_.reply.requeued += result.requeue ? 1 : 0;
    conclude(std::move(result), options_.make_worker ? x.worker : 0);
    forget(found);
  }
  send_reports(std::move(progress), std::move(lines)); // before the outcome: the log is complete when the task has ended
  if (options_.make_worker && !unwanted.outcomes.empty())
    self_->send(worker.handle, std::move(unwanted));
  worker.tasks.clear();
  worker.retired = worker.abandoned || workers_.size() - 1 >= std::max<size_t>(options_.slots, options_.max_inline_workers);
  if (worker.retired)
    dismiss(i);
  else
    idle_.push_back(x.worker);
  send_outcomes();
  start_waiting();
}

void pool_state::dismiss(std::map<uint64_t, worker_entry>::iterator worker) {
  if (worker->second.unsettled > 0)
    return;
  self_->demonitor(worker->second.handle.address());
  self_->send_exit(worker->second.handle, caf::exit_reason::user_shutdown);
  workers_.erase(worker);
}

void pool_state::worker_down(const caf::actor_addr& source) {
  auto i = std::find_if(workers_.begin(), workers_.end(),
                        [&](const auto& x) { return x.second.handle.address() == source; });
  if (i == workers_.end()) {
    scheduler_down(source);
    return;
  }
  outcome lost;
  lost.kind = violation::lost;
  lost.message = "its worker failed";
  for (const auto& id : i->second.tasks)
    if (auto found = running_.find(id); found != running_.end() && found->second.worker == i->first) {
      conclude(outcome_of(found->second, lost));
      forget(found);
    }
  idle_.erase(std::remove(idle_.begin(), idle_.end(), i->first), idle_.end());
  workers_.erase(i);
  send_outcomes();
  start_waiting();
}

// -- the actor -----------------------------------------------------------------

pool_actor::behavior_type pool(pool_state::pointer self, pool_options options, journal_actor journal) {
  self->state.set_up(self, std::move(options), std::move(journal));
  self->set_down_handler([=](const caf::down_msg& x) { self->state.worker_down(x.source); });
  return {
    [=](assignment_batch& x) { self->state.hear(x, self->current_sender()); },
    [=](const stop_attempt& x) { self->state.stop(x); },
    [=](const deadline_change& x) { self->state.set_deadline(x); },
    [=](attempts_done& x) { self->state.take_outcomes(x); },
    [=](caf::update_atom, uint32_t slots) { self->state.resize(slots); },
    [=](const lease_grant& x) { self->state.take_leases(x); },
    [=](const leader_in_sight& x) { self->state.join(x); },
    [=](caf::subscribe_atom, const caf::strong_actor_ptr& keeper) {
      self->state.share_slots(caf::actor_cast<slot_keeper_actor>(keeper));
    },
    [=](const drain_request& x) { return self->state.drain(x); },
    [=](const pools_request&) { return self->state.status(); },
    [=](const workers_request&) { return self->state.workers(); },
    [=](caf::flush_atom) { self->state.take_place(); },
    [=](caf::tick_atom, uint64_t generation) { self->state.tick(generation); },
  };
}

} // namespace overwatch
