#include "actors/invariant.hpp"
#include "runtime/replication/core_values.hpp"
#include "runtime/replication/raft_log.hpp"

#include <algorithm>

namespace overwatch {

log_update raft_log::receive(log_time now, std::string_view message) {
  advance(now);
  log_update out;
  raft_envelope x;
  if (!decode_message(message, x) || x.to != options_.id)
    return out;
  if (asleep_since_) {
    if (disturbs(x))
      wake_up(log_time{0}, out);
    else if (x.content.term == term() && x.content.kind != core_quiet)
      return out;
  }
  auto before = current_role();
  core_update update{};
  invariant(!(x.content.kind == core_append && leads() && x.content.term == term()), "a term has one leader");
  switch (x.content.kind) {
    case core_append:
      receive_append(x, out);
      settle(before, 0, out);
      return out;
    case core_append_result:
      if (!leads())
        return out;
      if (x.content.term == term() && find_member(x.from) != nullptr) {
        auto& contact = contacts_[x.from];
        contact.heard = now_;
        contact.promised = std::max(contact.promised, std::min(x.sent_at, now_));
      }
      // A late refusal of what was accepted since: the library would go back behind it, and send no entries ever after.
      if (x.content.rejected > 0 && x.content.rejected <= core_match_index(core_.get(), x.from))
        x.content.rejected = x.content.index = 0;
      break;
    case core_vote:
      if (!x.content.disrupt && now_ < votes_from_)
        return out;
      // The library sticks to a leader that is silent: a voter up to twice the election timeout, a learner for ever.
      x.content.disrupt |= core_role_of(core_.get()) == core_follower && now_ >= heard_at_ + options_.election_timeout;
      break;
    case core_vote_result:
      if (core_role_of(core_.get()) != core_candidate) // the library would read the state of a candidate all the same
        return out;
      break;
    case core_install:
      return out; // comes with a state only
    case core_elect_now:
      if (is_lone_voter()) // elects itself by its own timeout, in a new term
        return out;
      // The leader relies on it that what it was told of later makes an offer void.
      if (heard_.leader != x.from || heard_.term != x.content.term || x.sent_at < heard_.sent_at)
        return out;
      disrupting_in_ = x.content.term + 1;
      break;
    case core_quiet:
      receive_quiet(x, out);
      return out;
    case core_agreed_quiet:
      receive_agreement(x);
      return out;
  }
  require(core_receive(core_.get(), time(), &x.content, nullptr, 0, nullptr, &update));
  collect(update, nullptr, out);
  settle(before, 0, out);
  return out;
}

// The library takes entries that it had and cut off for new ones. What is committed here is in the log of every leader.
void raft_log::skip_committed(raft_envelope& x) const {
  auto& content = x.content;
  if (installing_ || content.term < term() || content.index >= reported_)
    return;
  auto covered = std::min<uint64_t>(reported_ - content.index, x.entries.size());
  for (uint64_t i = 0; i < covered; ++i) {
    auto known = terms_.at(x.entries[i].index);
    invariant(known == 0 || known == x.entries[i].term, "a leader has all that is committed");
  }
  x.entries.erase(x.entries.begin(), x.entries.begin() + static_cast<std::ptrdiff_t>(covered));
  content.index = reported_;
  content.index_term = terms_.at(reported_);
}

// The library takes the place of the first new entry for that of every configuration among the new ones, and forgets
// that a configuration is committed when the next one comes. So each configuration begins a part of its own.
void raft_log::receive_append(raft_envelope& x, log_update& out) {
  skip_committed(x);
  size_t first = 0;
  do {
    auto last = first + 1;
    while (last < x.entries.size() && x.entries[last].kind != entry_kind::configuration)
      ++last;
    last = std::min(last, x.entries.size());
    if (!receive_part(x, first, last, out))
      return;
    first = last;
  } while (first < x.entries.size());
}

// Returns whether the entries in [first, last) are in the log now.
bool raft_log::receive_part(const raft_envelope& x, size_t first, size_t last, log_update& out) {
  auto part = x.content;
  std::vector<log_append> source(x.entries.begin() + static_cast<std::ptrdiff_t>(first),
                                 x.entries.begin() + static_cast<std::ptrdiff_t>(last));
  if (first > 0) {
    part.index = x.entries[first - 1].index;
    part.index_term = x.entries[first - 1].term;
  }
  auto uncommitted = core_uncommitted_configuration(core_.get());
  if (!installing_ && !source.empty() && source.front().kind == entry_kind::configuration && uncommitted > 0 &&
      uncommitted <= part.index && terms_.at(part.index) == part.index_term)
    commit_configuration(uncommitted, out); // a leader proposes the next one only when this one is committed
  core_values values;
  std::vector<core_entry> entries(source.size());
  for (size_t i = 0; i < source.size(); ++i)
    entries[i] = i == 0 ? values.entry(source[i])
                        : core_entry{source[i].term, static_cast<core_entry_kind>(source[i].kind), {nullptr, 0}};
  core_update update{};
  require(core_receive(core_.get(), time(), &part, entries.data(), static_cast<unsigned>(entries.size()), nullptr,
                       &update));
  if (core_term(core_.get()) == x.content.term && leader() == x.from) {
    if (heard_.leader != x.from || heard_.term != x.content.term)
      heard_ = {x.from, x.content.term, x.sent_at};
    heard_.sent_at = std::max(heard_.sent_at, x.sent_at);
    heard_at_ = now_;
  }
  collect(update, &source, out);
  return last > first && terms_.at(x.entries[last - 1].index) == x.entries[last - 1].term && !installing_;
}

void raft_log::send(const core_message& x, log_update& out) {
  if (x.kind == core_append) {
    send_append(x, out);
    return;
  }
  if (x.kind == core_install) {
    if (std::find(out.send_snapshot.begin(), out.send_snapshot.end(), x.peer) == out.send_snapshot.end())
      out.send_snapshot.push_back(x.peer);
    return;
  }
  raft_envelope envelope;
  envelope.from = options_.id;
  envelope.to = x.peer;
  envelope.content = x;
  if (x.kind == core_append_result) {
    envelope.content.index = std::min(x.index, terms_.last()); // the library leaves it unset when it refuses a term
    if (heard_.leader == x.peer && heard_.term == x.term)
      envelope.sent_at = heard_.sent_at;
  }
  if (x.kind == core_vote)
    envelope.content.disrupt = x.disrupt && x.term == disrupting_in_; // the library would go on with it for ever
  if (x.kind == core_elect_now)
    offered_[x.peer] = envelope.sent_at = now_;
  out.messages.push_back({x.peer, encode_message(envelope)});
}

// One append of the library becomes as many messages as its bytes need.
void raft_log::send_append(const core_message& x, log_update& out) {
  if (x.count > 0)
    quiet_asked_.clear();
  raft_envelope envelope;
  envelope.from = options_.id;
  envelope.to = x.peer;
  envelope.content = x;
  envelope.sent_at = now_;
  if (x.count == 0) {
    out.messages.push_back({x.peer, encode_message(envelope)});
    if (quiet_asked_.count(x.peer) > 0) // the heartbeat wakes it
      ask_for_quiet(x.peer, out);
    return;
  }
  auto last = x.index + x.count;
  size_t burst = 0;
  while (envelope.content.index < last && burst < options_.max_append_burst) {
    envelope.entries = entries_to_send(envelope.content.index + 1, last);
    if (envelope.entries.empty())
      return; // not in the store yet: the library tries again
    for (const auto& entry : envelope.entries)
      burst += entry.bytes.size() + 1;
    out.messages.push_back({x.peer, encode_message(envelope)});
    envelope.content.index = envelope.entries.back().index;
    envelope.content.index_term = envelope.entries.back().term;
  }
}

std::vector<log_append> raft_log::entries_to_send(uint64_t first, uint64_t last) const {
  std::vector<log_append> result;
  if (recent_.find(first) == nullptr) {
    if (options_.read_entries && first <= core_last_stored(core_.get()))
      result = options_.read_entries(first, last, options_.max_append_bytes);
    for (size_t i = 0; i < result.size(); ++i)
      invariant(result[i].index == first + i && result[i].index <= last && result[i].term == terms_.at(first + i),
                "the store has the entries of the log");
    return result;
  }
  size_t bytes = 0;
  for (auto i = first; i <= last; ++i) {
    const auto* entry = recent_.find(i);
    invariant(entry != nullptr, "recent entries reach to the end of the log");
    bytes += entry->bytes.size();
    if (bytes > options_.max_append_bytes && !result.empty())
      break;
    result.push_back(*entry);
  }
  return result;
}

} // namespace overwatch
