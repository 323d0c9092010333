#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace overwatch {

/// What must be durable besides the entries.
struct log_hard_state {
  uint64_t term = 0;
  uint64_t vote = 0;
};

struct log_append {
  uint64_t index = 0;
  uint64_t term = 0;
  std::string bytes;
};

/// What a step asks its driver to do, in this order: make `hard_state` and `append` durable (then call
/// `persisted`), apply up to `commit_index`, react to the role.
struct log_update {
  std::optional<log_hard_state> hard_state;
  std::vector<log_append> append;
  uint64_t commit_index = 0;
  bool became_leader = false;
  bool lost_leadership = false; ///< what is proposed and not committed has an unknown outcome
};

/// The seam to a replicated log: a step function without I/O, clock or threads. One per partition and
/// node, driven by its replica. Implementations are in `runtime/replication`.
class replicated_log {
public:
  virtual ~replicated_log() = default;

  /// Continues from what is stored: the newest entry has `last_index` and `last_term` (0: none).
  virtual log_update start(const log_hard_state& stored, uint64_t last_index, uint64_t last_term) = 0;

  /// Appends an entry. Nothing when this replica does not lead; else its index (see `update.append`).
  virtual std::optional<uint64_t> propose(std::string bytes, log_update& update) = 0;

  /// All entries up to `index` are durable here.
  virtual log_update persisted(uint64_t index) = 0;

  virtual uint64_t term() const = 0;
  virtual bool leads() const = 0;
};

} // namespace overwatch
