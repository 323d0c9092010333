#include "actors/invariant.hpp"
#include "actors/log_codec.hpp"
#include "runtime/replication/core_values.hpp"
#include "runtime/replication/raft_log.hpp"

#include <algorithm>

namespace overwatch {

namespace {

raft_core* open_core(const raft_log_options& x) {
  invariant(x.id > 0, "a node has an id");
  invariant(x.heartbeat.count() > 0 && x.heartbeat * 2 < x.election_timeout, "heartbeats are quicker than elections");
  core_options options{};
  options.id = x.id;
  options.seed = x.seed;
  options.election_timeout = static_cast<unsigned>(x.election_timeout.count());
  options.heartbeat = static_cast<unsigned>(x.heartbeat.count());
  options.install_timeout = static_cast<unsigned>(x.snapshot_timeout.count());
  options.max_inflight = std::min<unsigned>(x.max_inflight, max_message_entries);
  auto* core = core_open(&options);
  invariant(core != nullptr, "there is memory for a log");
  return core;
}

// A store in which every entry has been committed by its only replica, and in which the members are not recorded.
bool is_of_single_log(const log_start& x) {
  if (x.snapshot)
    return false;
  if (x.entries.empty())
    return x.applied > 0;
  return x.entries.front().index != 1 || x.entries.front().kind != entry_kind::configuration;
}

// The only voter, if it goes by another name or address now than the log says.
const log_member* moved_lone_voter(const log_start& x, const raft_log_options& options) {
  auto own = std::find_if(options.initial_members.begin(), options.initial_members.end(),
                          [&](const auto& member) { return member.id == options.id; });
  if (own == options.initial_members.end() || own->address.empty())
    return nullptr;
  auto members = x.snapshot ? x.snapshot->configuration.members : std::vector<log_member>{};
  for (const auto& entry : x.entries)
    if (entry.kind == entry_kind::configuration && (!x.snapshot || entry.index > x.snapshot->index))
      invariant(decode_members(entry.bytes, members), "a stored configuration is readable");
  auto is_it = members.size() == 1 && members.front().id == options.id && members.front().address != own->address;
  return is_it ? &*own : nullptr;
}

} // namespace

raft_log::raft_log(raft_log_options options)
  : options_{std::move(options)}, core_{open_core(options_), core_close}, recent_{options_.recent_bytes} {
}

raft_log::~raft_log() = default;

// What is stored, with what has to be stored before the log can begin.
log_start raft_log::complete(const log_start& stored, log_update& out) const {
  auto x = stored;
  auto is_empty = !x.snapshot && x.entries.empty() && x.applied == 0;
  if (is_empty && options_.initial_members.empty())
    return x; // its members and entries come from the leader that adds it
  if (is_empty) {
    auto members = options_.initial_members;
    std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    invariant(is_configuration(members), "a log begins with a voter");
    x.entries.push_back({1, 1, encode_members(members), entry_kind::configuration});
    x.hard_state.term = std::max<uint64_t>(x.hard_state.term, 1);
    out.hard_state = x.hard_state;
    out.append = x.entries;
  } else if (is_of_single_log(x)) {
    auto last = x.entries.empty() ? x.applied : x.entries.back().index;
    auto term = x.entries.empty() ? x.hard_state.term : x.entries.back().term;
    invariant(term > 0 && last >= x.applied, "a log reaches as far as its state");
    if (last == 1) { // the library cannot tell a member of a snapshot at 1 that it needs one
      x.entries.push_back({++last, term, {}, entry_kind::barrier});
      out.append = {x.entries.back()};
    }
    x.snapshot = log_snapshot{last, term, {last, {{options_.id, {}, true}}}};
    for (const auto& member : options_.initial_members)
      if (member.id == options_.id)
        x.snapshot->configuration.members.front().address = member.address;
    x.hard_state.term = std::max(x.hard_state.term, term);
    out.snapshot = x.snapshot;
    out.first_kept = x.entries.empty() ? last + 1 : x.entries.front().index;
  }
  if (const auto* own = moved_lone_voter(x, options_)) { // those that will join learn from the log where it is
    auto last = x.entries.empty() ? x.snapshot->index : x.entries.back().index;
    x.entries.push_back({last + 1, x.hard_state.term, encode_members({{own->id, own->address, true}}),
                         entry_kind::configuration});
    out.append.push_back(x.entries.back());
  }
  return x;
}

// Fills what we know of the log ourselves.
void raft_log::restore(const log_start& x) {
  auto first = x.entries.empty() ? (x.snapshot ? x.snapshot->index + 1 : 1) : x.entries.front().index;
  invariant(first == 1 || (x.snapshot && first <= x.snapshot->index + 1), "entries begin behind the snapshot at most");
  terms_.reset(first - 1, x.snapshot && x.snapshot->index == first - 1 ? x.snapshot->term : 0);
  if (x.snapshot) {
    snapshot_index_ = x.snapshot->index;
    history_.reset(x.snapshot->configuration);
  }
  for (const auto& entry : x.entries) {
    invariant(entry.index == terms_.last() + 1, "the stored log has no gap");
    terms_.append(entry.term);
    if (entry.kind != entry_kind::configuration || (x.snapshot && entry.index <= x.snapshot->index))
      continue;
    log_configuration configuration;
    configuration.index = entry.index;
    invariant(decode_members(entry.bytes, configuration.members) && is_configuration(configuration.members),
              "a stored configuration is readable");
    history_.add(std::move(configuration));
  }
  invariant(terms_.last() >= snapshot_index_ && terms_.last() >= x.applied,
            "the stored log reaches as far as its snapshot and its state");
  invariant(!x.snapshot || snapshot_index_ < first || terms_.at(snapshot_index_) == x.snapshot->term,
            "the stored log and its snapshot agree");
}

log_update raft_log::start(log_time now, const log_start& stored) {
  advance(now);
  log_update out;
  auto x = complete(stored, out);
  restore(x);
  auto term = x.hard_state.term;
  auto vote = x.hard_state.vote;
  if (is_lone_voter()) {
    // Elects itself at once, but the library would do so in the old term. What was not durable of that term is lost,
    // and others may have it: its indexes must not be given to other entries of the same term.
    term += 1;
    vote = options_.id;
    out.hard_state = log_hard_state{term, vote};
  } else if (has_others()) {
    votes_from_ = now_ + options_.election_timeout;
  }
  std::vector<core_values> values(x.entries.size());
  std::vector<core_entry> entries(x.entries.size());
  for (size_t i = 0; i < entries.size(); ++i)
    entries[i] = values[i].entry(x.entries[i]);
  core_values of_snapshot;
  core_snapshot snapshot{};
  if (x.snapshot)
    snapshot = of_snapshot.snapshot(*x.snapshot);
  core_update update{};
  require(core_start(core_.get(), time(), term, vote, x.applied, x.snapshot ? &snapshot : nullptr, terms_.first(),
                     entries.data(), static_cast<unsigned>(entries.size()), &update));
  collect(update, nullptr, out);
  if (!out.append.empty())
    unreported_.push_back({out.append.back().index, out.append.back().term});
  settle({}, out.append.size(), out);
  const auto& members = history_.newest();
  if (!members.members.empty() && !out.configuration && members.index <= core_commit_index(core_.get()))
    out.configuration = members;
  return out;
}

} // namespace overwatch
