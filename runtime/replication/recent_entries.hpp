#pragma once

#include "actors/replicated_log.hpp"

#include <deque>

namespace overwatch {

/// The newest entries of a log, kept to be sent: those that are not durable yet, which nobody else has, and before
/// them as many as fit a limit.
class recent_entries {
public:
  explicit recent_entries(size_t max_bytes) : max_bytes_{max_bytes} {}

  void add(const log_append& x); ///< behind the newest, or to an empty one
  void cut_from(uint64_t index);
  void cut_below(uint64_t first);
  void clear();

  /// Lets go of what is above the limit, up to `index` at most.
  void durable(uint64_t index);

  const log_append* find(uint64_t index) const;
  size_t bytes() const { return bytes_; }

private:
  void drop_oldest();

  size_t max_bytes_;
  size_t bytes_ = 0;
  std::deque<log_append> entries_;
};

} // namespace overwatch
