#include "actors/retry.hpp"
#include "actors/scheduler.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>

/// The half of the scheduler that deals with pools: what starts where, and how attempts end.
namespace overwatch {

// -- pools ---------------------------------------------------------------------

void scheduler_state::offer(const pool_offer& x, const pool_actor& pool) {
  auto [i, fresh] = pools_.try_emplace(pool.address());
  if (fresh) {
    i->second = std::make_unique<pool_entry>();
    i->second->handle = pool;
    i->second->task_type = x.task_type;
    i->second->node = x.node;
    pools_of_type_[x.task_type].push_back(i->second.get());
    self_->monitor(pool);
    if (auto setting = settings_.find("slots." + x.task_type); setting != settings_.end())
      self_->send(pool, caf::update_atom::value, static_cast<uint32_t>(std::stoul(setting->second)));
  }
  i->second->slots = x.slots;
  i->second->live = x.live;
  schedule_send();
}

void scheduler_state::set_capacity(const node_capacity& x) {
  auto& node = nodes_[x.node];
  node.limit = x.max_concurrent_tasks;
  node.cpus = x.cpus;
  node.memory_mb = x.memory_mb;
  schedule_send();
}

void scheduler_state::pool_down(const caf::actor_addr& source) {
  auto i = pools_.find(source);
  if (i == pools_.end())
    return;
  auto pool = std::move(i->second);
  pools_.erase(i);
  auto& siblings = pools_of_type_[pool->task_type];
  siblings.erase(std::remove(siblings.begin(), siblings.end(), pool.get()), siblings.end());
  nodes_[pool->node].busy -= pool->busy;
  for (auto& [id, waiting] : starting_)
    if (waiting.pool == pool.get())
      waiting.pool = nullptr;
  for (auto& [id, running] : running_) {
    if (running.pool != pool.get())
      continue;
    auto& held = nodes_[pool->node].held;
    held = {held.cpu - running.demand.cpu, held.io - running.demand.io, held.memory_mb - running.demand.memory_mb};
    running.pool = nullptr;
    if (!running.finishing)
      lose(id, running, "the pool that ran it failed");
  }
  schedule_send();
}

uint32_t scheduler_state::limit_of(const node_entry& node) const {
  return concurrency_override_ ? concurrency_override_ : node.limit;
}

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

scheduler_state::pool_entry* scheduler_state::free_pool(const std::string& task_type, const ready_key& task) {
  auto i = pools_of_type_.find(task_type);
  if (i == pools_of_type_.end())
    return nullptr;
  pool_entry* best = nullptr;
  for (auto* pool : i->second) {
    const auto& node = nodes_[pool->node];
    auto free = pool->live && pool->busy < pool->slots && node.busy < limit_of(node) && has_room(node, task);
    if (free && (!best || pool->slots - pool->busy > best->slots - best->busy))
      best = pool;
  }
  return best;
}

void scheduler_state::free_slot(pool_entry& pool, const resource_demand& demand) {
  --pool.busy;
  auto& node = nodes_[pool.node];
  --node.busy;
  node.held = {node.held.cpu - demand.cpu, node.held.io - demand.io, node.held.memory_mb - demand.memory_mb};
}

// -- starting ------------------------------------------------------------------

void scheduler_state::start(const ready_key& task, pool_entry& pool, command_batch& batch) {
  ++pool.busy;
  auto& node = nodes_[pool.node];
  ++node.busy;
  const auto& x = task.demand;
  node.held = {node.held.cpu + x.cpu, node.held.io + x.io, node.held.memory_mb + x.memory_mb};
  if (node.reserved_for == task.id)
    node.reserved_for.reset();
  starting_[task.id] = {&pool, x};
  batch.commands.emplace_back(start_command{task.id, pool.node, pool.task_type});
}

// A task that waits for room while smaller ones keep passing it gets a node to itself after a while: nothing else that
// asks for resources starts there before it.
void scheduler_state::reserve() {
  auto time = options_.clock();
  for (auto& [name, node] : nodes_)
    node.reserved_for.reset();
  for (const auto& [task_type, pools] : pools_of_type_) {
    auto first = ready_.first_with_demand(task_type, time);
    if (!first) {
      demanding_.erase(task_type);
      continue;
    }
    auto [i, fresh] = demanding_.try_emplace(task_type, first->key.id, time);
    if (i->second.first != first->key.id)
      i->second = {first->key.id, time};
    if (time - i->second.second < options_.reserve_after)
      continue;
    for (auto* pool : pools) {
      auto& node = nodes_[pool->node];
      auto possible = pool->live && first->key.demand.memory_mb <= node.memory_mb;
      if (!possible || node.reserved_for)
        continue;
      node.reserved_for = first->key.id;
      break;
    }
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
      if (!candidate || (best && std::pair{best->rank, best->key.queued} < std::pair{candidate->rank, candidate->key.queued}))
        continue;
      best_type = &task_type;
      best = candidate;
    }
    if (!best)
      break;
    ready_.pop(*best_type, *best);
    start(best->key, *free_pool(*best_type, best->key), batch);
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
      auto fresh = !submit->check_id && spec->unique_key.empty() && spec->cache.key.empty();
      auto eligible = (!spec->scheduled_at || *spec->scheduled_at <= time) && spec->depends_on.empty();
      if (!fresh || !eligible || !ready_.idle(*spec))
        continue;
      auto task = ready_key_of(*spec, {});
      if (auto* pool = free_pool(spec->task_type, task))
        start(task, *pool, batch);
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
  auto& running = running_[spec.id] = {slot.pool, slot.demand, change.spec, change.state, false};
  if (slot.pool)
    assignments_[slot.pool].attempts.push_back(
      {{change.spec, change.payload}, change.state.fence, *change.state.started_at, change.parents});
  else
    lose(spec.id, running, "its pool failed before it began");
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

// What a failed attempt changed is put back before its end is in the log.
void scheduler_state::end_attempt(const attempt_outcome& x, attempt& running) {
  running.finishing = true;
  if (running.pool)
    free_slot(*running.pool, running.demand);
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
  command.requeue = x.requeue;
  command.started_at = x.started_at;
  command.execution = x.execution;
  command.usage = x.usage;
  command.rollback = rollback;
  command.rollback_message = std::move(message);
  if (x.kind != violation::none && !x.requeue) {
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

void scheduler_state::finish(outcome_batch& x) {
  for (const auto& outcome : x.outcomes) {
    auto i = running_.find(outcome.id);
    if (i != running_.end() && i->second.state.fence == outcome.fence && !i->second.finishing)
      end_attempt(outcome, i->second);
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
  self_->send(events_, x.attempts.front().id.partition(), std::move(events));
  self_->send(replica_, std::move(x));
}

} // namespace overwatch
