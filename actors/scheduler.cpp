#include "actors/scheduler.hpp"

#include "actors/drain_setting.hpp"
#include "actors/partition_state.hpp"
#include "actors/task_log.hpp"
#include "actors/wait_reason.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>

namespace overwatch {

namespace {

size_t bytes_of(const command& x) {
  if (const auto* submit = std::get_if<submit_command>(&x))
    return submit->task.payload->size() + 512;
  return 128;
}

} // namespace

// -- set-up and leadership -----------------------------------------------------

void scheduler_state::set_up(pointer self, scheduler_options options, event_hub_actor events) {
  self_ = self;
  options_ = std::move(options);
  events_ = std::move(events);
  random_.seed(options_.seed);
  reset();
}

void scheduler_state::reset() {
  fail_clients();
  ready_ = ready_queue{options_.ready};
  timers_ = timer_queue{options_.timer_window, false};
  parked_ = {};
  let_go_.clear();
  rate_waits_.clear();
  rates_by_time_.clear();
  demanding_.clear();
  for (auto& [id, x] : undos_)
    for (auto& promise : x.promises)
      promise.deliver(make_error(ec::not_leader, "the partition has no leader here right now; try again"));
  undos_.clear();
  compensations_.clear();
  armed_.reset();
  remote_parents_ = remote_parents{options_.parents};
  remote_parents_.expect();
  parents_asked_at_.reset();
  starting_.clear();
  running_.clear();
  restores_.clear();
  next_loss_.reset();
  loaded_ = false;
  expiry_wait_ = options_.retention_interval;
  removing_ = false;
  forgetting_ = false;
  look_on_at_.clear();
  ++role_;
  for (auto& [address, pool] : pools_) {
    pool->busy = 0;
    pool->asked = {};
    pool->agreed = false;
  }
  for (auto& [name, node] : nodes_) {
    node.busy = 0;
    node.held = {};
    node.told_wanting_at.reset();
    node.reserved_for.reset();
    node.draining = false;
    node.drain_until.reset();
  }
}

// What was proposed may become true all the same: the next leader knows.
void scheduler_state::fail_clients() {
  auto fail = [](entry_in_flight& entry, const failure& why) {
    for (auto& part : entry.clients)
      if (std::exchange(part.request->missing, 0))
        part.request->done(make_error(why));
  };
  for (auto& [number, entry] : in_flight_)
    fail(entry, {ec::timed_out, {}, "this node stopped leading the partition before it was done; whether it was is "
                                    "unknown: look, or ask again with the same id"});
  for (auto& [batch, entry] : gathered_)
    fail(entry, {ec::not_leader, {}, "the partition has no leader here right now; try again"});
  in_flight_.clear();
  gathered_.clear();
}

void scheduler_state::take_role(const role_report& x, replica_actor replica) {
  reset();
  leads_ = x.leads;
  epoch_ = x.epoch;
  replica_ = std::move(replica);
  settings_.clear();
  retention_ = options_.retention;
  concurrency_override_ = 0;
  dispatching_ = true;
  for (const auto& [key, value] : x.settings)
    use_setting(key, value);
  if (!leads_)
    return;
  for (const auto& task_type : x.task_types)
    ready_.expect(task_type);
  for (const auto& reason : x.parked)
    parked_.expect(reason);
  for (const auto& reason : x.freed)
    release(reason);
  load_running(x);
  for (const auto& [name, node] : nodes_)
    collect_snapshots(node);
  load_pages();
  expire_later();
  ask_for_parents();
  schedule_send();
}

// -- clients -------------------------------------------------------------------

command_batch& scheduler_state::open_entry(size_t bytes) {
  if (gathered_.empty() || gathered_.back().first.commands.size() >= options_.max_entry_commands
      || gathered_bytes_ + bytes > options_.max_entry_bytes) {
    gathered_.emplace_back();
    gathered_bytes_ = 0;
  }
  gathered_bytes_ += bytes;
  return gathered_.back().first;
}

void scheduler_state::add(command x, size_t bytes) {
  open_entry(bytes).commands.push_back(std::move(x));
}

caf::result<propose_reply> scheduler_state::propose(propose_request& x) {
  if (!leads_ || leaving_)
    return make_error(ec::not_leader, leaving_ ? "this node is stopping; ask another one or try again when it is back"
                                               : "this node is not ready yet; try again in a moment");
  auto promise = self_->make_response_promise<propose_reply>();
  propose_then(x, [promise](caf::expected<propose_reply> reply) mutable {
    if (reply)
      promise.deliver(std::move(*reply));
    else
      promise.deliver(std::move(reply.error()));
  });
  return promise;
}

void scheduler_state::propose_then(propose_request& x, std::function<void(caf::expected<propose_reply>)> done) {
  if (x.commands.empty()) {
    done(propose_reply{});
    return;
  }
  auto request = std::make_shared<client_request>();
  request->done = std::move(done);
  request->reply.results.resize(x.commands.size());
  request->missing = x.commands.size();
  if (x.together) { // into the open entry if it has room for all, else into one of their own
    if (!gathered_.empty() && gathered_.back().first.commands.size() + x.commands.size() > options_.max_entry_commands)
      gathered_bytes_ = options_.max_entry_bytes;
    size_t bytes = 0;
    for (const auto& one : x.commands)
      bytes += bytes_of(one);
    open_entry(bytes);
  }
  for (size_t i = 0; i < x.commands.size(); ++i) {
    auto& batch = x.together ? gathered_.back().first : open_entry(bytes_of(x.commands[i]));
    auto& parts = gathered_.back().second.clients;
    if (parts.empty() || parts.back().request != request)
      parts.push_back({request, batch.commands.size(), i, 0});
    ++parts.back().count;
    batch.commands.push_back(std::move(x.commands[i]));
  }
  schedule_send();
}

void scheduler_state::answer(const applied_entry& entry, const entry_in_flight& proposed) {
  for (const auto& part : proposed.clients) {
    auto& request = *part.request;
    auto first = entry.results.begin() + static_cast<std::ptrdiff_t>(part.first_command);
    std::copy_n(first, part.count, request.reply.results.begin() + static_cast<std::ptrdiff_t>(part.first_result));
    request.missing -= part.count;
    if (request.missing == 0)
      request.done(std::move(request.reply));
  }
  for (size_t i = 0; i < proposed.first_start && !let_go_.empty(); ++i)
    if (auto gone = let_go_.find(entry.results[i].id); gone != let_go_.end() && entry.results[i].error) {
      parked_.release(gone->second, 1); // it is not there any more: the next one
      let_go_.erase(gone);
    }
  for (auto i = proposed.first_start; i < entry.results.size(); ++i) {
    const auto& result = entry.results[i];
    auto waiting = starting_.find(result.id);
    if (!result.error || waiting == starting_.end())
      continue;
    if (waiting->second.pool) // it was cancelled, is the copy of another, or has to wait for something
      free_slot(*waiting->second.pool, waiting->second.demand);
    starting_.erase(waiting);
  }
}

void scheduler_state::cancel_running() {
  for (const auto& [id, running] : running_)
    add(cancel_command{id, "dispatch was stopped with all running tasks"});
  schedule_send();
}

caf::result<scheduler_status> scheduler_state::settle() {
  settling_.push_back(self_->make_response_promise<scheduler_status>());
  auto promise = settling_.back();
  answer_settled();
  return promise;
}

void scheduler_state::answer_settled() {
  if (!in_flight_.empty() || !gathered_.empty())
    return;
  for (auto& promise : std::exchange(settling_, {}))
    promise.deliver(status());
}

void scheduler_state::use_setting(const std::string& key, const std::string& value) {
  if (value.empty())
    settings_.erase(key);
  else
    settings_[key] = value;
  auto number = [&](uint64_t otherwise) { return value.empty() ? otherwise : std::stoull(value); };
  if (key == "dispatch")
    dispatching_ = value != "stopped";
  else if (key == "max_concurrent_tasks")
    use_limit(static_cast<uint32_t>(number(0)));
  else if (key == "retention")
    retention_ = std::chrono::seconds{number(static_cast<uint64_t>(options_.retention.count()))};
  else if (key.compare(0, 6, "slots.") == 0)
    resize_pools(key.substr(6), static_cast<uint32_t>(number(0)));
  else if (auto node = drained_node(key))
    set_drain(*node, value);
}

// -- the log -------------------------------------------------------------------

void scheduler_state::schedule_send() {
  if (leads_ && !std::exchange(send_scheduled_, true))
    self_->send(self_, caf::flush_atom::value);
}

void scheduler_state::send_gathered() {
  send_scheduled_ = false;
  while (leads_ && in_flight_.size() < options_.max_entries_in_flight) {
    proposal next;
    entry_in_flight entry;
    if (!gathered_.empty()) {
      next.batch = std::move(gathered_.front().first);
      entry = std::move(gathered_.front().second);
      gathered_.pop_front();
    }
    entry.first_start = next.batch.commands.size();
    fill_starts(entry, next.batch);
    if (next.batch.commands.empty())
      break;
    next.number = next_proposal_++;
    next.batch.time = options_.clock();
    in_flight_.emplace(next.number, std::move(entry));
    self_->send(replica_, std::move(next));
  }
  report_demand();
  load_pages();
}

void scheduler_state::applied(const applied_entry& entry) {
  auto proposed = in_flight_.find(entry.proposal);
  if (proposed == in_flight_.end())
    return; // of an earlier leadership
  for (const auto& change : entry.changes)
    react(change, entry.index);
  for (auto& [pool, batch] : std::exchange(assignments_, {}))
    send_to(*pool, std::move(batch));
  for (const auto& [key, value] : entry.settings)
    use_setting(key, value);
  react_to_gates(entry);
  react_to_freed(entry);
  answer(entry, proposed->second);
  in_flight_.erase(proposed);
  for (const auto& workflow : entry.workflows)
    if (workflow->compensation == compensation_status::running)
      compensate(*workflow);
  let_go();
  arm_timer();
  follow_parents(entry);
  arm_watch();
  schedule_send();
  answer_settled();
}

void scheduler_state::react(const task_change& change, uint64_t index) {
  log_change(change);
  const auto& spec = *change.spec;
  const auto& state = change.state;
  using timer = timer_queue::timer;
  switch (change.kind) {
    case change_kind::created:
      watch_parents(change);
      [[fallthrough]];
    case change_kind::queued:
    case change_kind::retrying:
    case change_kind::parked:
      if (auto i = running_.find(spec.id); i != running_.end() && change.before == task_status::running) {
        settle_outcome_of(i->second);
        running_.erase(i);
      }
      let_go_.erase(spec.id);
      if (!state.waits_for.empty()) {
        if (wait_reason::parks(state.waits_for))
          parked_.insert(state.waits_for, {parked_rank(spec, state), spec.id}, index);
        ready_.erase(spec, state.order);
      } else if (state.status == task_status::queued) {
        ready_.insert(spec, state, index);
      }
      if (state.due)
        timers_.insert(timer{spec.id, *state.due, keys::timer_kind::eligible}, index);
      if (spec.deadline) // it may have come, by a clock that was wrong, while an attempt ran or was to start
        timers_.insert(timer{spec.id, *spec.deadline, keys::timer_kind::deadline}, index);
      break;
    case change_kind::started:
      react_to_start(change);
      break;
    case change_kind::cancelling:
      if (auto i = running_.find(spec.id); i != running_.end()) {
        i->second.state.cancel_requested = true;
        if (i->second.pool)
          self_->send(i->second.pool->handle, stop_attempt{spec.id, state.fence, cancellation::cause::cancelled});
      }
      break;
    case change_kind::ended:
      if (auto i = running_.find(spec.id); i != running_.end() && change.before == task_status::running) {
        settle_outcome_of(i->second);
        running_.erase(i);
      } else if (change.before == task_status::queued) {
        ready_.erase(spec, state.order);
      }
      if (spec.deadline)
        timers_.erase(timer{spec.id, *spec.deadline, keys::timer_kind::deadline});
      release_snapshot_of(change);
      break;
    case change_kind::patched:
      react_to_patch(change, index);
      break;
    case change_kind::rollback:
      react_to_rollback(change);
      break;
    case change_kind::approved:
    case change_kind::removed:
      break;
  }
}

void scheduler_state::set_disk(const disk_report& x) {
  disk_ = x.state;
  schedule_send();
}

// -- the actor -----------------------------------------------------------------

scheduler_actor::behavior_type scheduler(scheduler_state::pointer self, scheduler_options options,
                                         event_hub_actor events) {
  self->state.set_up(self, std::move(options), std::move(events));
  self->set_down_handler([=](const caf::down_msg& x) { self->state.down(x.source); });
  return {
    [=](propose_request& x) { return self->state.propose(x); },
    [=](const why_request& x) { return self->state.why(x); },
    [=](const scheduler_status_request&) { return self->state.status(); },
    [=](const settle_request&) { return self->state.settle(); },
    [=](const rollback_request& x) { return self->state.roll_back(x); },
    [=](const resources_request&) { return self->state.resources(); },
    [=](const snapshotter_offer& x) { self->state.set_snapshotter(x); },
    [=](const role_report& x) { self->state.take_role(x, caf::actor_cast<replica_actor>(self->current_sender())); },
    [=](const applied_ptr& x) { self->state.applied(*x); },
    [=](const pool_offer& x, const caf::strong_actor_ptr& pool) {
      self->state.offer(x, caf::actor_cast<pool_actor>(pool));
    },
    [=](const node_capacity& x) { self->state.set_capacity(x); },
    [=](const slot_share& x, const caf::strong_actor_ptr& keeper) { self->state.set_share(x, keeper); },
    [=](lease_request& x) { self->state.lease(x, self->current_sender()); },
    [=](outcome_batch& x) { self->state.finish(x, self->current_sender()); },
    [=](progress_batch& x) { self->state.progress(x); },
    [=](const disk_report& x) { self->state.set_disk(x); },
    [=](caf::close_atom) { self->state.cancel_running(); },
    [=](caf::leave_atom) { self->state.leave(); },
    [=](caf::flush_atom) { self->state.send_gathered(); },
    [=](caf::tick_atom, uint64_t generation) { self->state.timers_due(generation); },
    [=](caf::idle_atom) { self->state.remove_expired(); },
    [=](caf::monitor_atom) { self->state.watch(); },
    [=](caf::get_atom, uint64_t generation) { self->state.parents_due(generation); },
  };
}

} // namespace overwatch
