#include "actors/journal.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <iterator>

namespace overwatch {

namespace {

using journal_pointer = journal_actor::stateful_pointer<journal_state>;

// Runs one checkpoint and ends: it blocks for as long as writing a memtable takes.
caf::behavior checkpointer(caf::event_based_actor* self, store* db, journal_actor owner) {
  self->send(owner, caf::ok_atom::value, db->checkpoint() == store::write_result::done);
  self->quit();
  return {};
}

void report_disk(journal_pointer self, disk_state next) {
  auto& report = self->state.stats.disk;
  report.free_bytes = self->state.db->free_bytes();
  auto changed = report.state != next;
  report.state = next;
  if (changed)
    for (const auto& listener : self->state.listeners)
      caf::anon_send(listener, report);
}

void look_at_disk(journal_pointer self) {
  auto& state = self->state;
  auto next = judge_disk(state.db->free_bytes(), state.options.min_free_bytes);
  report_disk(self, state.blocked ? disk_state::full : next);
}

void answer_writers(journal_pointer self) {
  auto& state = self->state;
  for (const auto& x : state.gathered) {
    if (x.flush_number)
      state.written[x.partition] = x.applied;
    if (auto i = state.replicas.find(x.partition); i != state.replicas.end() && (x.log_write || x.flush_number))
      self->send(i->second, journal_done{x.log_write, x.flush_number});
  }
  state.gathered.clear();
  state.batch.changes.clear();
}

void write_gathered(journal_pointer self) {
  auto& state = self->state;
  state.flush_scheduled = false;
  if (state.gathered.empty())
    return;
  auto sync = false;
  for (auto& x : state.gathered) {
    sync |= x.sync;
    auto& changes = x.batch.changes;
    std::move(changes.begin(), changes.end(), std::back_inserter(state.batch.changes));
    changes.clear();
  }
  auto begin = std::chrono::steady_clock::now();
  auto result = state.db->write(state.batch, sync);
  if (result == store::write_result::no_space) {
    state.blocked = true;
    state.flush_scheduled = true;
    report_disk(self, disk_state::full);
    self->delayed_send(self, state.options.retry_interval, caf::flush_atom::value);
    return;
  }
  if (sync)
    state.stats.sync_seconds.observe(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  ++state.stats.writes;
  for (const auto& change : state.batch.changes) {
    state.stats.entries += change.space == key_space::log && change.what == write_batch::kind::put ? 1 : 0;
    state.stats.bytes += change.key.size() + change.value.size();
  }
  answer_writers(self);
  if (std::exchange(state.blocked, false))
    look_at_disk(self);
}

void start_checkpoint(journal_pointer self) {
  auto& state = self->state;
  if (!state.checkpointing.empty()) {
    state.checkpoint_again = true;
    return;
  }
  state.checkpointing = state.written;
  if (state.checkpointing.empty())
    return;
  if (state.options.checkpoint_detached)
    self->spawn<caf::detached>(checkpointer, state.db, journal_actor{self});
  else
    self->spawn(checkpointer, state.db, journal_actor{self});
}

void checkpoint_ended(journal_pointer self, bool done) {
  auto& state = self->state;
  auto positions = std::exchange(state.checkpointing, {});
  if (done)
    for (const auto& [partition, applied] : positions)
      if (auto i = state.replicas.find(partition); i != state.replicas.end())
        self->send(i->second, checkpoint_done{applied});
  if (std::exchange(state.checkpoint_again, false))
    start_checkpoint(self);
}

} // namespace

disk_state judge_disk(uint64_t free_bytes, uint64_t min_free_bytes) {
  if (free_bytes >= min_free_bytes)
    return disk_state::ok;
  return free_bytes >= min_free_bytes / 4 ? disk_state::low : disk_state::full;
}

journal_actor::behavior_type journal(journal_pointer self, store* db, journal_options options) {
  auto& state = self->state;
  state.db = db;
  state.options = options;
  state.stats.sync_seconds = make_latency_histogram();
  state.stats.disk.free_bytes = db->free_bytes();
  state.stats.disk.state = judge_disk(state.stats.disk.free_bytes, options.min_free_bytes);
  self->delayed_send(self, options.disk_interval, caf::tick_atom::value);
  return {
    [=](journal_write& x) {
      auto& state = self->state;
      // While a write is tried again its batch must stay as it is; later ones wait behind it in `gathered`.
      state.gathered.push_back(std::move(x));
      if (!std::exchange(state.flush_scheduled, true))
        self->send(self, caf::flush_atom::value);
    },
    [=](caf::join_atom, partition_id partition, const caf::strong_actor_ptr& replica) {
      self->state.replicas[partition] = caf::actor_cast<replica_actor>(replica);
    },
    [=](caf::subscribe_atom, const caf::strong_actor_ptr& listener) {
      auto handle = caf::actor_cast<caf::actor>(listener);
      caf::anon_send(handle, self->state.stats.disk);
      self->state.listeners.push_back(std::move(handle));
    },
    [=](const checkpoint_request&) { start_checkpoint(self); },
    [=](const journal_stats_request&) {
      self->state.stats.disk.free_bytes = self->state.db->free_bytes();
      return self->state.stats;
    },
    [=](caf::flush_atom) { write_gathered(self); },
    [=](caf::tick_atom) {
      look_at_disk(self);
      self->delayed_send(self, self->state.options.disk_interval, caf::tick_atom::value);
    },
    [=](caf::ok_atom, bool done) { checkpoint_ended(self, done); },
  };
}

} // namespace overwatch
