#pragma once

#include "actors/replicated_log.hpp"

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>

namespace overwatch::simulation {

/// Something happened that must never happen.
struct broken_rule : std::runtime_error {
  using runtime_error::runtime_error;
};

/// What a log's state machine is here: where it is, and a digest of all that was applied, in order.
struct applied_state {
  uint64_t applied = 0;
  uint64_t digest = 0;

  void apply(const log_append& x);
};

/// Sees everything that happens to the replicas of one log, and knows what must hold at all times. Throws
/// `broken_rule`.
class log_checker {
public:
  void leads(member_id id, uint64_t term); ///< a term has one leader
  void appended(member_id id, const log_append& x); ///< of one index and term there is one entry
  void applied(member_id id, const log_append& x, const applied_state& state); ///< all apply the same, in order
  void installed(member_id id, const applied_state& state) { compare(id, state); }
  void acknowledged(uint64_t value, uint64_t index); ///< is applied somewhere, and stays
  void has_lease(member_id id, uint64_t commit_index) const; ///< whoever has one has all that was acknowledged

  /// At the end, on what the final leader has applied.
  void nothing_lost(const applied_state& state) const;

  uint64_t acknowledgements() const { return acknowledged_.size(); }
  uint64_t entries() const { return digests_.size(); }
  uint64_t terms() const { return leaders_.size(); }

private:
  void compare(member_id id, const applied_state& state);

  std::map<uint64_t, member_id> leaders_;               ///< by term
  std::map<std::pair<uint64_t, uint64_t>, uint64_t> contents_; ///< by index and term
  std::unordered_map<uint64_t, uint64_t> digests_;      ///< by index, of all that was applied up to it
  std::unordered_map<uint64_t, uint64_t> values_;       ///< by index, of the command applied there
  std::map<uint64_t, uint64_t> acknowledged_;           ///< index by value
  uint64_t newest_acknowledged_ = 0;
};

} // namespace overwatch::simulation
