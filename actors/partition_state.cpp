#include "actors/partition_state.hpp"

#include "actors/invariant.hpp"
#include "actors/partition_state_replies.hpp"
#include "actors/wait_reason.hpp"

#include <algorithm>

/// The table of tasks, and the commands that take a task through its states.
namespace overwatch {

// -- the table -----------------------------------------------------------------

partition_state::entry* partition_state::lookup(const task_id& id) {
  if (auto i = tasks_.find(id); i != tasks_.end())
    return i->second.removed ? nullptr : &i->second;
  auto stored = load(id);
  if (!stored)
    return nullptr;
  loaded_.push_back(id);
  return &tasks_.emplace(id, std::move(*stored)).first->second;
}

void partition_state::touch(entry& x) {
  changed_ = true;
  if (x.dirty)
    return;
  x.dirty = true;
  dirty_.push_back(&x);
  dirty_bytes_ += 512 + (x.stored.spec ? 0 : x.payload->size());
}

void partition_state::count(const entry& x, int step) {
  auto& cell = counts_[x.spec->task_type][static_cast<size_t>(x.state.status)][static_cast<size_t>(x.spec->importance)];
  cell += static_cast<uint64_t>(static_cast<int64_t>(step));
}

void partition_state::count_violation(violation kind) {
  if (totals_.violations.size() < violation_names.size())
    totals_.violations.resize(violation_names.size());
  ++totals_.violations[static_cast<size_t>(kind)];
}

task_change& partition_state::say(change_kind kind, const entry& x, task_status before, applied_entry& out) {
  auto& change = out.changes.emplace_back();
  change.kind = kind;
  change.spec = x.spec;
  change.before = before;
  change.state = x.state;
  return change;
}

void partition_state::set_status(entry& x, task_status next) {
  count(x, -1);
  x.state.status = next;
  count(x, 1);
}

// -- ending --------------------------------------------------------------------

void partition_state::end(entry& x, task_status status, applied_entry& out) {
  auto before = x.state.status;
  const auto& spec = *x.spec;
  set_status(x, status);
  set_waits(x, {});
  auto& state = x.state;
  state.finished_at = totals_.last_time;
  state.due.reset();
  switch (status) {
    case task_status::completed:
      ++totals_.completed;
      totals_.execution_seconds += execution_seconds(state).value_or(0);
      break;
    case task_status::failed:
      ++totals_.failed;
      break;
    default:
      ++totals_.cancelled;
  }
  // A key with a duration is held for it, whatever becomes of the task.
  if (!spec.unique_key.empty() && !spec.unique_for)
    if (const auto* holder = unique_.find(spec.unique_key); holder && holder->id == spec.id)
      unique_.erase(spec.unique_key);
  forget_parents(spec, out);
  touch(x);
  say(change_kind::ended, x, before, out);
  if (before != task_status::running)
    wake_others(spec, out);
  ended_.emplace_back(spec.id, status);
}

void partition_state::fail(entry& x, violation kind, std::string message, applied_entry& out) {
  x.state.error = {kind, std::move(message)};
  count_violation(kind);
  end(x, task_status::failed, out);
}

command_result partition_state::cancel(entry& x, const std::string& reason, applied_entry& out) {
  auto& state = x.state;
  const auto& id = x.spec->id;
  if (state.status == task_status::cancelled || (state.status == task_status::running && state.cancel_requested))
    return accepted(id, state.status, true);
  if (is_terminal(state.status))
    return refused(id, wrong_status(id, state.status, "a finished task cannot be cancelled"));
  state.cancel_reason = reason;
  state.cancel_requested = true;
  if (state.status == task_status::running) {
    touch(x);
    say(change_kind::cancelling, x, state.status, out);
  } else {
    end(x, task_status::cancelled, out);
  }
  return accepted(id, state.status);
}

// What the end of a task means for those that wait for it. An end may cause others: not by recursion, a chain of
// dependencies can be long.
void partition_state::settle_ended(applied_entry& out) {
  while (!ended_.empty()) {
    auto [id, status] = ended_.front();
    ended_.pop_front();
    if (const auto* task = lookup(id); task && !task->spec->workflow.is_nil())
      member_ended(*task->spec, status, out);
    settle_children(id, status, out);
  }
}

// -- commands ------------------------------------------------------------------

applied_entry partition_state::apply(const command_batch& batch, uint64_t index) {
  invariant(index == totals_.applied + 1, "log entries are applied one after the other");
  totals_.applied = index;
  totals_.last_time = std::max(totals_.last_time, batch.time);
  changed_ = true;
  applied_entry out;
  out.partition = partition_;
  out.index = index;
  out.time = totals_.last_time;
  out.results.reserve(batch.commands.size());
  out.changes.reserve(batch.commands.size());
  for (const auto& x : batch.commands) {
    out.results.push_back(std::visit([&](const auto& alternative) { return run(alternative, out); }, x));
    settle_ended(out);
  }
  for (const auto& id : std::exchange(loaded_, {})) // what was only looked at
    if (auto i = tasks_.find(id);
        i != tasks_.end() && !i->second.dirty && i->second.state.status != task_status::running)
      tasks_.erase(i);
  auto& forsaken = out.forsaken_parents;
  auto is_wanted_again = [this](const auto& id) { return remote_parents_.count(id) > 0; };
  forsaken.erase(std::remove_if(forsaken.begin(), forsaken.end(), is_wanted_again), forsaken.end());
  return out;
}

command_result partition_state::run(const submit_command& x, applied_entry& out) {
  return add_task(x.task, x.check_id, out);
}

command_result partition_state::add_task(const submission& submitted, bool check_id, applied_entry& out) {
  const auto& spec = *submitted.spec;
  if (check_id)
    if (const auto* found = lookup(spec.id))
      return accepted(spec.id, found->state.status, true);
  if (auto fault = check_parents(spec))
    return refused(spec.id, std::move(fault));
  if (!spec.unique_key.empty()) {
    const auto* holder = unique_.find(spec.unique_key);
    if (holder && (!holder->until || *holder->until > totals_.last_time)) {
      auto first_id = holder->id;
      const auto* first = lookup(first_id);
      return accepted(first_id, first ? first->state.status : task_status::completed, true);
    }
    unique_holder fresh{spec.id, {}};
    if (spec.unique_for)
      fresh.until = totals_.last_time + *spec.unique_for;
    unique_.put(spec.unique_key, fresh);
  }
  auto& task = tasks_[spec.id];
  if (task.removed && task.stored.spec)
    replaced_.push_back(task); // its keys are still to be erased
  auto dirty = task.dirty;     // then it is in the list already
  task = {};
  task.dirty = dirty;
  task.spec = submitted.spec;
  task.payload = submitted.payload;
  count(task, 1);
  ++totals_.submitted;
  touch(task);
  if (complete_from_cache(task, out))
    return accepted(spec.id, task.state.status);
  auto broken = join_parents(task);
  if (spec.scheduled_at && *spec.scheduled_at > totals_.last_time)
    task.state.due = spec.scheduled_at;
  if (task.state.parents_left > 0)
    set_waits(task, std::string{wait_reason::parents});
  if (!broken.is_nil()) {
    say(change_kind::created, task, task_status::pending, out);
    if (spec.on_dependency_failure == dependency_policy::cancel)
      cancel(task, "task " + to_string(broken) + " that it depends on did not complete", out);
    else
      fail(task, violation::dependency, "task " + to_string(broken) + " that it depends on did not complete", out);
    return accepted(spec.id, task.state.status);
  }
  if (!task.state.due && task.state.parents_left == 0)
    admit(task, out);
  say(change_kind::created, task, task_status::pending, out);
  return accepted(spec.id, task.state.status);
}

command_result partition_state::run(const start_command& x, applied_entry& out) {
  auto* task = lookup(x.id);
  if (!task)
    return refused(x.id, no_such_task(x.id));
  auto& state = task->state;
  if (state.status != task_status::queued || !state.waits_for.empty())
    return refused(x.id, wrong_status(x.id, state.status, "only tasks in the queue start"));
  if (const auto* gate = closed_gate(*task); gate && task->spec->on_closed_gate == gate_policy::fail) {
    fail(*task, violation::gate, "gate " + *gate + " is closed", out);
    return refused(x.id, wrong_status(x.id, state.status, "its gate " + *gate + " is closed"));
  }
  if (auto reason = blocked_by(*task); !reason.empty()) {
    auto fault = wrong_status(x.id, state.status, "it waits for " + reason);
    park(*task, std::move(reason), out);
    touch(*task);
    say(change_kind::parked, *task, task_status::queued, out);
    wake_others(*task->spec, out);
    return refused(x.id, std::move(fault));
  }
  if (auto fault = save_keys(*task)) {
    fail(*task, violation::exception, fault.message, out);
    return refused(x.id, std::move(fault));
  }
  hold(*task->spec);
  set_status(*task, task_status::running);
  state.fence = {totals_.epoch, state.fence.attempt + 1};
  state.started_at = totals_.last_time;
  state.execution.reset();
  state.percent = 0;
  state.message.clear();
  state.node = x.node;
  state.worker = x.worker;
  state.rollback = rollback_status::none;
  state.rollback_message.clear();
  state.usage = {};
  auto& flow = flow_of(*task->spec);
  flow.virtual_time = std::max(flow.virtual_time, state.order);
  flow.time_dirty = true;
  ++totals_.attempts;
  touch(*task);
  auto& change = say(change_kind::started, *task, task_status::queued, out);
  change.payload = task->payload;
  change.parents = results_of_parents(*task->spec);
  return accepted(x.id, state.status);
}

command_result partition_state::run(const finish_command& x, applied_entry& out) {
  auto* task = lookup(x.id);
  if (!task)
    return refused(x.id, no_such_task(x.id));
  auto& state = task->state;
  if (state.status != task_status::running || state.fence != x.fence)
    return refused(x.id,
                   wrong_status(x.id, state.status, "the outcome of an attempt that is not its newest is not taken"));
  if (x.started_at) {
    state.started_at = x.started_at;
    state.execution = x.execution;
  }
  state.usage = x.usage;
  settle_rollback(*task, x, out);
  release(*task->spec, out);
  if (x.requeue && !state.cancel_requested) {
    state.order = 0;
    state.queued_at.reset();
    admit_and_say(*task, task_status::running, out);
    return accepted(x.id, state.status);
  }
  state.percent = x.kind == violation::none ? 100 : x.percent;
  state.message = x.progress;
  if (x.result) {
    task->result = x.result;
    touch(*task);
  }
  if (x.kind == violation::none) {
    state.error = {};
    state.lost_in_a_row = 0;
    const auto& cache = task->spec->cache;
    if (!cache.key.empty() && x.result)
      cached_.put(cache.key, {x.id, totals_.last_time, totals_.last_time + cache.ttl, *x.result});
    end(*task, task_status::completed, out);
    return accepted(x.id, state.status);
  }
  state.error = {x.kind, x.message};
  count_violation(x.kind);
  if (x.kind == violation::lost)
    ++state.lost_in_a_row;
  else
    ++state.failures;
  if (state.cancel_requested) {
    end(*task, task_status::cancelled, out);
  } else if (!x.retry_at) {
    end(*task, task_status::failed, out);
  } else {
    ++totals_.retries;
    set_status(*task, task_status::retrying);
    state.due = x.retry_at;
    state.order = 0;
    state.queued_at.reset();
    touch(*task);
    say(change_kind::retrying, *task, task_status::running, out);
    if (*x.retry_at <= totals_.last_time)
      admit_and_say(*task, task_status::retrying, out);
  }
  return accepted(x.id, state.status);
}

command_result partition_state::run(const violate_command& x, applied_entry& out) {
  auto* task = lookup(x.id);
  if (!task)
    return refused(x.id, no_such_task(x.id));
  auto status = task->state.status;
  if (is_terminal(status) || status == task_status::running)
    return refused(x.id, wrong_status(x.id, status, "only a task that waits can fail without an attempt"));
  fail(*task, x.kind, x.message, out);
  return accepted(x.id, task->state.status);
}

command_result partition_state::run(const cancel_command& x, applied_entry& out) {
  auto* task = lookup(x.id);
  return task ? cancel(*task, x.reason, out) : refused(x.id, no_such_task(x.id));
}

command_result partition_state::run(const promote_command& x, applied_entry& out) {
  auto* task = lookup(x.id);
  if (!task)
    return refused(x.id, no_such_task(x.id));
  auto& state = task->state;
  auto before = state.status;
  auto parked = wait_reason::parks(state.waits_for);
  auto waits =
    before == task_status::pending || before == task_status::retrying || (before == task_status::queued && parked);
  if (!waits)
    return refused(x.id, wrong_status(x.id, before, "only tasks that wait become queued"));
  if (state.due && *state.due > totals_.last_time) { // or the clock was set back: it watches the time anew
    say(change_kind::parked, *task, before, out);
    return refused(x.id, wrong_status(x.id, before, "its time has not come"));
  }
  if (parked) {
    auto reason = blocked_by(*task);
    if (reason == state.waits_for) { // it stays where it is, and is told so: it was taken for awake
      say(change_kind::parked, *task, before, out);
      say_rate_wait(*task, reason, out);
      wake_others(*task->spec, out); // it may have been let go for another reason that it had before
      return refused(x.id, wrong_status(x.id, before, "it still waits for " + reason));
    }
  }
  state.due.reset();
  touch(*task);
  if (state.parents_left == 0)
    admit_and_say(*task, before, out);
  return accepted(x.id, state.status);
}

command_result partition_state::run(const remove_command& x, applied_entry& out) {
  auto* task = lookup(x.id);
  if (!task)
    return refused(x.id, no_such_task(x.id));
  if (!is_terminal(task->state.status))
    return refused(x.id, wrong_status(x.id, task->state.status, "cancel it before you delete it"));
  if (task->state.rollback == rollback_status::running)
    return refused(x.id, wrong_status(x.id, task->state.status, "it is being rolled back: delete it afterwards"));
  count(*task, -1);
  task->removed = true;
  touch(*task);
  if (auto* workflow = workflow_of(task->spec->workflow)) {
    --workflow->stored;
    touch_workflow(workflow->record.id);
  }
  say(change_kind::removed, *task, task->state.status, out);
  return accepted(x.id, task->state.status);
}

command_result partition_state::run(const setting_command& x, applied_entry& out) {
  if (x.value.empty())
    settings_.erase(x.key);
  else
    settings_[x.key] = x.value;
  changed_settings_.push_back(x.key);
  out.settings.emplace_back(x.key, x.value);
  return {};
}

command_result partition_state::run(const lead_command& x, applied_entry&) {
  totals_.epoch = std::max(totals_.epoch, x.epoch);
  return {};
}

} // namespace overwatch
