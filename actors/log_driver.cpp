#include "actors/log_driver.hpp"

#include "actors/invariant.hpp"
#include "actors/keys.hpp"
#include "actors/log_codec.hpp"

#include <algorithm>

namespace overwatch {

namespace {

log_append entry_at(const store_cursor& i) {
  log_append x;
  x.index = keys::read_u64(i.key().substr(3));
  invariant(decode_entry(i.value(), x), "a stored log entry is readable");
  return x;
}

} // namespace

std::function<std::vector<log_append>(uint64_t, uint64_t, size_t)> make_entry_reader(const store_reader& db,
                                                                                    partition_id partition) {
  return [&db, partition](uint64_t first, uint64_t last, size_t max_bytes) {
    std::vector<log_append> result;
    size_t bytes = 0;
    auto from = keys::log_entry(partition, first);
    for (auto i = db.scan(key_space::log, from, keys::log_entry(partition, last + 1)); i->valid(); i->next()) {
      bytes += i->value().size();
      if (!result.empty() && bytes > max_bytes)
        break;
      result.push_back(entry_at(*i));
    }
    return result;
  };
}

log_driver::log_driver(partition_id partition, std::unique_ptr<replicated_log> log, log_driver_hooks hooks)
  : partition_{partition}, log_{std::move(log)}, hooks_{std::move(hooks)} {
}

void log_driver::start(const store_reader& db, uint64_t applied, log_time now) {
  applied_ = applied;
  log_start stored;
  stored.applied = applied;
  if (auto record = db.get(key_space::log, keys::hard_state(partition_)))
    invariant(decode_hard_state(*record, stored.hard_state), "the stored term of a log is readable");
  if (auto record = db.get(key_space::log, keys::log_snapshot(partition_)))
    invariant(decode_snapshot(*record, stored.snapshot.emplace()), "the stored position of a log is readable");
  auto first = keys::log_entry(partition_, 0);
  for (auto i = db.scan(key_space::log, first, keys::end_of_log(partition_)); i->valid(); i->next()) {
    auto x = entry_at(*i);
    if (x.index > applied) {
      unapplied_[x.index] = {x.kind, 0, std::nullopt, x.bytes};
      bytes_ += x.bytes.size();
    }
    if (x.kind == entry_kind::command)
      x.bytes.clear();
    stored.entries.push_back(std::move(x));
  }
  first_index_ = stored.entries.empty() ? applied + 1 : stored.entries.front().index;
  carry_out(log_->start(now, stored));
}

bool log_driver::propose(uint64_t number, command_batch& batch) {
  log_update update;
  auto index = log_->propose(encode_batch(batch), update);
  if (!index)
    return false;
  unapplied_[*index] = {entry_kind::command, number, std::move(batch), {}};
  carry_out(std::move(update));
  return true;
}

void log_driver::written(uint64_t log_write) {
  while (!writes_.empty() && writes_.front().number <= log_write) {
    auto done = std::move(writes_.front());
    writes_.pop_front();
    for (auto& x : done.messages)
      hooks_.send(std::move(x));
    if (done.last_append > 0)
      carry_out(log_->persisted(done.last_append));
  }
  install_when_written();
}

void log_driver::checkpointed(uint64_t index, uint64_t first_kept) {
  if (!installing_ && index >= first_index_)
    carry_out(log_->snapshot_taken(index, std::max(std::min(first_kept, index + 1), first_index_)));
}

void log_driver::carry_out(log_update update) {
  if (update.install)
    installing_ = update.install;
  store(update);
  for (auto member : update.send_snapshot)
    hooks_.send_snapshot(member);
  apply(update.commit_index);
  if (update.lost_leadership)
    hooks_.leadership_lost();
  if (update.became_leader)
    hooks_.leadership_gained();
  if (update.leader_changed || update.configuration)
    hooks_.group_changed();
}

// -- members -------------------------------------------------------------------

log_answer log_driver::change_members(const std::function<log_answer(log_update&)>& change) {
  log_update update;
  auto answer = change(update);
  if (answer == log_answer::accepted)
    carry_out(std::move(update));
  return answer;
}

log_answer log_driver::add_member(const log_member& x) {
  return change_members([&](log_update& update) { return log_->add_member(x, update); });
}

log_answer log_driver::promote_member(member_id id) {
  return change_members([&](log_update& update) { return log_->promote_member(id, update); });
}

log_answer log_driver::remove_member(member_id id) {
  return change_members([&](log_update& update) { return log_->remove_member(id, update); });
}

log_answer log_driver::transfer(member_id to) {
  return change_members([&](log_update& update) { return log_->transfer(to, update); });
}

// -- installing ----------------------------------------------------------------

bool log_driver::receive_snapshot(log_time now, std::string_view offer) {
  if (installing_)
    return false;
  carry_out(log_->receive_snapshot(now, offer));
  install_when_written();
  return installing_.has_value();
}

void log_driver::install_when_written() {
  if (installing_ && writes_.empty())
    hooks_.install();
}

write_batch log_driver::install_batch() const {
  write_batch batch;
  batch.put(key_space::log, keys::log_snapshot(partition_), encode_snapshot(*installing_));
  batch.erase_range(key_space::log, keys::log_entry(partition_, 0), keys::end_of_log(partition_));
  return batch;
}

void log_driver::installed() {
  unapplied_.clear();
  applied_ = installing_->index;
  first_index_ = applied_ + 1;
  bytes_ = 0;
  installing_.reset();
  carry_out(log_->snapshot_installed());
}

// -- storing, sending, applying ------------------------------------------------

void log_driver::store(log_update& update) {
  journal_write x;
  x.partition = partition_;
  x.sync = true;
  write_on_its_way write;
  write.holds_back = update.hard_state.has_value();
  if (update.hard_state)
    x.batch.put(key_space::log, keys::hard_state(partition_), encode_hard_state(*update.hard_state));
  if (update.cut_from > 0) {
    x.batch.erase_range(key_space::log, keys::log_entry(partition_, update.cut_from), keys::end_of_log(partition_));
    unapplied_.erase(unapplied_.lower_bound(update.cut_from), unapplied_.end());
  }
  for (auto& append : update.append) {
    write.last_append = append.index;
    bytes_ += append.bytes.size();
    x.batch.put(key_space::log, keys::log_entry(partition_, append.index), encode_entry(append));
    auto& here = unapplied_[append.index];
    here.kind = append.kind;
    if (!here.batch)
      here.bytes = std::move(append.bytes);
  }
  if (update.snapshot)
    x.batch.put(key_space::log, keys::log_snapshot(partition_), encode_snapshot(*update.snapshot));
  if (update.first_kept > first_index_) {
    x.batch.erase_range(key_space::log, keys::log_entry(partition_, first_index_),
                        keys::log_entry(partition_, update.first_kept));
    first_index_ = update.first_kept;
  }
  if (!x.batch.empty()) {
    invariant(!installing_ || update.append.empty(), "a log appends nothing while a state is installed");
    x.log_write = write.number = ++newest_write_;
    writes_.push_back(std::move(write));
    hooks_.write(std::move(x));
  }
  send(std::move(update.messages));
}

// No message may leave before the hard states of its and earlier updates are durable; entries need not be.
void log_driver::send(std::vector<log_message> messages) {
  auto holds = std::find_if(writes_.rbegin(), writes_.rend(), [](const auto& x) { return x.holds_back; });
  for (auto& x : messages)
    if (holds == writes_.rend())
      hooks_.send(std::move(x));
    else
      holds->messages.push_back(std::move(x));
}

void log_driver::apply(uint64_t commit_index) {
  while (!installing_ && !unapplied_.empty() && unapplied_.begin()->first <= commit_index) {
    auto next = unapplied_.extract(unapplied_.begin());
    if (next.key() <= applied_)
      continue; // the state had it when this log started
    invariant(next.key() == applied_ + 1, "entries are applied without a gap");
    applied_ = next.key();
    committed_entry x{applied_, next.mapped().kind, next.mapped().proposal, {}};
    if (x.kind == entry_kind::command && next.mapped().batch)
      x.batch = std::move(*next.mapped().batch);
    else if (x.kind == entry_kind::command)
      invariant(decode_batch(next.mapped().bytes, x.batch), "a log entry is readable");
    hooks_.apply(x);
  }
}

} // namespace overwatch
