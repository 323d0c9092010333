#pragma once

#include "messages/task.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The keys of a node's store. All numbers are big-endian, so that keys sort by value; every key of the
/// spaces `state` and `log` starts with the partition (2 bytes), but for `node_partition`, which is the node itself.
///
/// | space | key | value | written by | read by |
/// |---|---|---|---|---|
/// | log | partition `e` index | term, batch | journal | replica at start |
/// | log | partition `h` | term, vote | journal | replica at start |
/// | log | node_partition `n` | node_identity | runtime, identity_keeper | runtime at start |
/// | log | partition `s` | position, members | journal | replica at start |
/// | state | partition `m` | position, totals | partition_state | the same at start |
/// | state | partition `s` id | spec, payload (*) | partition_state | task_reader, the same |
/// | state | partition `t` id | task state (*) | partition_state | task_reader, the same |
/// | state | partition `r` id | result | partition_state | the same |
/// | state | partition `i` type NUL status id | - | partition_state | task_reader (lists) |
/// | state | partition `q` type NUL priority order id | - | partition_state | task_reader (ready window) |
/// | state | partition `w` time kind id | - | partition_state | task_reader (timers) |
/// | state | partition `f` finished_at id | - | partition_state | task_reader (retention) |
/// | state | partition `u` unique key | id, until | partition_state | the same |
/// | state | partition `o` setting | value | partition_state | the same at start |
/// | state | partition `Q` type NUL priority order id | - | partition_state | task_reader (ready window, resources) |
/// | state | partition `b` reason NUL rank id | - | partition_state | task_reader (parked tasks), the same at start |
/// | state | partition `d` parent child | - | partition_state | the same at start |
/// | state | partition `h` child parent | status, result (the parent is elsewhere) | partition_state | the same |
/// | state | partition `p` id | captured keys | partition_state | the same |
/// | state | partition `x` id | - | partition_state | the same at start, task_reader |
/// | state | partition `a` cache key | id, time, until, result | partition_state | the same |
/// | state | partition `g` rate key | when it is full | partition_state | the same |
/// | state | partition `n` type NUL priority fairness key | place given last | partition_state | the same at start |
/// | state | partition `v` workflow id | workflow | partition_state | the same |
/// | state | partition `y` workflow id | - (unfinished) | partition_state | the same at start |
/// | state | partition `j` kind name | version, time, value | partition_state | the same at start |
/// | series | `l` task id, attempt, slot | log_entry | pool via journal | task_reader |
///
/// (*) A task that reaches the store only once it has ended has its spec and payload behind its state, and no `s` key.
namespace overwatch::keys {

/// What a timer of the `w` range is for.
enum class timer_kind : uint8_t { eligible, deadline };

/// What is kept until a time: who holds a unique key, the result of a cache key, how full the bucket of a rate is.
enum class expiring_kind : char { unique_key = 'u', cached_result = 'a', rate = 'g' };

void append_u16(std::string& key, uint16_t x);
void append_u64(std::string& key, uint64_t x);
void append_id(std::string& key, const task_id& id);
uint64_t read_u64(std::string_view bytes);
task_id read_id(std::string_view bytes);

/// The prefix of one kind of key in one partition.
std::string prefix(partition_id partition, char kind);

/// The end of the range that starts with `prefix`.
std::string after_prefix(std::string prefix);

/// Stands where other keys have a partition; no partition has this number.
inline constexpr partition_id node_partition = 0xFFFF;

std::string node_identity();
std::string log_entry(partition_id partition, uint64_t index);
std::string end_of_log(partition_id partition); ///< behind all its entries
std::string hard_state(partition_id partition);
std::string log_snapshot(partition_id partition);
std::string meta(partition_id partition);
std::string spec(const task_id& id);
std::string state(const task_id& id);
std::string result(const task_id& id);
std::string index_prefix(partition_id partition, std::string_view task_type, task_status status);
std::string index(const task_id& id, std::string_view task_type, task_status status);
std::string ready_prefix(partition_id partition, std::string_view task_type, priority importance);
std::string ready(const task_id& id, std::string_view task_type, priority importance, uint64_t order);
std::string timer_at(partition_id partition, timestamp time);
std::string timer(const task_id& id, timestamp time, timer_kind kind);
std::string finished_at(partition_id partition, timestamp time);
std::string finished(const task_id& id, timestamp time);
std::string expiring(partition_id partition, expiring_kind kind, std::string_view name = {});
std::string setting(partition_id partition, std::string_view name);
std::string resource_ready_prefix(partition_id partition, std::string_view task_type, priority importance);
std::string resource_ready(const task_id& id, std::string_view task_type, priority importance, uint64_t order);
std::string parked_prefix(partition_id partition, std::string_view reason);
std::string parked(const task_id& id, std::string_view reason, uint64_t rank);
/// who is in this partition; the parent may be in another
std::string children_of(partition_id partition, const task_id& parent);
std::string child(const task_id& parent, const task_id& child);
std::string captured(const task_id& id);
std::string rolling_back(const task_id& id);
std::string workflow(const task_id& id);
std::string unfinished_workflow(const task_id& id);
std::string document(partition_id partition, char kind, std::string_view name);
std::string log_line(const task_id& id, uint32_t attempt, uint64_t sequence);
std::string log_lines_of(const task_id& id);
std::string log_lines_of(const task_id& id, uint32_t attempt);

/// The id at the end of an `i`, `q`, `Q`, `w`, `f`, `b`, `d`, `x`, `v` or `y` key.
task_id id_of(std::string_view key);

/// The order of a `q` or `Q` key, the rank of a `b` key.
uint64_t order_of(std::string_view ready_key);

/// Time and kind of a `w` key.
std::pair<timestamp, timer_kind> timer_of(std::string_view timer_key);

/// How many log lines an attempt keeps: a line overwrites the one that is this much older.
inline constexpr uint64_t log_slots = 100;

} // namespace overwatch::keys
