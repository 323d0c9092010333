#include "runtime/replication/single_log.hpp"

#include "actors/invariant.hpp"

#include <algorithm>
#include <utility>

namespace overwatch {

log_update single_log::start(log_time, const log_start& stored) {
  last_index_ = stored.applied;
  auto last_term = uint64_t{0};
  if (!stored.entries.empty()) {
    last_index_ = std::max(last_index_, stored.entries.back().index);
    last_term = stored.entries.back().term;
  }
  term_ = std::max(stored.hard_state.term, last_term) + 1;
  started_behind_ = last_index_;
  commit_index_ = last_index_;
  log_update update;
  update.hard_state = log_hard_state{term_, stored.hard_state.vote};
  update.commit_index = commit_index_;
  update.became_leader = true;
  update.leader_changed = true;
  return update;
}

log_update single_log::tick(log_time) {
  return {};
}

log_update single_log::receive(log_time, std::string_view) {
  return {};
}

std::optional<uint64_t> single_log::propose(std::string bytes, log_update& update) {
  ++last_index_;
  update.append.push_back({last_index_, term_, std::move(bytes)});
  return last_index_;
}

log_update single_log::persisted(uint64_t index) {
  invariant(index > commit_index_ && index <= last_index_, "an append is reported durable once, in order");
  commit_index_ = index;
  log_update update;
  update.commit_index = index;
  return update;
}

log_update single_log::snapshot_taken(uint64_t index, uint64_t first_kept) {
  invariant(index <= commit_index_ && first_kept <= index + 1, "a snapshot is of what is committed");
  log_update update;
  update.first_kept = first_kept;
  return update;
}

std::optional<std::string> single_log::snapshot_offer(member_id, uint64_t) const {
  return std::nullopt;
}

log_update single_log::receive_snapshot(log_time, std::string_view) {
  return {};
}

log_update single_log::snapshot_installed() {
  invariant(false, "a log of one replica installs no snapshot");
  return {};
}

log_answer single_log::add_member(const log_member&, log_update&) {
  return log_answer::bad_member;
}

log_answer single_log::promote_member(member_id, log_update&) {
  return log_answer::bad_member;
}

log_answer single_log::remove_member(member_id, log_update&) {
  return log_answer::bad_member;
}

log_answer single_log::transfer(member_id, log_update&) {
  return log_answer::bad_member;
}

uint64_t single_log::term_at(uint64_t index) const {
  return index > started_behind_ && index <= last_index_ ? term_ : 0;
}

std::vector<log_member_status> single_log::members() const {
  return {{{self, {}, true}, commit_index_, std::nullopt}};
}

} // namespace overwatch
