#include "tests/simulation/log_node.hpp"

#include "actors/invariant.hpp"
#include "actors/log_codec.hpp"
#include "messages/codec.hpp"

#include <algorithm>
#include <cstring>

namespace overwatch::simulation {

namespace {

constexpr uint64_t snapshot_after = 40; ///< applied entries
constexpr char plain = 'm';             ///< the first byte of what is sent: a message of the log
constexpr char shipped = 's';           ///< or a state, and the offer that goes with it

} // namespace

log_node::log_node(world& all, network& net, member_id id, std::vector<log_member> initial_members)
  : world_{all}, net_{net}, disk_{all.time, all.random} {
  options_.id = id;
  options_.initial_members = std::move(initial_members);
  options_.election_timeout = log_time{150};
  options_.heartbeat = log_time{20};
  options_.quiet_after = log_time{80};
  options_.snapshot_timeout = log_time{200};
  options_.max_inflight = 16;
  options_.recent_bytes = 512; // so that most of what is sent is read
  options_.max_append_bytes = 256;
  options_.max_append_burst = 1024;
  options_.read_entries = [this](auto first, auto last, auto max_bytes) {
    return read_entries(first, last, max_bytes);
  };
}

void log_node::start() {
  options_.seed = static_cast<unsigned>(world_.random.number(1, 1U << 30));
  disk_.ignores_sync = world_.fault == mutation::skip_sync;
  const auto& stored = disk_.contents();
  log_start x;
  if (!stored.hard_state.empty())
    invariant(decode_hard_state(stored.hard_state, x.hard_state), "the hard state is readable");
  if (!stored.snapshot.empty())
    invariant(decode_snapshot(stored.snapshot, x.snapshot.emplace()), "the snapshot is readable");
  state_ = stored.state;
  x.applied = state_.applied;
  for (const auto& [index, bytes] : stored.entries) {
    log_append entry;
    entry.index = index;
    invariant(decode_entry(bytes, entry), "an entry is readable");
    if (index > state_.applied)
      unapplied_[index] = entry;
    x.entries.push_back(std::move(entry));
  }
  snapshot_index_ = x.snapshot ? x.snapshot->index : 0;
  if (snapshot_index_ > state_.applied)
    throw broken_rule{"node " + std::to_string(id()) + ": its state is older than its snapshot"};
  log_ = std::make_unique<raft_log>(options_);
  drive(log_->start(local_time(), x));
}

void log_node::crash() {
  ++life_;
  disk_.crash();
  log_.reset();
  unapplied_.clear();
  pending_.clear();
  held_.clear();
  hard_states_on_their_way_ = 0;
  received_.reset();
  snapshot_under_way_ = false;
  next_tick_ = milliseconds{0};
}

void log_node::deliver(const std::string& bytes) {
  if (!is_up() || bytes.empty())
    return;
  if (bytes[0] == shipped)
    take_shipped(bytes.substr(1));
  else
    drive(log_->receive(local_time(), std::string_view{bytes}.substr(1)));
}

void log_node::propose() {
  auto value = world_.next_value++;
  std::string bytes(sizeof(value) + world_.random.number(0, 120), 'x');
  std::memcpy(bytes.data(), &value, sizeof(value));
  wake();
  log_update update;
  if (auto index = log_->propose(std::move(bytes), update))
    pending_[*index] = {log_->term(), value};
  drive(std::move(update));
}

void log_node::reach(member_id id, bool in_reach) {
  if (is_up() && (in_reach || leads() || world_.fault != mutation::sleep_on))
    drive(log_->reach(local_time(), id, in_reach));
}

void log_node::wake() {
  if (sleeps())
    drive(log_->wake(local_time()));
}

void log_node::check_lease() const {
  if (!is_up() || world_.clocks_jump)
    return;
  if (log_->has_lease(local_time()) || (world_.fault == mutation::lease_asleep && leads() && sleeps()))
    world_.checker.has_lease(options_.id, log_->commit_index());
}

void log_node::jump_clock(milliseconds by) {
  clock_.jump(by);
  next_tick_ = milliseconds{0};
  if (is_up())
    plan_tick();
}

// Carries out one update: its members from top to bottom.
void log_node::drive(log_update update) {
  for (const auto& x : update.append)
    world_.checker.appended(id(), x);
  store(update);
  if (update.cut_from > 0)
    unapplied_.erase(unapplied_.lower_bound(update.cut_from), unapplied_.end());
  for (auto& x : update.append)
    unapplied_[x.index] = std::move(x);
  if (update.install)
    install(*update.install);
  send(std::move(update.messages));
  for (auto to : update.send_snapshot)
    ship(to);
  if (update.commit_index > 0)
    apply(update.commit_index);
  if (update.lost_leadership)
    pending_.clear(); // outcome unknown
  if (update.became_leader) {
    world_.checker.leads(id(), log_->term());
    propose();
  }
  flush_or_snapshot();
  plan_tick();
}

void log_node::store(log_update& update) {
  if (!update.hard_state && update.cut_from == 0 && update.append.empty() && !update.snapshot)
    return;
  auto last = update.append.empty() ? 0 : update.append.back().index;
  std::vector<std::pair<uint64_t, std::string>> entries;
  for (const auto& x : update.append)
    entries.emplace_back(x.index, encode_entry(x));
  auto hard_state = update.hard_state;
  if (hard_state)
    ++hard_states_on_their_way_;
  disk_.write(
    true,
    [hard_state, entries, cut_from = update.cut_from, snapshot = update.snapshot,
     first_kept = update.first_kept, forget = world_.fault == mutation::forget_vote](log_disk& x) {
      if (hard_state && !forget)
        x.hard_state = encode_hard_state(*hard_state);
      if (cut_from > 0)
        x.entries.erase(x.entries.lower_bound(cut_from), x.entries.end());
      for (const auto& [index, bytes] : entries)
        x.entries[index] = bytes;
      if (snapshot) {
        x.snapshot = encode_snapshot(*snapshot);
        x.entries.erase(x.entries.begin(), x.entries.lower_bound(first_kept));
      }
    },
    [this, last, is_hard_state = hard_state.has_value()] {
      if (is_hard_state)
        hard_state_durable();
      if (last == 0)
        return;
      if (world_.fault == mutation::acknowledge_early)
        for (const auto& [index, x] : pending_)
          if (index <= last)
            world_.checker.acknowledged(x.value, index);
      drive(log_->persisted(last));
    });
}

void log_node::send(std::vector<log_message> messages) {
  for (auto& x : messages)
    if (hard_states_on_their_way_ > 0)
      held_.emplace_back(hard_states_on_their_way_, std::move(x));
    else
      net_.send(id(), x.to, plain + x.bytes);
}

void log_node::hard_state_durable() {
  --hard_states_on_their_way_;
  std::vector<std::pair<unsigned, log_message>> rest;
  for (auto& [waits_for, x] : held_)
    if (--waits_for == 0)
      net_.send(id(), x.to, plain + x.bytes);
    else
      rest.emplace_back(waits_for, std::move(x));
  held_ = std::move(rest);
}

void log_node::install(const log_snapshot& snapshot) {
  unapplied_.clear();
  disk_.write(
    true,
    [snapshot, state = *received_](log_disk& x) {
      x.entries.clear();
      x.snapshot = encode_snapshot(snapshot);
      x.state = state;
    },
    [this, index = snapshot.index] {
      state_ = *received_;
      received_.reset();
      snapshot_index_ = index;
      ++world_.snapshots_installed;
      world_.checker.installed(id(), state_);
      drive(log_->snapshot_installed());
    });
}

void log_node::apply(uint64_t commit_index) {
  while (state_.applied < commit_index) {
    auto i = unapplied_.begin();
    if (i == unapplied_.end() || i->first != state_.applied + 1)
      throw broken_rule{"node " + std::to_string(id()) + ": entry " + std::to_string(state_.applied + 1) +
                      " is committed and not here"};
    state_.apply(i->second);
    if (world_.fault == mutation::apply_twice && world_.random.one_in(50))
      state_.apply(i->second);
    world_.checker.applied(id(), i->second, state_);
    acknowledge(i->second);
    unapplied_.erase(i);
  }
}

void log_node::acknowledge(const log_append& x) {
  auto i = pending_.find(x.index);
  if (i == pending_.end())
    return;
  if (i->second.term == x.term)
    world_.checker.acknowledged(i->second.value, x.index);
  pending_.erase(i);
}

// Writes the state now and then; a snapshot is a state that is durable.
void log_node::flush_or_snapshot() {
  if (received_)
    return;
  auto state = state_;
  if (state.applied >= snapshot_index_ + snapshot_after && !snapshot_under_way_) {
    snapshot_under_way_ = true;
    auto trailing = world_.random.number(0, 30);
    disk_.write(
      true, [state](log_disk& x) { x.state = state; },
      [this, index = state.applied, trailing] {
        snapshot_under_way_ = false;
        auto update = log_->snapshot_taken(index, index > trailing ? index + 1 - trailing : 1);
        if (update.snapshot)
          snapshot_index_ = index;
        drive(std::move(update));
      });
  } else if (world_.random.one_in(20)) {
    disk_.write(
      false, [state](log_disk& x) { x.state = state; }, {});
  }
}

// The whole state is one message here; on its way it may be lost or late as any other.
void log_node::ship(member_id to) {
  auto offer = log_->snapshot_offer(to, state_.applied);
  if (!offer || hard_states_on_their_way_ > 0)
    return;
  std::string bytes{shipped};
  encoder{bytes}(state_.applied, state_.digest, *offer);
  net_.send(id(), to, std::move(bytes));
}

void log_node::take_shipped(const std::string& bytes) {
  applied_state state;
  std::string offer;
  if (received_ || !decoder{bytes}(state.applied, state.digest, offer))
    return;
  received_ = state;
  auto update = log_->receive_snapshot(local_time(), offer);
  if (!update.install)
    received_.reset();
  drive(std::move(update));
}

void log_node::plan_tick() {
  if (log_->next_timeout() == log_time::max())
    return;
  auto when = clock_.when(log_->next_timeout(), world_.time.now());
  if (next_tick_ > world_.time.now() && next_tick_ <= when)
    return;
  next_tick_ = when;
  world_.time.at(when, [this, life = life_, when] {
    if (life != life_ || when != next_tick_)
      return;
    next_tick_ = milliseconds{0};
    drive(log_->tick(local_time()));
  });
}

std::vector<log_append> log_node::read_entries(uint64_t first, uint64_t last, size_t max_bytes) const {
  std::vector<log_append> result;
  size_t bytes = 0;
  const auto& entries = disk_.contents().entries;
  for (auto i = entries.find(first); i != entries.end() && i->first <= last; ++i) {
    bytes += i->second.size();
    if (bytes > max_bytes && !result.empty())
      break;
    log_append x;
    x.index = i->first;
    invariant(decode_entry(i->second, x), "an entry is readable");
    result.push_back(std::move(x));
  }
  return result;
}

} // namespace overwatch::simulation
