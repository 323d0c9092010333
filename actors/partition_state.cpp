#include "actors/partition_state.hpp"

#include "actors/invariant.hpp"
#include "actors/keys.hpp"
#include "messages/codec.hpp"

#include <algorithm>

namespace overwatch {

namespace {

failure no_such_task(const task_id& id) {
  return {ec::not_found, "/id", "there is no task " + to_string(id)};
}

failure wrong_status(const task_id& id, task_status status, std::string_view wanted) {
  return {ec::conflict, "/status",
          "task " + to_string(id) + " is " + std::string{name_of(status)} + "; " + std::string{wanted}};
}

command_result refused(const task_id& id, failure error) {
  return {std::move(error), id, task_status::pending, false};
}

command_result accepted(const task_id& id, task_status status, bool existing = false) {
  return {{}, id, status, existing};
}

uint64_t microseconds_of(timestamp time) {
  return static_cast<uint64_t>(time.time_since_epoch().count());
}

} // namespace

// -- tables --------------------------------------------------------------------

partition_state::entry* partition_state::lookup(const task_id& id) {
  if (auto i = tasks_.find(id); i != tasks_.end())
    return i->second.removed ? nullptr : &i->second;
  auto stored = load(id);
  if (!stored)
    return nullptr;
  loaded_.push_back(id);
  return &tasks_.emplace(id, std::move(*stored)).first->second;
}

void partition_state::keep(const task_id& id, std::shared_ptr<const task_spec> spec,
                           std::shared_ptr<const std::string> payload, task_state state) {
  entry x;
  x.stored = {true, state.status, state.order, state.due, state.finished_at};
  x.spec_stored = true;
  x.spec = std::move(spec);
  x.payload = std::move(payload);
  x.state = std::move(state);
  tasks_.emplace(id, std::move(x)); // what is there already is newer
}

void partition_state::touch(entry& x) {
  changed_ = true;
  if (x.dirty)
    return;
  x.dirty = true;
  dirty_.push_back(&x);
  dirty_bytes_ += 512 + (x.stored.present ? 0 : x.payload->size());
}

void partition_state::count(const entry& x, int step) {
  auto& cell = counts_[x.spec->task_type][static_cast<size_t>(x.state.status)][static_cast<size_t>(x.spec->importance)];
  cell += static_cast<uint64_t>(static_cast<int64_t>(step));
}

void partition_state::set_status(entry& x, task_status next) {
  count(x, -1);
  x.state.status = next;
  count(x, 1);
}

void partition_state::enqueue(entry& x) {
  set_status(x, task_status::queued);
  totals_.last_order = std::max(totals_.last_order + 1, microseconds_of(totals_.last_time));
  x.state.order = totals_.last_order;
  x.state.queued_at = totals_.last_time;
  x.state.due.reset();
}

void partition_state::end(entry& x, task_status status, applied_entry& out) {
  auto before = x.state.status;
  set_status(x, status);
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
  release_unique(x);
  touch(x);
  out.changes.push_back({change_kind::ended, x.spec, nullptr, before, state});
}

const partition_state::unique_holder* partition_state::find_unique(const std::string& key) {
  auto i = unique_.find(key);
  if (i == unique_.end()) {
    auto record = base_.get(key_space::state, keys::unique(partition_, key));
    if (!record)
      return nullptr;
    unique_holder holder;
    decoder f{*record};
    invariant(f(holder.id.high, holder.id.low, holder.until), "a stored unique key is readable");
    i = unique_.emplace(key, std::move(holder)).first;
  }
  const auto& holder = i->second;
  if (holder.released || (holder.until && *holder.until <= totals_.last_time))
    return nullptr;
  return &holder;
}

void partition_state::release_unique(const entry& x) {
  const auto& key = x.spec->unique_key;
  if (key.empty() || x.spec->unique_for)
    return; // one with a duration is held for it, whatever becomes of the task
  if (auto* holder = find_unique(key); holder && holder->id == x.spec->id) {
    auto& changed = unique_[key];
    changed.released = true;
    if (!std::exchange(changed.dirty, true))
      dirty_unique_.push_back(key);
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
  for (const auto& x : batch.commands)
    out.results.push_back(std::visit([&](const auto& alternative) { return run(alternative, out); }, x));
  for (const auto& id : std::exchange(loaded_, {})) // what was only looked at
    if (auto i = tasks_.find(id); i != tasks_.end() && !i->second.dirty)
      tasks_.erase(i);
  return out;
}

command_result partition_state::run(const submit_command& x, applied_entry& out) {
  const auto& spec = *x.task.spec;
  if (x.check_id)
    if (const auto* found = lookup(spec.id))
      return accepted(spec.id, found->state.status, true);
  if (!spec.unique_key.empty()) {
    if (const auto* holder = find_unique(spec.unique_key)) {
      const auto* first = lookup(holder->id);
      return accepted(holder->id, first ? first->state.status : task_status::completed, true);
    }
    auto& holder = unique_[spec.unique_key];
    auto dirty = holder.dirty;
    holder = {spec.id, std::nullopt, false, holder.flush_number, true};
    if (spec.unique_for)
      holder.until = totals_.last_time + *spec.unique_for;
    if (!dirty)
      dirty_unique_.push_back(spec.unique_key);
  }
  auto& task = tasks_[spec.id];
  if (task.removed && task.stored.present)
    replaced_.push_back(task); // its keys are still to be erased
  auto dirty = task.dirty;     // then it is in the list already
  task = {};
  task.dirty = dirty;
  task.spec = x.task.spec;
  task.payload = x.task.payload;
  count(task, 1);
  if (spec.scheduled_at && *spec.scheduled_at > totals_.last_time)
    task.state.due = spec.scheduled_at;
  else
    enqueue(task);
  ++totals_.submitted;
  touch(task);
  out.changes.push_back({change_kind::created, task.spec, nullptr, task_status::pending, task.state});
  return accepted(spec.id, task.state.status);
}

command_result partition_state::run(const start_command& x, applied_entry& out) {
  auto* task = lookup(x.id);
  if (!task)
    return refused(x.id, no_such_task(x.id));
  if (task->state.status != task_status::queued)
    return refused(x.id, wrong_status(x.id, task->state.status, "only queued tasks start"));
  set_status(*task, task_status::running);
  auto& state = task->state;
  state.fence = {totals_.epoch, state.fence.attempt + 1};
  state.started_at = totals_.last_time;
  state.execution.reset();
  state.percent = 0;
  state.message.clear();
  state.node = x.node;
  state.worker = x.worker;
  ++totals_.attempts;
  touch(*task);
  out.changes.push_back({change_kind::started, task->spec, task->payload, task_status::queued, state});
  return accepted(x.id, state.status);
}

command_result partition_state::run(const finish_command& x, applied_entry& out) {
  auto* task = lookup(x.id);
  if (!task)
    return refused(x.id, no_such_task(x.id));
  auto& state = task->state;
  if (state.status != task_status::running || state.fence != x.fence)
    return refused(x.id, wrong_status(x.id, state.status, "the outcome of an attempt that is not its newest is not taken"));
  if (x.started_at) {
    state.started_at = x.started_at;
    state.execution = x.execution;
  }
  if (x.requeue && !state.cancel_requested) {
    enqueue(*task);
    touch(*task);
    out.changes.push_back({change_kind::queued, task->spec, nullptr, task_status::running, state});
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
    end(*task, task_status::completed, out);
    return accepted(x.id, state.status);
  }
  state.error = {x.kind, x.message};
  if (totals_.violations.size() < violation_names.size())
    totals_.violations.resize(violation_names.size());
  ++totals_.violations[static_cast<size_t>(x.kind)];
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
    touch(*task);
    out.changes.push_back({change_kind::retrying, task->spec, nullptr, task_status::running, state});
    if (*x.retry_at <= totals_.last_time) {
      enqueue(*task);
      out.changes.push_back({change_kind::queued, task->spec, nullptr, task_status::retrying, state});
    }
  }
  return accepted(x.id, state.status);
}

command_result partition_state::run(const violate_command& x, applied_entry& out) {
  auto* task = lookup(x.id);
  if (!task)
    return refused(x.id, no_such_task(x.id));
  auto& state = task->state;
  if (is_terminal(state.status) || state.status == task_status::running)
    return refused(x.id, wrong_status(x.id, state.status, "only a task that waits can fail without an attempt"));
  state.error = {x.kind, x.message};
  if (totals_.violations.size() < violation_names.size())
    totals_.violations.resize(violation_names.size());
  ++totals_.violations[static_cast<size_t>(x.kind)];
  end(*task, task_status::failed, out);
  return accepted(x.id, state.status);
}

command_result partition_state::run(const cancel_command& x, applied_entry& out) {
  auto* task = lookup(x.id);
  if (!task)
    return refused(x.id, no_such_task(x.id));
  auto& state = task->state;
  if (state.status == task_status::cancelled)
    return accepted(x.id, state.status, true);
  if (is_terminal(state.status))
    return refused(x.id, wrong_status(x.id, state.status, "a finished task cannot be cancelled"));
  if (state.status == task_status::running && state.cancel_requested)
    return accepted(x.id, state.status, true);
  state.cancel_reason = x.reason;
  state.cancel_requested = true;
  if (state.status == task_status::running) {
    touch(*task);
    out.changes.push_back({change_kind::cancelling, task->spec, nullptr, state.status, state});
  } else {
    end(*task, task_status::cancelled, out);
  }
  return accepted(x.id, state.status);
}

command_result partition_state::run(const promote_command& x, applied_entry& out) {
  auto* task = lookup(x.id);
  if (!task)
    return refused(x.id, no_such_task(x.id));
  auto before = task->state.status;
  if (before != task_status::pending && before != task_status::retrying)
    return refused(x.id, wrong_status(x.id, before, "only pending and retrying tasks become queued"));
  enqueue(*task);
  touch(*task);
  out.changes.push_back({change_kind::queued, task->spec, nullptr, before, task->state});
  return accepted(x.id, task->state.status);
}

command_result partition_state::run(const remove_command& x, applied_entry& out) {
  auto* task = lookup(x.id);
  if (!task)
    return refused(x.id, no_such_task(x.id));
  if (!is_terminal(task->state.status))
    return refused(x.id, wrong_status(x.id, task->state.status, "cancel it before you delete it"));
  count(*task, -1);
  task->removed = true;
  touch(*task);
  out.changes.push_back({change_kind::removed, task->spec, nullptr, task->state.status, task->state});
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
