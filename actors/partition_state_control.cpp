#include "actors/invariant.hpp"
#include "actors/keys.hpp"
#include "actors/partition_state.hpp"
#include "actors/partition_state_replies.hpp"
#include "actors/wait_reason.hpp"
#include "messages/codec.hpp"
#include "messages/key_value.hpp"

#include <algorithm>
#include <set>

/// Documents, the keys that snapshots put back, and what clients change at a task.
namespace overwatch {

namespace {

// The prefixes of keys in a scope, without those that begin with another one of it.
std::vector<std::string> prefixes_of(const task_spec& spec) {
  std::vector<std::string> result;
  for (const auto& scope : scopes_of({spec.snapshot.keys, {}}))
    result.push_back(scope.substr(1));
  return result;
}

} // namespace

// -- documents -----------------------------------------------------------------

command_result partition_state::run(const put_command& x, applied_entry& out) {
  const auto* before = documents_.find(x.kind, x.name);
  auto version = before ? before->version : 0;
  command_result result;
  result.version = version;
  auto refuse = [&](ec code, std::string field, std::string message) {
    result.error = {code, std::move(field), std::move(message)};
    return result;
  };
  if (x.expected && *x.expected != version)
    return refuse(ec::conflict, "/version",
                  before
                    ? describe(x.kind, x.name) + " has version " + std::to_string(version) + ", not " +
                        std::to_string(*x.expected)
                    : describe(x.kind, x.name) + " is not there, so it has no version " + std::to_string(*x.expected));
  if (!x.value && !before)
    return refuse(ec::not_found, "/name", "there is no " + describe(x.kind, x.name));
  auto grows = x.value ? x.name.size() + x.value->size() : 0;
  if (x.kind == document_kind::key && documents_.key_bytes() + grows > key_limits::total_bytes)
    return refuse(ec::too_large, "/value",
                  "all keys and values together have at most " + std::to_string(key_limits::total_bytes >> 20) +
                    " MiB: remove some first");
  result.version = ++totals_.last_version;
  auto value = x.value ? std::make_shared<const std::string>(*x.value) : nullptr;
  documents_.put(x.kind, x.name, value, result.version, totals_.last_time, out);
  if (x.kind == document_kind::gate)
    learn_gate(x.name, value.get(), out);
  return result;
}

// -- keys of a snapshot --------------------------------------------------------

failure partition_state::save_keys(entry& x) {
  if (x.spec->snapshot.keys.empty())
    return {};
  auto saved = std::make_shared<saved_keys>();
  for (const auto& prefix : prefixes_of(*x.spec))
    for (auto [i, last] = documents_.with_prefix(document_kind::key, prefix); i != last; ++i) {
      if (saved->keys.size() == key_limits::captured_keys)
        return {ec::too_large, "/snapshot/keys",
                "its snapshot would hold more than " + std::to_string(key_limits::captured_keys)
                  + " keys: narrow the prefixes in snapshot.keys"};
      saved->keys.push_back({i->first.second, *i->second.value, i->second.version});
    }
  x.saved = std::move(saved);
  x.saved_stored = false;
  return {};
}

std::optional<saved_keys> partition_state::find_saved(const task_id& id) const {
  if (auto i = tasks_.find(id); i != tasks_.end()) {
    const auto& x = i->second;
    if (x.saved)
      return *x.saved;
    auto kept = x.state.status == task_status::running || x.state.snapshot_until;
    if (x.removed || x.spec->snapshot.keys.empty() || !kept)
      return std::nullopt; // what the store may still have is of an earlier attempt, or of a task that had this id
  }
  auto record = base_.get(key_space::state, keys::captured(id));
  if (!record)
    return std::nullopt;
  saved_keys result;
  invariant(decode(*record, result), "stored keys of a snapshot are readable");
  return result;
}

void partition_state::drop_saved(entry& x) {
  x.saved.reset();
  x.saved_stored = false;
}

// Only what differs is put back, so that versions tell the truth.
void partition_state::restore_keys(entry& x, applied_entry& out) {
  auto saved = find_saved(x.spec->id);
  if (!saved)
    return;
  std::set<std::string> wanted;
  for (const auto& key : saved->keys) {
    wanted.insert(key.key);
    const auto* present = documents_.find(document_kind::key, key.key);
    if (!present || present->version != key.version)
      documents_.put(document_kind::key, key.key, std::make_shared<const std::string>(key.value),
                     ++totals_.last_version, totals_.last_time, out);
  }
  std::vector<std::string> appeared;
  for (const auto& prefix : prefixes_of(*x.spec))
    for (auto [i, last] = documents_.with_prefix(document_kind::key, prefix); i != last; ++i)
      if (!wanted.count(i->first.second))
        appeared.push_back(i->first.second);
  for (const auto& key : appeared)
    documents_.put(document_kind::key, key, nullptr, ++totals_.last_version, totals_.last_time, out);
}

// An attempt ended: what it changed is back (its files, says the command), or is kept for later.
void partition_state::settle_rollback(entry& x, const finish_command& how, applied_entry& out) {
  auto& state = x.state;
  const auto& scope = x.spec->snapshot;
  touch(x);
  if (how.kind == violation::none && !how.requeue) {
    state.rollback = rollback_status::none;
    if (x.spec->keep_snapshot.count() > 0)
      state.snapshot_until = totals_.last_time + x.spec->keep_snapshot;
    else
      drop_saved(x);
    return;
  }
  if (!scope.keys.empty())
    restore_keys(x, out);
  drop_saved(x);
  state.rollback = how.rollback;
  if (state.rollback == rollback_status::none && !scope.keys.empty())
    state.rollback = rollback_status::done;
  state.rollback_message = how.rollback_message;
}

command_result partition_state::run(const rollback_command& x, applied_entry& out) {
  auto* task = lookup(x.id);
  if (!task)
    return refused(x.id, no_such_task(x.id));
  auto& state = task->state;
  auto runs = state.rollback == rollback_status::running;
  auto begins = x.status == rollback_status::running;
  if (state.status == task_status::running ? !begins : state.status != task_status::completed)
    return refused(x.id, wrong_status(x.id, state.status, "only a completed task is rolled back on request"));
  if (begins == runs)
    return refused(
      x.id, wrong_status(x.id, state.status, runs ? "it is being rolled back already" : "its rollback did not begin"));
  if (state.status == task_status::completed) {
    const auto spec = task->spec;
    if (begins && (!state.snapshot_until || *state.snapshot_until <= totals_.last_time))
      return refused(x.id, {ec::conflict, "/id",
                            "no snapshot of task " + to_string(x.id) +
                              " is kept: submit tasks that you may want to undo with keep_snapshot"});
    auto scopes = scopes_of(spec->snapshot);
    for (const auto& scope : scopes)
      if (const auto* other = begins ? scopes_.overlap(scope) : nullptr)
        return refused(x.id, {ec::conflict, "/id",
                              "a running task has " + other->substr(1) +
                                " in its snapshot, which overlaps: try again when it has ended"});
    if (begins) {
      scopes_.hold(scopes);
    } else {
      if (x.status == rollback_status::done) {
        restore_keys(*task, out);
        drop_saved(*task);
        state.snapshot_until.reset();
      }
      release_scopes(scopes, out);
    }
  }
  state.rollback = x.status;
  state.rollback_message = x.message;
  touch(*task);
  member_rolled_back(*task);
  say(change_kind::rollback, *task, state.status, out);
  return accepted(x.id, state.status);
}

// -- changes by clients --------------------------------------------------------

command_result partition_state::run(const patch_command& x, applied_entry& out) {
  auto* task = lookup(x.id);
  if (!task)
    return refused(x.id, no_such_task(x.id));
  auto& state = task->state;
  auto before = state.status;
  if (is_terminal(before))
    return refused(x.id, wrong_status(x.id, before, "only an unfinished task can be changed"));
  if (x.scheduled_at && (state.fence.attempt > 0 || before == task_status::running))
    return refused(x.id, {ec::conflict, "/scheduled_at", "task " + to_string(x.id)
                                                           + " has started: when it starts cannot change any more"});
  auto spec = std::make_shared<task_spec>(*task->spec);
  if (x.importance)
    spec->importance = *x.importance;
  if (x.scheduled_at)
    spec->scheduled_at = *x.scheduled_at;
  if (x.deadline)
    spec->deadline = *x.deadline;
  if (x.tags)
    spec->tags = *x.tags;
  auto old = task->spec;
  auto old_order = state.order;
  count(*task, -1);
  task->spec = std::move(spec);
  count(*task, 1);
  task->spec_stored = false;
  auto moved = old->importance != task->spec->importance;
  if (moved && state.order != 0) {
    state.order = 0;
    if (before == task_status::queued)
      enqueue(*task);
  }
  auto waits_for_time_only = state.fence.attempt == 0 && state.parents_left == 0 && before != task_status::running;
  if (x.scheduled_at && waits_for_time_only) {
    const auto& time = task->spec->scheduled_at;
    if (time && *time > totals_.last_time) {
      set_waits(*task, {});
      set_status(*task, task_status::pending);
      state.due = time;
      state.order = 0;
      state.queued_at.reset();
      if (before == task_status::queued)
        wake_others(*task->spec, out);
    } else if (before == task_status::pending && state.waits_for.empty()) {
      admit(*task, out);
    }
  } else if (x.scheduled_at && state.parents_left > 0) {
    state.due = task->spec->scheduled_at;
  }
  touch(*task);
  auto& change = say(change_kind::patched, *task, before, out);
  change.old = std::move(old);
  change.old_order = old_order;
  return accepted(x.id, state.status);
}

command_result partition_state::run(const approve_command& x, applied_entry& out) {
  auto* task = lookup(x.id);
  if (!task)
    return refused(x.id, no_such_task(x.id));
  auto& state = task->state;
  if (is_terminal(state.status))
    return refused(x.id, wrong_status(x.id, state.status, "only an unfinished task can be approved"));
  const auto& required = task->spec->required_gates;
  if (std::find(required.begin(), required.end(), x.consent.gate) == required.end())
    return refused(x.id,
                   {ec::invalid, "/gate", "task " + to_string(x.id) + " does not require a gate " + x.consent.gate});
  if (state.approvals.size() >= task_limits::approvals)
    return refused(
      x.id, {ec::invalid, "/gate", "the task has " + std::to_string(task_limits::approvals) + " approvals already"});
  state.approvals.push_back(x.consent);
  state.approvals.back().time = totals_.last_time;
  touch(*task);
  say(change_kind::approved, *task, state.status, out);
  if (state.waits_for == wait_reason::make(wait_reason::gate, x.consent.gate))
    admit_and_say(*task, state.status, out);
  return accepted(x.id, state.status);
}

command_result partition_state::run(const forget_command& x, applied_entry&) {
  auto time = totals_.last_time;
  switch (x.kind) {
    case keys::expiring_kind::unique_key:
      if (const auto* holder = unique_.find(x.name); holder && holder->until && *holder->until <= time)
        unique_.erase(x.name);
      break;
    case keys::expiring_kind::cached_result:
      if (const auto* found = cached_.find(x.name); found && found->until <= time)
        cached_.erase(x.name);
      break;
    case keys::expiring_kind::rate:
      if (const auto* bucket = rates_.find(x.name); bucket && bucket->full_at <= time)
        rates_.erase(x.name);
  }
  return {};
}

} // namespace overwatch
