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
  nodes_[x.node].limit = x.max_concurrent_tasks;
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
    if (waiting == pool.get())
      waiting = nullptr;
  for (auto& [id, running] : running_) {
    if (running.pool != pool.get())
      continue;
    running.pool = nullptr;
    attempt_outcome lost;
    lost.id = id;
    lost.fence = running.state.fence;
    lost.kind = violation::lost;
    lost.message = "the pool that ran it failed";
    if (!running.finishing)
      end_attempt(lost, running);
  }
  schedule_send();
}

uint32_t scheduler_state::limit_of(const node_entry& node) const {
  return concurrency_override_ ? concurrency_override_ : node.limit;
}

scheduler_state::pool_entry* scheduler_state::free_pool(const std::string& task_type) {
  auto i = pools_of_type_.find(task_type);
  if (i == pools_of_type_.end())
    return nullptr;
  pool_entry* best = nullptr;
  for (auto* pool : i->second) {
    const auto& node = nodes_[pool->node];
    auto has_room = pool->live && pool->busy < pool->slots && node.busy < limit_of(node);
    if (has_room && (!best || pool->slots - pool->busy > best->slots - best->busy))
      best = pool;
  }
  return best;
}

void scheduler_state::free_slot(pool_entry& pool) {
  --pool.busy;
  --nodes_[pool.node].busy;
}

// -- starting ------------------------------------------------------------------

void scheduler_state::start(const task_id& id, pool_entry& pool, command_batch& batch) {
  ++pool.busy;
  ++nodes_[pool.node].busy;
  starting_[id] = &pool;
  batch.commands.emplace_back(start_command{id, pool.node, pool.task_type});
}

void scheduler_state::fill_starts(entry_in_flight& entry, command_batch& batch) {
  if (!dispatching_ || leaving_ || disk_ == disk_state::full)
    return;
  auto time = options_.clock();
  while (batch.commands.size() < 2 * options_.max_entry_commands) {
    const std::string* best_type = nullptr;
    pool_entry* best_pool = nullptr;
    std::optional<ready_queue::candidate> best;
    for (auto& [task_type, pools] : pools_of_type_) {
      auto* pool = free_pool(task_type);
      auto candidate = pool ? ready_.best(task_type, time) : std::nullopt;
      if (!candidate || (best && std::pair{best->rank, best->key} < std::pair{candidate->rank, candidate->key}))
        continue;
      best_type = &task_type;
      best_pool = pool;
      best = candidate;
    }
    if (!best)
      break;
    ready_.pop(*best_type, *best);
    start(best->key.second, *best_pool, batch);
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
      auto fresh = !submit->check_id && spec->unique_key.empty();
      auto eligible = !spec->scheduled_at || *spec->scheduled_at <= time;
      if (!fresh || !eligible || !ready_.idle(spec->task_type))
        continue;
      if (auto* pool = free_pool(spec->task_type))
        start(spec->id, *pool, batch);
    }
}

void scheduler_state::react_to_start(const task_change& change) {
  const auto& spec = *change.spec;
  ready_.erase(spec.task_type, spec.importance, {change.state.order, spec.id});
  auto waiting = starting_.find(spec.id);
  auto* pool = waiting == starting_.end() ? nullptr : waiting->second;
  if (waiting != starting_.end())
    starting_.erase(waiting);
  auto& running = running_[spec.id] = {pool, change.spec, change.state, false};
  if (pool) {
    assignments_[pool].attempts.push_back({{change.spec, change.payload}, change.state.fence, *change.state.started_at});
    return;
  }
  attempt_outcome lost;
  lost.id = spec.id;
  lost.fence = change.state.fence;
  lost.kind = violation::lost;
  lost.message = "its pool failed before it began";
  end_attempt(lost, running);
}

// -- ending --------------------------------------------------------------------

void scheduler_state::end_attempt(const attempt_outcome& x, attempt& running) {
  running.finishing = true;
  if (running.pool)
    free_slot(*running.pool);
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
  if (x.kind != violation::none && !x.requeue) {
    auto decision = decide_retry(*running.spec, running.state, x.kind, x.retryable, options_.clock(),
                                 options_.max_lost, random());
    command.kind = decision.kind;
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

// -- why -----------------------------------------------------------------------

caf::result<why_reply> scheduler_state::why(const why_request& x) {
  if (!leads_)
    return make_error(ec::unavailable, "this node is not ready yet; try again in a moment");
  auto promise = self_->make_response_promise<why_reply>();
  self_->request(replica_, std::chrono::seconds{10}, get_request{x.id})
    .then([this, promise](const task_record& record) mutable { promise.deliver(explain(record)); },
          [promise](caf::error& error) mutable { promise.deliver(std::move(error)); });
  return promise;
}

why_reply scheduler_state::explain(const task_record& record) const {
  const auto& [spec, state, payload, result] = record;
  why_reply reply{spec.id, state.status, wait_kind::nothing, {}, {}};
  auto say = [&](wait_kind kind, std::string sentence) {
    reply.kind = kind;
    reply.sentence = std::move(sentence);
    return reply;
  };
  if (is_terminal(state.status))
    return say(wait_kind::nothing, "It has ended: " + std::string{name_of(state.status)} + ".");
  if (state.status == task_status::running)
    return say(wait_kind::nothing, "It is running: attempt " + std::to_string(state.fence.attempt) + " on node " + state.node + ".");
  if (state.due) {
    auto left = std::chrono::duration<double>(*state.due - options_.clock()).count();
    reply.data["seconds"] = std::to_string(std::max(0.0, left));
    if (state.status == task_status::retrying)
      return say(wait_kind::backoff, "Attempt " + std::to_string(state.fence.attempt) + " failed (" + state.error.message
                                       + "); it waits for its backoff to pass before it is tried again.");
    return say(wait_kind::time, "It is scheduled for later: its time has not come yet.");
  }
  if (!dispatching_ || leaving_)
    return say(wait_kind::pause, leaving_ ? "The node is stopping; it runs after the restart."
                                          : "Dispatch is stopped: resume it with `overwatch resume` or POST /api/overwatch/start.");
  if (disk_ == disk_state::full)
    return say(wait_kind::disk, "The node's disk is full; tasks start again when there is space.");
  auto pools = pools_of_type_.find(spec.task_type);
  if (pools == pools_of_type_.end() || pools->second.empty()) {
    reply.data["task_type"] = spec.task_type;
    return say(wait_kind::handler_missing, "No live worker serves the task type " + spec.task_type + " yet.");
  }
  uint32_t slots = 0;
  uint32_t busy = 0;
  for (const auto* pool : pools->second) {
    slots += pool->slots;
    busy += pool->busy;
  }
  auto ahead = ready_.ahead_of(spec.task_type, spec.importance, {state.order, spec.id}, options_.clock());
  reply.data["slots"] = std::to_string(slots);
  reply.data["busy"] = std::to_string(busy);
  reply.data["ahead"] = std::to_string(ahead);
  auto queue = std::to_string(ahead) + (ahead == 1 ? " task is" : " tasks are") + " before it.";
  if (busy >= slots)
    return say(wait_kind::slot, "All " + std::to_string(slots) + " slots of " + spec.task_type + " are taken; " + queue);
  for (const auto* pool : pools->second) {
    const auto& node = nodes_.at(pool->node);
    if (node.busy < limit_of(node))
      return say(wait_kind::turn, "It starts as soon as it is its turn; " + queue);
  }
  reply.data["limit"] = std::to_string(limit_of(nodes_.at(pools->second.front()->node)));
  return say(wait_kind::slot, "The node runs as many tasks as max-concurrent-tasks allows (" + reply.data["limit"] + "); " + queue);
}

} // namespace overwatch
