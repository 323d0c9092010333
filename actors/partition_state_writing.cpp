#include "actors/keys.hpp"
#include "actors/partition_state.hpp"
#include "actors/task_codec.hpp"
#include "actors/wait_reason.hpp"
#include "messages/codec.hpp"

#include <utility>

/// How the state of a partition gets to the store and back.
namespace overwatch {

namespace {

/// Clean tasks kept in memory beyond those that run; above it a written task is forgotten.
constexpr size_t max_clean_tasks = 16'384;

/// Flows of one type and priority: from here on, those that have nothing waiting are looked for and forgotten.
constexpr size_t min_flows_to_sweep = 1'024;

// A change of one key that may be under another name in the store.
void replace_key(write_batch& batch, std::optional<std::string> before, std::optional<std::string> after) {
  if (before == after)
    return;
  if (before)
    batch.erase(key_space::state, std::move(*before));
  if (after)
    batch.put(key_space::state, std::move(*after), {});
}

} // namespace

partition_state::stored_keys partition_state::stored_as(const std::shared_ptr<const task_spec>& spec,
                                                        const task_state& state) {
  auto rolling_back = is_terminal(state.status) && state.rollback == rollback_status::running;
  return {spec,           state.status,    state.order, state.due, state.finished_at,
          state.waits_for, parked_rank(*spec, state), rolling_back};
}

uint64_t partition_state::flush(write_batch& batch) {
  ++flush_number_;
  for (auto& x : std::exchange(replaced_, {}))
    write_entry(x, batch);
  for (auto* x : dirty_) {
    write_entry(*x, batch);
    x->dirty = false;
    x->flush_number = flush_number_;
  }
  unique_.flush(batch, flush_number_);
  cached_.flush(batch, flush_number_);
  rates_.flush(batch, flush_number_);
  remote_results_.flush(batch, flush_number_);
  documents_.flush(batch);
  for (const auto& key : changed_settings_)
    if (auto i = settings_.find(key); i != settings_.end())
      batch.put(key_space::state, keys::setting(partition_, key), i->second);
    else
      batch.erase(key_space::state, keys::setting(partition_, key));
  write_edges(batch);
  write_flows(batch);
  write_workflows(batch);
  write_totals(batch);
  unacknowledged_.emplace_back(flush_number_, std::exchange(dirty_, {}));
  changed_settings_.clear();
  dirty_bytes_ = 0;
  changed_ = false;
  return flush_number_;
}

void partition_state::write_entry(entry& x, write_batch& batch) {
  const auto& spec = *x.spec;
  const auto& id = spec.id;
  const auto& old = x.stored;
  const auto exists = !x.removed;
  const auto* old_spec = old.spec.get();
  auto when = [](bool condition, auto make) { return condition ? std::optional<std::string>{make()} : std::nullopt; };
  replace_key(batch, when(old_spec, [&] { return keys::index(id, spec.task_type, old.status); }),
              when(exists, [&] { return keys::index(id, spec.task_type, x.state.status); }));
  auto ready = [&](const task_spec& y, uint64_t order) {
    return asks_for_resources(y) ? keys::resource_ready(id, y.task_type, y.importance, order)
                                 : keys::ready(id, y.task_type, y.importance, order);
  };
  auto in_queue = [](task_status status, const std::string& waits_for) {
    return status == task_status::queued && waits_for.empty();
  };
  replace_key(batch, when(old_spec && in_queue(old.status, old.waits_for), [&] { return ready(*old_spec, old.order); }),
              when(exists && in_queue(x.state.status, x.state.waits_for), [&] { return ready(spec, x.state.order); }));
  auto next = stored_as(x.spec, x.state);
  auto parked = [&](const stored_keys& y) { return keys::parked(id, y.waits_for, y.rank); };
  replace_key(batch, when(old_spec && wait_reason::parks(old.waits_for), [&] { return parked(old); }),
              when(exists && wait_reason::parks(next.waits_for), [&] { return parked(next); }));
  auto eligible = [&](timestamp time) { return keys::timer(id, time, keys::timer_kind::eligible); };
  replace_key(batch, when(old_spec && old.due, [&] { return eligible(*old.due); }),
              when(exists && x.state.due, [&] { return eligible(*x.state.due); }));
  auto deadline = [&](const task_spec& y) { return keys::timer(id, *y.deadline, keys::timer_kind::deadline); };
  replace_key(batch,
              when(old_spec && old_spec->deadline && !is_terminal(old.status), [&] { return deadline(*old_spec); }),
              when(exists && spec.deadline && !is_terminal(x.state.status), [&] { return deadline(spec); }));
  auto finished = [&](timestamp time) { return keys::finished(id, time); };
  replace_key(batch, when(old_spec && old.finished_at, [&] { return finished(*old.finished_at); }),
              when(exists && x.state.finished_at, [&] { return finished(*x.state.finished_at); }));
  replace_key(batch, when(old_spec && old.rolling_back, [&] { return keys::rolling_back(id); }),
              when(exists && next.rolling_back, [&] { return keys::rolling_back(id); }));
  if (exists) {
    // A task that comes to the store in its final form has all of it under one key; one that will change again
    // has apart what does not change.
    auto whole = !x.spec_stored && is_terminal(x.state.status) && !old_spec;
    if (!x.spec_stored && !whole)
      batch.put(key_space::state, keys::spec(id), encode_spec(spec, *x.payload));
    batch.put(key_space::state, keys::state(id),
              whole ? encode_task(x.state, spec, *x.payload) : encode_state(x.state));
    x.spec_stored |= !whole;
    if (x.result)
      batch.put(key_space::state, keys::result(id), *x.result);
    write_saved(x, batch);
  } else if (old_spec) {
    batch.erase(key_space::state, keys::spec(id));
    batch.erase(key_space::state, keys::state(id));
    batch.erase(key_space::state, keys::result(id));
    batch.erase(key_space::state, keys::captured(id));
    auto lines = keys::log_lines_of(id);
    batch.erase_range(key_space::series, lines, keys::after_prefix(lines));
  }
  x.stored = std::move(next);
  if (!exists)
    x.stored.spec.reset();
}

void partition_state::write_saved(entry& x, write_batch& batch) {
  if (x.spec->snapshot.keys.empty())
    return;
  auto wanted = x.state.status == task_status::running || x.state.snapshot_until;
  if (x.saved && wanted && !x.saved_stored) {
    batch.put(key_space::state, keys::captured(x.spec->id), encode(*x.saved));
    x.saved_stored = true;
  } else if (!wanted && x.stored.spec) {
    batch.erase(key_space::state, keys::captured(x.spec->id));
  }
}

void partition_state::write_edges(write_batch& batch) {
  for (const auto& [parent, child, gone] : std::exchange(changed_edges_, {})) {
    if (!gone) {
      batch.put(key_space::state, keys::child(parent, child), {});
    } else if (!child.is_nil()) {
      batch.erase(key_space::state, keys::child(parent, child));
    } else {
      auto first = keys::children_of(partition_, parent);
      batch.erase_range(key_space::state, first, keys::after_prefix(first));
    }
  }
}

void partition_state::write_flows(write_batch& batch) {
  auto number = [](uint64_t x) {
    std::string value;
    keys::append_u64(value, x);
    return value;
  };
  for (auto& [task_type, flows] : flows_)
    for (size_t importance = 0; importance < flows.size(); ++importance) {
      auto& flow = flows[importance];
      auto prefix = flow_prefix(task_type, importance);
      if (std::exchange(flow.time_dirty, false))
        batch.put(key_space::state, prefix, number(flow.virtual_time));
      if (flow.newest.size() > 2 * flow.swept + min_flows_to_sweep) {
        for (auto& [key, newest] : flow.newest)
          if (newest.place <= flow.virtual_time && !std::exchange(newest.dirty, true))
            flow.dirty.push_back(key);
        flow.swept = flow.newest.size();
      }
      for (const auto& key : std::exchange(flow.dirty, {})) {
        auto i = flow.newest.find(key);
        i->second.dirty = false;
        if (i->second.place > flow.virtual_time) {
          batch.put(key_space::state, prefix + '\1' + key, number(i->second.place));
        } else { // nothing of it waits: the same as a flow that was never there
          batch.erase(key_space::state, prefix + '\1' + key);
          flow.newest.erase(i);
        }
      }
    }
}

void partition_state::write_totals(write_batch& batch) {
  totals_.counts = stats().counts;
  batch.put(key_space::state, keys::meta(partition_), encode(totals_));
  totals_.counts.clear();
}

void partition_state::flushed(uint64_t number) {
  for (; !unacknowledged_.empty() && unacknowledged_.front().first <= number; unacknowledged_.pop_front())
    for (auto* x : unacknowledged_.front().second) {
      if (x->dirty || x->flush_number != unacknowledged_.front().first)
        continue; // written again since: a later flush has it too
      auto finished = x->removed || is_terminal(x->state.status);
      if (finished || (x->state.status != task_status::running && tasks_.size() > max_clean_tasks)) {
        auto id = x->spec->id;
        for (auto& [reading, forgotten] : readings_)
          forgotten.insert(id);
        tasks_.erase(id);
      }
    }
  unique_.flushed(number);
  cached_.flushed(number);
  rates_.flushed(number);
  remote_results_.flushed(number);
  if (!unacknowledged_.empty() || !dirty_workflows_.empty())
    return;
  for (auto i = workflows_.begin(); i != workflows_.end();)
    i = i->second.record.finished_at || i->second.stored == 0 ? workflows_.erase(i) : std::next(i);
}

} // namespace overwatch
