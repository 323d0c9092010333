#include "runtime/replication/raft_log.hpp"

#include "actors/invariant.hpp"
#include "actors/log_codec.hpp"
#include "runtime/replication/core_values.hpp"

#include <algorithm>
#include <string>

namespace overwatch {

// -- every event -----------------------------------------------------------------

raft_log::role raft_log::current_role() const {
  return {leads(), term(), leader()};
}

// The library's clock stands still while the group sleeps. So whatever it waits for comes later than by the steady clock,
// and never earlier: its elections keep every promise that a lease relies on.
void raft_log::advance(log_time now) {
  auto next = std::max(now_, now);
  if (asleep_since_)
    slept_ += next - now_;
  now_ = next;
}

void raft_log::require(core_result result) const {
  invariant(result == core_done, "a step of the replicated log succeeds: " + std::string{core_reason(core_.get())});
}

void raft_log::collect(const core_update& update, std::vector<log_append>* source, log_update& out) {
  if (update.hard_state)
    out.hard_state = log_hard_state{core_term(core_.get()), core_voted_for(core_.get())};
  if (update.first > 0)
    take_entries(update, source, out);
  for (unsigned i = 0; i < update.messages; ++i) {
    core_message x;
    core_message_at(core_.get(), i, &x);
    send(x, out);
  }
}

// The new entries are the last ones of `source`, or the library's own barrier.
void raft_log::take_entries(const core_update& update, std::vector<log_append>* source, log_update& out) {
  std::vector<log_append> barrier;
  if (update.barrier) {
    barrier.push_back({update.first, term(), {}, entry_kind::barrier});
    source = &barrier;
  }
  invariant(source != nullptr && source->size() >= update.count, "new entries come from somewhere");
  if (update.first <= terms_.last()) {
    invariant(update.first > reported_, "what is committed stays");
    invariant(out.append.empty(), "one step does not cut what it appended");
    out.cut_from = update.first;
    terms_.cut_from(update.first);
    recent_.cut_from(update.first);
    history_.cut_from(update.first);
  }
  invariant(update.first == terms_.last() + 1, "new entries leave no gap");
  auto keep = has_others(); // a log of one replica sends nothing
  if (!keep)
    recent_.clear();
  for (auto i = source->end() - update.count; i != source->end(); ++i) {
    invariant(i->index == terms_.last() + 1, "new entries are those that were given");
    terms_.append(i->term);
    if (i->kind == entry_kind::configuration) {
      log_configuration configuration;
      configuration.index = i->index;
      invariant(decode_members(i->bytes, configuration.members), "a configuration entry is readable");
      history_.add(std::move(configuration));
    }
    if (keep)
      recent_.add(*i);
    out.append.push_back(std::move(*i));
  }
}

// Tells the library, which does not look at what it commits. A leader that is no member any more steps down here.
void raft_log::commit_configuration(uint64_t index, log_update& out) {
  const auto& x = history_.at(index);
  invariant(x.index == index, "a committed configuration is known");
  core_values values;
  auto configuration = values.configuration(x.members);
  core_update update{};
  require(core_configuration_committed(core_.get(), time(), index, &configuration, &update));
  collect(update, nullptr, out);
  out.configuration = x;
}

void raft_log::note_role(const role& before, log_update& out) {
  auto after = current_role();
  auto same_leadership = before.leads && after.leads && before.term == after.term;
  out.lost_leadership |= before.leads && !same_leadership;
  out.became_leader |= after.leads && !same_leadership;
  out.leader_changed |= before.leader != after.leader;
  if (same_leadership || !(before.leads || after.leads))
    return;
  busy_at_ = now_;
  contacts_.clear();
  offered_.clear();
  uncommitted_.clear();
  uncommitted_bytes_ = 0;
}

// What every event ends with.
void raft_log::settle(const role& before, size_t appended_before, log_update& out) {
  if (out.append.size() > appended_before)
    unreported_.push_back({out.append.back().index, out.append.back().term});
  auto committed = core_commit_index(core_.get());
  if (!installing_) {
    for (auto i = core_uncommitted_configuration(core_.get()); i > 0 && i <= committed;
         i = core_uncommitted_configuration(core_.get()))
      commit_configuration(i, out);
    if (committed > reported_) {
      invariant(committed <= terms_.last(), "what is committed is in the log");
      reported_ = committed;
      out.commit_index = committed;
    }
  }
  note_role(before, out);
  while (!uncommitted_.empty() && uncommitted_.front().index <= committed) {
    uncommitted_bytes_ -= uncommitted_.front().bytes;
    uncommitted_.pop_front();
  }
}

// -- events ----------------------------------------------------------------------

log_update raft_log::tick(log_time now) {
  advance(now);
  log_update out;
  if (asleep_since_ || time() < core_next_timeout(core_.get()))
    return out;
  auto before = current_role();
  core_update update{};
  require(core_timeout(core_.get(), time(), &update));
  collect(update, nullptr, out);
  settle(before, 0, out);
  ask_for_quiet(out);
  return out;
}

std::optional<uint64_t> raft_log::submit(log_append entry, log_update& out) {
  busy_at_ = now_;
  auto before = current_role();
  auto appended_before = out.append.size();
  core_values values;
  auto borrowed = values.entry(entry);
  core_update update{};
  auto result = core_submit(core_.get(), time(), &borrowed, &update);
  if (result == core_refused)
    return std::nullopt;
  require(result);
  std::vector<log_append> source;
  source.push_back(std::move(entry));
  auto index = source.front().index;
  collect(update, &source, out);
  settle(before, appended_before, out);
  return index;
}

std::optional<uint64_t> raft_log::propose(std::string bytes, log_update& out) {
  invariant(bytes.size() <= max_entry_bytes, "an entry is not larger than max_entry_bytes");
  if (!leads() || asleep_since_ || uncommitted_.size() >= options_.max_uncommitted ||
      uncommitted_bytes_ + bytes.size() > options_.max_uncommitted_bytes)
    return std::nullopt;
  uncommitted x{terms_.last() + 1, bytes.size()};
  auto index = submit({x.index, term(), std::move(bytes)}, out);
  if (index) {
    uncommitted_.push_back(x);
    uncommitted_bytes_ += x.bytes;
  }
  return index;
}

log_update raft_log::persisted(uint64_t index) {
  unreported x;
  while (!unreported_.empty() && x.last != index) {
    x = unreported_.front();
    unreported_.pop_front();
  }
  invariant(x.last == index, "an append is reported durable once, in order");
  log_update out;
  // It may have been cut off again, or replaced by a snapshot.
  if (installing_ || terms_.at(index) != x.term || index <= core_last_stored(core_.get()))
    return out;
  auto before = current_role();
  core_update update{};
  require(core_persisted(core_.get(), time(), index, &update));
  collect(update, nullptr, out);
  recent_.durable(index);
  settle(before, 0, out);
  return out;
}

// -- snapshots -------------------------------------------------------------------

log_update raft_log::snapshot_taken(uint64_t index, uint64_t first_kept) {
  log_update out;
  if (installing_ || index <= snapshot_index_ || index < 2) // one that is newer came meanwhile
    return out;
  invariant(index <= reported_ && first_kept <= index + 1 && terms_.at(index) > 0,
            "a snapshot is of what is committed");
  first_kept = std::max(first_kept, terms_.first());
  log_snapshot x{index, terms_.at(index), history_.at(index)};
  auto before = current_role();
  core_values values;
  auto snapshot = values.snapshot(x);
  core_update update{};
  require(core_snapshot_taken(core_.get(), time(), &snapshot, static_cast<unsigned>(index + 1 - first_kept), &update));
  snapshot_index_ = index;
  terms_.cut_below(first_kept);
  recent_.cut_below(first_kept);
  history_.cut_below(index);
  out.snapshot = std::move(x);
  out.first_kept = first_kept;
  collect(update, nullptr, out);
  settle(before, 0, out);
  return out;
}

std::optional<std::string> raft_log::snapshot_offer(member_id to, uint64_t index) const {
  if (!leads() || index > reported_ || index < snapshot_index_ || terms_.at(index) == 0)
    return std::nullopt;
  raft_envelope x;
  x.from = options_.id;
  x.to = to;
  x.content.kind = core_install;
  x.content.term = term();
  x.snapshot = log_snapshot{index, terms_.at(index), history_.at(index)};
  return encode_message(x);
}

log_update raft_log::receive_snapshot(log_time now, std::string_view offer) {
  advance(now);
  log_update out;
  raft_envelope x;
  if (!decode_message(offer, x) || x.to != options_.id || x.content.kind != core_install || installing_ ||
      x.snapshot->index <= reported_)
    return out;
  wake_up(log_time{0}, out);
  invariant(!(leads() && x.content.term == term()), "a term has one leader");
  auto before = current_role();
  core_values values;
  auto snapshot = values.snapshot(*x.snapshot);
  core_update update{};
  require(core_receive(core_.get(), time(), &x.content, nullptr, 0, &snapshot, &update));
  if (core_term(core_.get()) == x.content.term)
    heard_at_ = now_;
  if (update.install) {
    installing_ = std::move(x.snapshot);
    snapshot_index_ = installing_->index;
    terms_.reset(installing_->index, installing_->term);
    recent_.clear();
    history_.reset(installing_->configuration);
    out.install = installing_;
  }
  collect(update, nullptr, out);
  settle(before, 0, out);
  return out;
}

log_update raft_log::snapshot_installed() {
  invariant(installing_.has_value(), "a snapshot is installed that was asked for");
  log_update out;
  auto before = current_role();
  core_values values;
  auto snapshot = values.snapshot(*installing_);
  core_update update{};
  require(core_snapshot_installed(core_.get(), time(), &snapshot, &update));
  out.configuration = installing_->configuration;
  installing_.reset();
  collect(update, nullptr, out);
  settle(before, 0, out);
  return out;
}

} // namespace overwatch
