#pragma once

#include "messages/time.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace overwatch {

/// Number of a partition: a shard of tasks with its own replicated log and scheduler.
using partition_id = uint16_t;

/// The partition that also holds what belongs to the whole cluster: keys, gates, schedules, rules, settings, nodes.
inline constexpr partition_id control_partition = 0;

/// A UUID of version 7 (RFC 9562): 48 bits of Unix milliseconds, a 12-bit sequence within the
/// millisecond, then 16 bits of partition and 46 random bits. Ids sort by creation time, and any node
/// can route one without a lookup.
struct task_id {
  uint64_t high = 0;
  uint64_t low = 0;

  partition_id partition() const { return static_cast<partition_id>((low >> 46) & 0xFFFF); }
  bool is_nil() const { return high == 0 && low == 0; }
};

inline bool operator==(const task_id& x, const task_id& y) { return x.high == y.high && x.low == y.low; }
inline bool operator!=(const task_id& x, const task_id& y) { return !(x == y); }
inline bool operator<(const task_id& x, const task_id& y) {
  return x.high != y.high ? x.high < y.high : x.low < y.low;
}

/// Lower-case text with dashes: 36 characters.
std::string to_string(const task_id& id);

/// Reads the text form (either case); nothing when `text` is not a UUID.
std::optional<task_id> parse_task_id(std::string_view text);

/// The smallest id that a task created at `time` can have; for range scans by creation time.
task_id first_task_id_at(timestamp time);

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, task_id& x) {
  return f(x.high, x.low);
}

/// Makes ids that increase strictly, also when the clock goes backwards. Not thread-safe: one owner.
class task_id_generator {
public:
  /// `seed` feeds the random bits; two generators with one seed repeat each other (for tests).
  explicit task_id_generator(uint64_t seed) : random_{seed} {}

  task_id next(timestamp time, partition_id partition);

private:
  std::mt19937_64 random_;
  uint64_t last_ = 0; // milliseconds and sequence of the newest id
};

} // namespace overwatch

template <>
struct std::hash<overwatch::task_id> {
  size_t operator()(const overwatch::task_id& id) const noexcept {
    return static_cast<size_t>(id.high * 0x9E3779B97F4A7C15ULL ^ id.low);
  }
};
