#include "actors/retry.hpp"
#include "actors/scheduler.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>

/// The half of the scheduler that deals with pools: what starts where, and how attempts end.
namespace overwatch {

// -- room ----------------------------------------------------------------------

bool scheduler_state::has_room(const node_entry& node, const ready_key& task) const {
  const auto& x = task.demand;
  if (x.cpu <= 0 && x.io <= 0 && x.memory_mb == 0)
    return true;
  if (node.reserved_for && *node.reserved_for != task.id)
    return false;
  constexpr double whole = 1 + 1e-9; // sums of shares
  return node.held.cpu + x.cpu <= whole && node.held.io + x.io <= whole
         && (x.memory_mb == 0 || node.held.memory_mb + x.memory_mb <= node.memory_mb);
}

// Of those that can take the task, the one with the largest part of its slots free, on the node with the largest part
// of its limit free: so work spreads over nodes by what each has.
scheduler_state::pool_entry* scheduler_state::free_pool(const std::string& task_type, const ready_key& task) {
  auto i = pools_of_type_.find(task_type);
  if (i == pools_of_type_.end())
    return nullptr;
  pool_entry* best = nullptr;
  std::pair<double, double> most;
  for (auto* pool : i->second) {
    const auto& node = nodes_[pool->node];
    auto limit = limit_of(node);
    auto open = pool->agreed && pool->live && pool->busy < slots_of(*pool) && node.busy < limit && !node.draining;
    if (!open || !may_run_on(task, pool->node, node) || !has_room(node, task))
      continue;
    std::pair share{1 - static_cast<double>(pool->busy) / slots_of(*pool), 1 - static_cast<double>(node.busy) / limit};
    if (best && share <= most)
      continue;
    best = pool;
    most = share;
  }
  return best;
}

bool scheduler_state::may_run_on(const ready_key& task, const std::string& name, const node_entry& node) {
  return !task.where || allows(*task.where, name, node.labels);
}

void scheduler_state::take_room(pool_entry& pool, const resource_demand& x) {
  ++pool.busy;
  auto& node = nodes_[pool.node];
  ++node.busy;
  node.held = {node.held.cpu + x.cpu, node.held.io + x.io, node.held.memory_mb + x.memory_mb};
}

void scheduler_state::free_slot(pool_entry& pool, const resource_demand& demand) {
  --pool.busy;
  auto& node = nodes_[pool.node];
  --node.busy;
  node.held = {node.held.cpu - demand.cpu, node.held.io - demand.io, node.held.memory_mb - demand.memory_mb};
}

// -- starting ------------------------------------------------------------------

void scheduler_state::start(const ready_key& task, priority importance, pool_entry& pool, command_batch& batch) {
  take_room(pool, task.demand);
  if (auto& node = nodes_[pool.node]; node.reserved_for == task.id)
    node.reserved_for.reset();
  starting_[task.id] = {&pool, task.demand, importance};
  batch.commands.emplace_back(start_command{task.id, pool.node, pool.name});
}

// A task that waits for room while smaller ones keep passing it gets a node to itself after a while: nothing else that
// asks for resources starts there before it.
void scheduler_state::reserve() {
  auto time = options_.clock();
  for (auto& [name, node] : nodes_)
    node.reserved_for.reset();
  for (const auto& [task_type, pools] : pools_of_type_) {
    auto find_pool = [&, &list = pools](const ready_key& task, bool reserved_too) {
      auto i = std::find_if(list.begin(), list.end(), [&](const auto* pool) {
        const auto& node = nodes_[pool->node];
        return pool->live && !node.draining && may_run_on(task, pool->node, node)
               && task.demand.memory_mb <= node.memory_mb && (reserved_too || !node.reserved_for);
      });
      return i == list.end() ? nullptr : *i;
    };
    auto first =
      ready_.first_with_demand(task_type, time, [&](const ready_key& x) { return find_pool(x, true) != nullptr; });
    if (!first) {
      demanding_.erase(task_type);
      continue;
    }
    auto [i, fresh] = demanding_.try_emplace(task_type, first->key.id, time);
    if (i->second.first != first->key.id)
      i->second = {first->key.id, time};
    if (time - i->second.second < options_.reserve_after)
      continue;
    if (auto* pool = find_pool(first->key, false))
      nodes_[pool->node].reserved_for = first->key.id;
  }
}

void scheduler_state::fill_starts(entry_in_flight& entry, command_batch& batch) {
  if (!dispatching_ || leaving_ || disk_ == disk_state::full)
    return;
  auto time = options_.clock();
  reserve();
  while (batch.commands.size() < 2 * options_.max_entry_commands) {
    const std::string* best_type = nullptr;
    std::optional<ready_queue::candidate> best;
    for (const auto& [task_type, pools] : pools_of_type_) {
      if (!free_pool(task_type, {}))
        continue;
      auto fits = [&, &name = task_type](const ready_key& task) { return free_pool(name, task) != nullptr; };
      auto candidate = ready_.best(task_type, time, fits);
      if (!candidate ||
          (best && std::pair{best->rank, best->key.queued} < std::pair{candidate->rank, candidate->key.queued}))
        continue;
      best_type = &task_type;
      best = candidate;
    }
    if (!best)
      break;
    ready_.pop(*best_type, *best);
    if (starting_.count(best->key.id) > 0)
      continue; // its submit came twice and started it already; it was read from the store since
    start(best->key, best->importance, *free_pool(*best_type, best->key), batch);
  }
  start_submitted(entry, batch);
}

// A task that is submitted while slots are free and nobody waits starts in the same log entry: its start
// does not cost another sync of the disk.
void scheduler_state::start_submitted(const entry_in_flight& entry, command_batch& batch) {
  auto time = options_.clock();
  for (size_t importance = 0; importance < priority_names.size(); ++importance)
    for (size_t i = 0; i < entry.first_start; ++i) {
      const auto* submit = std::get_if<submit_command>(&batch.commands[i]);
      if (!submit || static_cast<size_t>(submit->task.spec->importance) != importance)
        continue;
      const auto spec = submit->task.spec; // the vector grows below
      auto copy = starting_.count(spec->id) > 0 || running_.count(spec->id) > 0; // any other start is refused
      auto fresh = !copy && spec->unique_key.empty() && spec->cache.key.empty();
      auto eligible = (!spec->scheduled_at || *spec->scheduled_at <= time) && spec->depends_on.empty();
      if (!fresh || !eligible || !ready_.idle(*spec))
        continue;
      auto task = ready_key_of(*spec, {});
      if (auto* pool = free_pool(spec->task_type, task))
        start(task, spec->importance, *pool, batch);
    }
}

void scheduler_state::react_to_start(const task_change& change) {
  const auto& spec = *change.spec;
  ready_.erase(spec, change.state.order);
  start_on_its_way slot;
  if (auto waiting = starting_.find(spec.id); waiting != starting_.end()) {
    slot = waiting->second;
    starting_.erase(waiting);
  }
  auto& running = running_[spec.id] = {slot.pool, slot.demand, change.spec, change.state, false, {}, nullptr, {}};
  if (!slot.pool) {
    lose(spec.id, running, "its pool failed before it began");
    return;
  }
  auto& batch = assignments_[slot.pool];
  if (batch.mark.number == 0)
    batch.mark = {epoch_, ++last_mark_};
  running.mark = batch.mark;
  batch.attempts.push_back(
    {{change.spec, change.payload}, change.state.fence, *change.state.started_at, change.parents});
}

// -- ending --------------------------------------------------------------------

void scheduler_state::lose(const task_id& id, attempt& running, std::string message) {
  attempt_outcome lost;
  lost.id = id;
  lost.fence = running.state.fence;
  lost.kind = violation::lost;
  lost.message = std::move(message);
  end_attempt(lost, running);
}

// Its handler was not called: nothing counts against the task.
void scheduler_state::send_back(const task_id& id, attempt& running, std::string message) {
  attempt_outcome back;
  back.id = id;
  back.fence = running.state.fence;
  back.kind = violation::lost;
  back.requeue = true;
  back.message = std::move(message);
  end_attempt(back, running);
}

// What a failed attempt changed is put back before its end is in the log.
void scheduler_state::end_attempt(const attempt_outcome& x, attempt& running) {
  running.finishing = true;
  if (running.pool)
    free_slot(*std::exchange(running.pool, nullptr), running.demand);
  if ((x.kind == violation::none && !x.requeue) || !captures(running)) {
    finish_attempt(x, running, rollback_status::none, {});
    return;
  }
  add(rollback_command{x.id, rollback_status::running, {}});
  restore(x.id, running.state.node, [this, x](rollback_status status, std::string message) {
    auto i = running_.find(x.id);
    if (i == running_.end() || i->second.state.fence != x.fence)
      return; // of an earlier leadership
    finish_attempt(x, i->second, status, std::move(message));
    schedule_send();
  });
}

void scheduler_state::finish_attempt(const attempt_outcome& x, attempt& running, rollback_status rollback,
                                     std::string message) {
  finish_command command;
  command.id = x.id;
  command.fence = x.fence;
  command.kind = x.kind;
  command.message = x.message;
  command.result = x.result;
  command.percent = x.percent;
  command.progress = x.progress;
  command.requeue = x.requeue && rollback != rollback_status::failed; // else it would run on what it left
  command.started_at = x.started_at;
  command.execution = x.execution;
  command.usage = x.usage;
  command.rollback = rollback;
  command.rollback_message = std::move(message);
  if (x.kind != violation::none && !command.requeue) {
    auto clean = rollback != rollback_status::failed; // else another attempt would begin on what the failed one left
    auto decision = decide_retry(*running.spec, running.state, x.kind, x.retryable && clean, options_.clock(),
                                 options_.max_lost, random());
    command.kind = decision.kind;
    if (clean)
      command.retry_at = decision.retry_at;
    if (decision.kind == violation::poison)
      command.message = "its attempts were lost " + std::to_string(running.state.lost_in_a_row + 1)
                        + " times in a row; the last time: " + x.message;
  }
  add(std::move(command), x.result ? x.result->size() : 0);
}

void scheduler_state::finish(outcome_batch& x, const caf::strong_actor_ptr& from) {
  if (!leads_ || !loaded_)
    return; // it is sent again
  auto sender = pools_.find(caf::actor_cast<caf::actor_addr>(from));
  for (const auto& outcome : x.outcomes) {
    auto i = running_.find(outcome.id);
    if (i == running_.end() || i->second.state.fence != outcome.fence) {
      if (sender != pools_.end())
        settle_stale(outcome, sender->first);
    } else if (!i->second.finishing) {
      i->second.reporter = sender != pools_.end() ? sender->second.get() : i->second.pool;
      end_attempt(outcome, i->second);
    }
  }
  schedule_send();
}

void scheduler_state::progress(progress_batch& x) {
  std::vector<event> events;
  auto time = options_.clock();
  auto stale = [&](const attempt_progress& attempt) {
    auto i = running_.find(attempt.id);
    return i == running_.end() || i->second.state.fence != attempt.fence;
  };
  x.attempts.erase(std::remove_if(x.attempts.begin(), x.attempts.end(), stale), x.attempts.end());
  for (const auto& attempt : x.attempts) {
    event base;
    base.time = time;
    base.spec = running_.at(attempt.id).spec;
    base.status = task_status::running;
    base.attempt = attempt.fence.attempt;
    base.percent = attempt.percent;
    for (const auto& line : attempt.lines) {
      auto one = base;
      one.kind = event_kind::task_log;
      one.time = line.time;
      one.level = line.level;
      one.message = line.message;
      events.push_back(std::move(one));
    }
    if (attempt.has_progress) {
      base.kind = event_kind::task_progress;
      base.message = attempt.message;
      events.push_back(std::move(base));
    }
  }
  if (x.attempts.empty())
    return;
  auto partition = x.attempts.front().id.partition();
  self_->send(events_, live_events{partition, std::move(events)});
  self_->send(replica_, std::move(x));
}

} // namespace overwatch
