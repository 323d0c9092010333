#include "actors/invariant.hpp"
#include "actors/keys.hpp"
#include "actors/partition_state.hpp"
#include "actors/task_codec.hpp"
#include "messages/codec.hpp"

#include <utility>

/// How the state of a partition gets to the store and back.
namespace overwatch {

namespace {

/// Clean tasks kept in memory beyond those that run; above it a written task is forgotten.
constexpr size_t max_clean_tasks = 16'384;

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

partition_state::partition_state(const store_reader& base, partition_id partition)
  : base_{base}, partition_{partition} {
  if (auto record = base_.get(key_space::state, keys::meta(partition_)))
    invariant(decode(*record, totals_), "the stored totals of a partition are readable");
  for (const auto& x : totals_.counts)
    counts_[x.task_type][static_cast<size_t>(x.status)][static_cast<size_t>(x.importance)] = x.count;
  totals_.counts.clear();
  auto first = keys::setting(partition_, {});
  for (auto i = base_.scan(key_space::state, first, keys::after_prefix(first)); i->valid(); i->next())
    settings_.emplace(i->key().substr(first.size()), i->value());
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
  for (const auto& key : dirty_unique_) {
    auto& holder = unique_.at(key);
    if (holder.released) {
      batch.erase(key_space::state, keys::unique(partition_, key));
    } else {
      std::string value;
      encoder{value}(holder.id.high, holder.id.low, holder.until);
      batch.put(key_space::state, keys::unique(partition_, key), std::move(value));
    }
    holder.dirty = false;
    holder.flush_number = flush_number_;
  }
  for (const auto& key : changed_settings_)
    if (auto i = settings_.find(key); i != settings_.end())
      batch.put(key_space::state, keys::setting(partition_, key), i->second);
    else
      batch.erase(key_space::state, keys::setting(partition_, key));
  write_totals(batch);
  unacknowledged_.emplace_back(flush_number_, std::exchange(dirty_, {}));
  dirty_unique_.clear();
  changed_settings_.clear();
  dirty_bytes_ = 0;
  changed_ = false;
  return flush_number_;
}

void partition_state::write_entry(entry& x, write_batch& batch) {
  const auto& spec = *x.spec;
  const auto& id = spec.id;
  const auto& old = x.stored;
  auto exists = !x.removed;
  auto when = [](bool condition, auto make) { return condition ? std::optional<std::string>{make()} : std::nullopt; };
  replace_key(batch, when(old.present, [&] { return keys::index(id, spec.task_type, old.status); }),
              when(exists, [&] { return keys::index(id, spec.task_type, x.state.status); }));
  auto ready = [&](uint64_t order) { return keys::ready(id, spec.task_type, spec.importance, order); };
  replace_key(batch, when(old.present && old.status == task_status::queued, [&] { return ready(old.order); }),
              when(exists && x.state.status == task_status::queued, [&] { return ready(x.state.order); }));
  auto eligible = [&](timestamp time) { return keys::timer(id, time, keys::timer_kind::eligible); };
  replace_key(batch, when(old.present && old.due, [&] { return eligible(*old.due); }),
              when(exists && x.state.due, [&] { return eligible(*x.state.due); }));
  auto deadline = [&] { return keys::timer(id, *spec.deadline, keys::timer_kind::deadline); };
  replace_key(batch, when(old.present && spec.deadline && !is_terminal(old.status), deadline),
              when(exists && spec.deadline && !is_terminal(x.state.status), deadline));
  auto finished = [&](timestamp time) { return keys::finished(id, time); };
  replace_key(batch, when(old.present && old.finished_at, [&] { return finished(*old.finished_at); }),
              when(exists && x.state.finished_at, [&] { return finished(*x.state.finished_at); }));
  if (exists) {
    // A task that comes to the store in its final form has all of it under one key; one that will change again
    // has apart what does not change.
    auto whole = !x.spec_stored && is_terminal(x.state.status);
    if (!x.spec_stored && !whole)
      batch.put(key_space::state, keys::spec(id), encode_spec(spec, *x.payload));
    batch.put(key_space::state, keys::state(id),
              whole ? encode_task(x.state, spec, *x.payload) : encode_state(x.state));
    x.spec_stored |= !whole;
    if (x.result)
      batch.put(key_space::state, keys::result(id), *x.result);
  } else if (old.present) {
    batch.erase(key_space::state, keys::spec(id));
    batch.erase(key_space::state, keys::state(id));
    batch.erase(key_space::state, keys::result(id));
    auto lines = keys::log_lines_of(id);
    batch.erase_range(key_space::series, lines, keys::after_prefix(lines));
  }
  x.stored = {exists, x.state.status, x.state.order, x.state.due, x.state.finished_at};
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
      if (finished || (x->state.status != task_status::running && tasks_.size() > max_clean_tasks))
        tasks_.erase(task_id{x->spec->id});
    }
  for (auto i = unique_.begin(); i != unique_.end();)
    i = !i->second.dirty && i->second.flush_number <= number ? unique_.erase(i) : std::next(i);
}

uint64_t partition_state::digest() const {
  uint64_t hash = 1469598103934665603ULL; // FNV-1a
  auto mix = [&](std::string_view bytes) {
    for (auto c : bytes)
      hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211ULL;
  };
  auto first = keys::prefix(partition_, '\0');
  auto last = keys::prefix(partition_, '\x7F');
  for (auto i = base_.scan(key_space::state, first, last); i->valid(); i->next()) {
    auto kind = i->key()[2];
    if (kind == 's')
      continue; // comes with its state: whether it has a key of its own depends on when it was flushed
    mix(i->key());
    if (kind != 't') {
      mix(i->value());
      continue;
    }
    task_spec spec;
    task_state state;
    std::string payload;
    invariant(read_task(base_, keys::id_of(i->key()), spec, state, &payload), "a task that has a state has a spec");
    mix(encode_task(state, spec, payload));
  }
  return hash;
}

} // namespace overwatch
