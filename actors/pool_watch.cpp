#include "actors/keys.hpp"
#include "actors/pool.hpp"
#include "messages/codec.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>

/// The half of the pool that watches what runs: reports, time limits, stops, and questions about it.
namespace overwatch {

namespace {

// Lines of one attempt are numbered from here: later attempts sort behind earlier ones.
constexpr unsigned line_bits = 32;

constexpr size_t max_listed_workers = 1'000;

} // namespace

// -- reports -------------------------------------------------------------------

void pool_state::pass_report(attempt& x, std::map<partition_id, progress_batch>& progress, journal_write& lines) {
  auto content = x.report->take();
  if (content.empty())
    return;
  const auto& id = x.what.task.spec->id;
  attempt_progress report;
  report.id = id;
  report.fence = x.what.fence;
  if (content.has_progress) {
    x.percent = content.percent;
    x.message = content.message;
    report.has_progress = true;
    report.percent = content.percent;
    report.message = content.message;
  }
  if (content.dropped) {
    log_entry note;
    note.time = options_.clock();
    note.level = log_level::warning;
    note.message = std::to_string(content.dropped) + " log lines came too fast and were dropped";
    content.lines.insert(content.lines.begin(), std::move(note));
  }
  for (auto& line : content.lines) {
    line.attempt = x.what.fence.attempt;
    line.sequence = (static_cast<uint64_t>(line.attempt) << line_bits) + ++x.lines;
    lines.batch.put(key_space::series, keys::log_line(id, line.attempt, x.lines), encode(line));
  }
  report.lines = std::move(content.lines);
  progress[id.partition()].attempts.push_back(std::move(report));
}

void pool_state::pass_reports() {
  std::map<partition_id, progress_batch> progress;
  journal_write lines;
  for (auto& [id, x] : running_)
    pass_report(x, progress, lines);
  send_reports(std::move(progress), std::move(lines));
}

// Progress that no scheduler can take is not missed: the next replaces it.
void pool_state::send_reports(std::map<partition_id, progress_batch> progress, journal_write lines) {
  if (!lines.batch.empty())
    self_->send(journal_, std::move(lines));
  for (auto& [partition, batch] : progress)
    if (auto i = leaders_.find(partition); i != leaders_.end() && i->second.handle)
      self_->send(i->second.handle, std::move(batch));
}

// -- stopping ------------------------------------------------------------------

void pool_state::ask_to_stop(attempt& x, cancellation::cause why) {
  if (x.fence_at)
    return;
  x.stop->request(why);
  if (options_.make_worker)
    self_->send(workers_.at(x.worker).handle, stop_attempt{x.what.task.spec->id, x.what.fence, why});
  x.fence_at = self_->clock().now() + options_.stop_grace;
  tick_at(*x.fence_at);
}

// Of an attempt whose handler was not called.
void pool_state::stop_early(const assignment& what, cancellation::cause why) {
  conclude(why == cancellation::cause::shutdown
             ? sent_back(what)
             : never_began(what, "it was cancelled before its handler was called"));
}

void pool_state::stop(const stop_attempt& x) {
  if (auto i = running_.find(x.id); i != running_.end() && i->second.what.fence == x.fence) {
    ask_to_stop(i->second, x.cause);
    return;
  }
  if (auto i = capturing_.find(x.id); i != capturing_.end() && i->second.what.fence == x.fence) {
    i->second.stop = x.cause;
    self_->send(options_.snapshotter, stop_capture{x.id});
    return;
  }
  if (auto i = behind_.find(x.id); i != behind_.end() && i->second.fence == x.fence) {
    stop_early(i->second, x.cause);
    behind_.erase(i);
  }
  for (const auto& what : waiting_.take([&](const assignment& y) { return y.task.spec->id == x.id && y.fence == x.fence; }))
    stop_early(what, x.cause);
  send_outcomes();
  start_waiting();
}

// Timeout and deadline, whichever comes first.
void pool_state::set_stop_time(attempt& x) const {
  x.stop_at = x.timeout_at;
  x.stop_cause = cancellation::cause::timeout;
  if (!x.deadline)
    return;
  auto at = self_->clock().now() + (*x.deadline - options_.clock());
  if (at < x.stop_at) {
    x.stop_at = at;
    x.stop_cause = cancellation::cause::deadline;
  }
}

void pool_state::set_deadline(const deadline_change& x) {
  auto is_meant = [&](const assignment& y) { return y.task.spec->id == x.id && y.fence == x.fence; };
  if (auto i = running_.find(x.id); i != running_.end() && is_meant(i->second.what)) {
    i->second.deadline = x.deadline;
    set_stop_time(i->second);
    tick_at(i->second.stop_at);
    return;
  }
  auto change = [&](assignment& y) { // its handler was not called yet
    auto spec = std::make_shared<task_spec>(*y.task.spec);
    spec->deadline = x.deadline;
    y.task.spec = std::move(spec);
  };
  if (auto i = capturing_.find(x.id); i != capturing_.end() && is_meant(i->second.what))
    change(i->second.what);
  if (auto i = behind_.find(x.id); i != behind_.end() && is_meant(i->second))
    change(i->second);
  waiting_.for_each([&](assignment& y) {
    if (!is_meant(y))
      return;
    change(y);
    watch_deadline_of(y);
  });
}

// The handler did not stop: its thread stays with it, its slot and its task go on without it.
void pool_state::abandon(attempt& x) {
  auto& worker = workers_.at(x.worker);
  worker.abandoned = true;
  outcome ignored;
  ignored.kind = violation::exception;
  ignored.message = "it was told to stop and did not within "
                    + std::to_string(options_.stop_grace.count() / 1000) + " s; its handler may still be running";
  auto result = outcome_of(x, ignored);
  result.execution = std::max(std::chrono::microseconds{0}, options_.clock() - x.began);
  conclude(std::move(result));
}

void pool_state::watch_time(time_point time) {
  std::vector<task_id> fenced_off;
  for (auto& [id, x] : running_) {
    if (!x.fence_at && time >= x.stop_at)
      ask_to_stop(x, x.stop_cause);
    if (x.fence_at && time >= *x.fence_at)
      fenced_off.push_back(id);
  }
  for (const auto& id : fenced_off) {
    auto i = running_.find(id);
    abandon(i->second);
    forget(i);
  }
}

// Its deadline is watched while it waits.
void pool_state::watch_deadline_of(const assignment& what) {
  if (const auto& deadline = what.task.spec->deadline)
    tick_at(self_->clock().now() + (*deadline - options_.clock()));
}

void pool_state::watch_waiting() {
  auto is_late = [time = options_.clock()](const assignment& x) {
    const auto& deadline = x.task.spec->deadline;
    return deadline && *deadline <= time;
  };
  for (const auto& what : waiting_.take(is_late)) {
    auto late = never_began(what, "its deadline passed while it waited for a slot");
    late.kind = violation::timeout;
    late.retryable = false;
    conclude(std::move(late));
  }
  waiting_.for_each([&](const assignment& x) { watch_deadline_of(x); });
}

void pool_state::tick_at(time_point time) {
  if (next_tick_ && *next_tick_ <= time)
    return;
  next_tick_ = time;
  auto wait = std::max(caf::actor_clock::duration_type{0}, time - self_->clock().now());
  self_->delayed_send(self_, wait, caf::tick_atom::value, ++tick_generation_);
}

void pool_state::tick(uint64_t generation) {
  if (generation != tick_generation_)
    return; // a nearer one was set since
  next_tick_.reset();
  pass_reports();
  auto time = self_->clock().now();
  watch_time(time);
  watch_waiting();
  watch_leaders(time);
  watch_leases(time);
  if (drain_.promise && time >= drain_.until)
    for (auto& [id, x] : running_)
      ask_to_stop(x, cancellation::cause::shutdown);
  send_again(time);
  send_outcomes();
  start_waiting();
  if (resend_at_)
    tick_at(*resend_at_);
  if (!running_.empty() && options_.handler.options.blocking)
    tick_at(time + options_.tick_interval);
  for (const auto& [id, x] : running_)
    tick_at(x.fence_at.value_or(x.stop_at));
}

caf::result<drain_reply> pool_state::drain(const drain_request& x) {
  if (drain_.promise)
    return make_error(ec::conflict, "the pool drains already");
  auto promise = self_->make_response_promise<drain_reply>();
  drain_.promise = promise;
  drain_.until = self_->clock().now() + x.limit;
  tick_at(drain_.until);
  tell_keeper();
  offer_to_all(); // nothing, from now on
  drain_.reply.requeued += static_cast<uint32_t>(waiting_.size() + behind_.size());
  for (const auto& what : waiting_.take([](const assignment&) { return true; }))
    conclude(sent_back(what));
  for (const auto& [id, what] : behind_)
    conclude(sent_back(what));
  behind_.clear();
  for (auto& [id, x] : capturing_) {
    x.stop = cancellation::cause::shutdown;
    self_->send(options_.snapshotter, stop_capture{id});
  }
  send_outcomes();
  return promise;
}

// Over when nothing runs, and what has ended is in the log, or can not get there.
void pool_state::finish_drain() {
  if (!drain_.promise || !drain_.promise->pending() || !running_.empty() || !waiting_.empty() || !capturing_.empty())
    return;
  auto time = self_->clock().now();
  if (!drain_.settled_by)
    drain_.settled_by = time + options_.settle_limit;
  if (ended_.empty() || time >= *drain_.settled_by)
    drain_.promise->deliver(drain_.reply);
  else
    tick_at(*drain_.settled_by);
}

// -- looking -------------------------------------------------------------------

pool_status pool_state::status() const {
  pool_status result;
  result.task_type = options_.task_type;
  result.node = options_.node;
  result.description = options_.handler.options.description;
  result.slots = options_.slots;
  result.busy = static_cast<uint32_t>(running_.size() + capturing_.size());
  result.waiting = static_cast<uint32_t>(waiting_.size() + behind_.size());
  result.blocking = options_.handler.options.blocking;
  result.started = started_;
  for (const auto& [number, worker] : workers_)
    result.abandoned += worker.abandoned ? 1 : 0;
  return result;
}

workers_reply pool_state::workers() const {
  workers_reply reply;
  auto add = [&](uint64_t number, const worker_entry& worker) {
    worker_status x;
    x.id = options_.node + '/' + options_.task_type + '/' + std::to_string(number);
    x.task_type = options_.task_type;
    x.node = options_.node;
    x.completed = worker.completed;
    x.failed = worker.failed;
    x.busy = !worker.tasks.empty();
    if (x.busy) {
      x.task = worker.tasks.front();
      if (auto i = running_.find(*x.task); i != running_.end())
        x.since = i->second.began;
    }
    reply.workers.push_back(std::move(x));
  };
  for (auto busy : {true, false})
    for (const auto& [number, worker] : workers_)
      if (worker.tasks.empty() != busy && reply.workers.size() < max_listed_workers)
        add(number, worker);
  return reply;
}

} // namespace overwatch
