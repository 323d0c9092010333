#pragma once

#include "actors/replicated_log.hpp"

namespace overwatch {

/// The log of a partition that has one replica: what is durable here is committed. Every start is a new
/// term, so that fencing tokens of attempts from before a crash are stale.
class single_log : public replicated_log {
public:
  log_update start(const log_hard_state& stored, uint64_t last_index, uint64_t last_term) override;
  std::optional<uint64_t> propose(std::string bytes, log_update& update) override;
  log_update persisted(uint64_t index) override;
  uint64_t term() const override { return term_; }
  bool leads() const override { return term_ > 0; }

private:
  uint64_t term_ = 0;
  uint64_t last_index_ = 0;
};

} // namespace overwatch
