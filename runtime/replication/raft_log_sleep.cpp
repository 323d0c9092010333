#include "runtime/replication/raft_log.hpp"

#include "actors/invariant.hpp"

#include <algorithm>

namespace overwatch {

// All that there is is committed, and durable here.
bool raft_log::is_quiet() const {
  return !installing_ && reported_ == terms_.last() && core_last_stored(core_.get()) == terms_.last() &&
         core_uncommitted_configuration(core_.get()) == 0;
}

bool raft_log::may_sleep() const {
  if (!leads() || !is_quiet() || terms_.at(reported_) != term() || core_transferee(core_.get()) != 0 || !has_others())
    return false;
  const auto& members = history_.newest().members;
  return std::all_of(members.begin(), members.end(), [&](const auto& x) {
    return x.id == options_.id ||
           (in_reach_.count(x.id) > 0 && core_match_index(core_.get(), x.id) == terms_.last());
  });
}

// Who does not agree, or knows nothing of sleep, says nothing, and is asked again later.
void raft_log::ask_for_quiet(log_update& out) {
  auto may = may_sleep();
  if (!may || (!quiet_asked_.empty() && now_ >= busy_at_ + options_.election_timeout))
    quiet_asked_.clear();
  if (!may || !quiet_asked_.empty() || now_ < busy_at_ + options_.quiet_after)
    return;
  busy_at_ = now_;
  for (const auto& x : history_.newest().members)
    if (x.id != options_.id)
      ask_for_quiet(x.id, out);
}

void raft_log::ask_for_quiet(member_id id, log_update& out) {
  quiet_asked_[id] = {now_, false};
  raft_envelope x;
  x.from = options_.id;
  x.to = id;
  x.content.kind = core_quiet;
  x.content.term = term();
  x.content.index = terms_.last();
  x.content.index_term = term();
  x.sent_at = now_;
  out.messages.push_back({id, encode_message(x)});
}

void raft_log::receive_quiet(const raft_envelope& x, log_update& out) {
  auto agrees = x.content.term == term() && core_role_of(core_.get()) == core_follower && leader() == x.from &&
                x.content.index == terms_.last() && x.content.index_term == terms_.at(x.content.index) && is_quiet() &&
                in_reach_.count(x.from) > 0;
  if (!agrees)
    return;
  fall_asleep();
  quiet_since_ = x.sent_at;
  raft_envelope answer;
  answer.from = options_.id;
  answer.to = x.from;
  answer.content.kind = core_agreed_quiet;
  answer.content.term = term();
  answer.sent_at = x.sent_at;
  out.messages.push_back({x.from, encode_message(answer)});
}

// The leader is the last to sleep: as long as it is awake, its next heartbeat wakes all.
void raft_log::receive_agreement(const raft_envelope& x) {
  auto asked = quiet_asked_.find(x.from);
  if (!leads() || x.content.term != term() || asked == quiet_asked_.end() || asked->second.at != x.sent_at)
    return;
  asked->second.agreed = true;
  auto agrees = [](const auto& one) { return one.second.agreed; };
  if (std::all_of(quiet_asked_.begin(), quiet_asked_.end(), agrees) && may_sleep())
    fall_asleep();
}

// What was on its way when all agreed wakes nobody: whoever woke would be alone.
bool raft_log::disturbs(const raft_envelope& x) const {
  if (x.content.kind == core_quiet || x.content.kind == core_agreed_quiet || x.content.term < term())
    return false;
  if (x.content.term > term() || x.content.kind == core_elect_now)
    return true;
  return x.content.kind == core_append &&
         (x.sent_at > quiet_since_ || x.content.index + x.entries.size() > terms_.last());
}

void raft_log::fall_asleep() {
  quiet_asked_.clear();
  if (!asleep_since_)
    asleep_since_ = now_;
}

// Of the time that a follower slept, `passed` counts for the library after all; of a leader, so much that heartbeats
// are due.
void raft_log::wake_up(log_time passed, log_update& out) {
  if (!asleep_since_)
    return;
  busy_at_ = now_;
  auto asleep = now_ - *asleep_since_;
  slept_ -= std::clamp(leads() ? options_.heartbeat : passed, log_time{0}, asleep);
  asleep_since_.reset();
  if (!leads())
    return;
  for (auto& [id, contact] : contacts_)
    if (in_reach_.count(id) > 0)
      contact.heard = now_; // the connection stood for it
  if (time() < core_next_timeout(core_.get()))
    return;
  auto before = current_role();
  core_update update{};
  require(core_timeout(core_.get(), time(), &update));
  collect(update, nullptr, out);
  settle(before, 0, out);
}

log_update raft_log::wake(log_time now) {
  advance(now);
  log_update out;
  busy_at_ = now_;
  quiet_asked_.clear();
  wake_up(log_time{0}, out);
  return out;
}

log_update raft_log::reach(log_time now, member_id id, bool in_reach) {
  advance(now);
  log_update out;
  auto changes = in_reach ? in_reach_.insert(id).second : in_reach_.erase(id) > 0;
  if (!changes || !asleep_since_)
    return out;
  if (leads() && find_member(id) != nullptr)
    wake_up(log_time{0}, out);
  else if (!leads() && id == leader() && !in_reach)
    // It would have missed the leader for as long as that, were it awake. The spread of the election timeouts stays.
    wake_up(options_.election_timeout - (*asleep_since_ - heard_at_), out);
  return out;
}

} // namespace overwatch
