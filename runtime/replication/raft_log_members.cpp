#include "actors/log_codec.hpp"
#include "runtime/replication/raft_log.hpp"

#include <algorithm>

namespace overwatch {

namespace {

bool has_member(const log_configuration& x, member_id id) {
  return std::any_of(x.members.begin(), x.members.end(), [&](const auto& one) { return one.id == id; });
}

} // namespace

const log_member* raft_log::find_member(member_id id) const {
  const auto& members = history_.newest().members;
  auto i = std::find_if(members.begin(), members.end(), [&](const auto& x) { return x.id == id; });
  return i == members.end() ? nullptr : &*i;
}

bool raft_log::is_lone_voter() const {
  const auto& members = history_.newest().members;
  auto voters = std::count_if(members.begin(), members.end(), [](const auto& x) { return x.voter; });
  const auto* self = find_member(options_.id);
  return voters == 1 && self != nullptr && self->voter;
}

bool raft_log::has_others() const {
  const auto& members = history_.newest().members;
  return std::any_of(members.begin(), members.end(), [&](const auto& x) { return x.id != options_.id; });
}

// One change at a time, and only by a leader that has committed an entry of its own term: otherwise two leaders could
// change the members in ways whose majorities do not meet.
log_answer raft_log::change_members(std::vector<log_member> members, log_update& out) {
  if (asleep_since_ || terms_.at(reported_) != term() || core_uncommitted_configuration(core_.get()) > 0)
    return log_answer::not_yet;
  log_append entry{terms_.last() + 1, term(), encode_members(members), entry_kind::configuration};
  return submit(std::move(entry), out) ? log_answer::accepted : log_answer::not_yet;
}

log_answer raft_log::add_member(const log_member& x, log_update& out) {
  if (!leads())
    return log_answer::not_leader;
  auto members = history_.newest().members;
  if (x.id == 0 || x.address.size() > max_member_address || find_member(x.id) != nullptr ||
      members.size() >= max_members)
    return log_answer::bad_member;
  members.push_back({x.id, x.address, false});
  return change_members(std::move(members), out);
}

log_answer raft_log::promote_member(member_id id, log_update& out) {
  if (!leads())
    return log_answer::not_leader;
  const auto* member = find_member(id);
  if (member == nullptr || member->voter)
    return log_answer::bad_member;
  auto match = core_match_index(core_.get(), id);
  if (match < history_.newest().index || match + options_.max_inflight < terms_.last())
    return log_answer::lags_behind;
  auto members = history_.newest().members;
  for (auto& x : members)
    x.voter |= x.id == id;
  return change_members(std::move(members), out);
}

log_answer raft_log::remove_member(member_id id, log_update& out) {
  if (!leads())
    return log_answer::not_leader;
  auto members = history_.newest().members;
  members.erase(std::remove_if(members.begin(), members.end(), [&](const auto& x) { return x.id == id; }),
                members.end());
  if (find_member(id) == nullptr || !is_configuration(members))
    return log_answer::bad_member;
  if (id == options_.id) // were it to crash now, the others could need its vote, and it would think that it has none
    return log_answer::is_leader;
  return change_members(std::move(members), out);
}

log_answer raft_log::transfer(member_id to, log_update& out) {
  if (!leads())
    return log_answer::not_leader;
  const auto* member = find_member(to);
  if (member == nullptr || !member->voter || to == options_.id)
    return log_answer::bad_member;
  if (asleep_since_ || core_transferee(core_.get()) != 0)
    return log_answer::not_yet;
  // The library waits in silence for one that does not come, and refuses proposals meanwhile.
  auto contact = contacts_.find(to);
  if (contact == contacts_.end() || contact->second.heard + options_.election_timeout < now_ ||
      core_match_index(core_.get(), to) + options_.max_inflight < terms_.last())
    return log_answer::lags_behind;
  busy_at_ = now_;
  auto before = current_role();
  auto appended_before = out.append.size();
  core_update update{};
  auto result = core_transfer(core_.get(), time(), to, &update);
  if (result == core_refused)
    return log_answer::not_yet;
  require(result);
  collect(update, nullptr, out);
  settle(before, appended_before, out);
  return log_answer::accepted;
}

// -- what is ---------------------------------------------------------------------

log_time raft_log::next_timeout() const {
  if (asleep_since_)
    return log_time::max();
  return std::max(log_time{core_next_timeout(core_.get())} + slept_, now_ + log_time{1});
}

uint64_t raft_log::term() const {
  return core_term(core_.get());
}

bool raft_log::leads() const {
  return core_role_of(core_.get()) == core_leader;
}

member_id raft_log::leader() const {
  return core_leader_id(core_.get());
}

std::vector<log_member_status> raft_log::members() const {
  std::vector<log_member_status> result;
  for (const auto& x : history_.newest().members) {
    log_member_status status{x, core_match_index(core_.get(), x.id), std::nullopt};
    if (auto i = contacts_.find(x.id); i != contacts_.end())
      status.last_contact = i->second.heard;
    result.push_back(std::move(status));
  }
  return result;
}

// A follower elects nobody within an election timeout of the last append that it got (by its own clock), not even
// after a restart (`votes_from_`). A leadership that was offered to another may be taken at any time, until that one has
// answered an append that was sent later: it takes no older offer from then on. Or until it has been removed: nobody who
// knows that votes for one whose log lacks it, and in each majority there is somebody who knows.
bool raft_log::has_lease(log_time now) const {
  auto is_open = [&](const auto& offer) {
    auto contact = contacts_.find(offer.first);
    auto answered = contact != contacts_.end() && contact->second.promised > offer.second;
    return !answered && (has_member(history_.newest(), offer.first) || has_member(history_.at(reported_), offer.first));
  };
  if (!leads() || terms_.at(reported_) != term() || std::any_of(offered_.begin(), offered_.end(), is_open))
    return false;
  std::vector<log_time> promised;
  for (const auto& x : history_.newest().members) {
    if (!x.voter)
      continue;
    auto contact = contacts_.find(x.id);
    if (x.id == options_.id)
      promised.push_back(now);
    else
      promised.push_back(contact == contacts_.end() ? log_time::min() : contact->second.promised);
  }
  auto majority = promised.begin() + static_cast<std::ptrdiff_t>(promised.size() / 2);
  std::nth_element(promised.begin(), majority, promised.end(), std::greater<>{});
  return *majority > now - options_.election_timeout * 3 / 4;
}

} // namespace overwatch
