#pragma once

#include "actors/replicated_log.hpp"

namespace overwatch {

/// The log of a partition that has one replica for ever: what is durable here is committed. Every start is a new
/// term, so that fencing tokens of attempts from before a crash are stale.
class single_log : public replicated_log {
public:
  log_update start(log_time now, const log_start& stored) override;
  log_update tick(log_time now) override;
  log_update receive(log_time now, std::string_view message) override;
  std::optional<uint64_t> propose(std::string bytes, log_update& update) override;
  log_update persisted(uint64_t index) override;

  log_update snapshot_taken(uint64_t index, uint64_t first_kept) override;
  std::optional<std::string> snapshot_offer(member_id to, uint64_t index) const override;
  log_update receive_snapshot(log_time now, std::string_view offer) override;
  log_update snapshot_installed() override;

  log_update reach(log_time, member_id, bool) override { return {}; }
  log_update wake(log_time) override { return {}; }
  bool sleeps() const override { return false; }

  log_answer add_member(const log_member& x, log_update& update) override;
  log_answer promote_member(member_id id, log_update& update) override;
  log_answer remove_member(member_id id, log_update& update) override;
  log_answer transfer(member_id to, log_update& update) override;

  log_time next_timeout() const override { return log_time::max(); }
  uint64_t term() const override { return term_; }
  bool leads() const override { return term_ > 0; }
  member_id leader() const override { return leads() ? self : 0; }
  uint64_t commit_index() const override { return commit_index_; }
  uint64_t last_index() const override { return last_index_; }
  uint64_t term_at(uint64_t index) const override;
  log_configuration configuration() const override { return {0, {{self, {}, true}}}; }
  std::vector<log_member_status> members() const override;
  bool has_lease(log_time) const override { return leads(); }

private:
  static constexpr member_id self = 1;

  uint64_t term_ = 0;
  uint64_t last_index_ = 0;
  uint64_t started_behind_ = 0; ///< entries after it are of this term
  uint64_t commit_index_ = 0;
};

} // namespace overwatch
