#pragma once

#include "messages/error_code.hpp"
#include "messages/inspect_std.hpp"
#include "messages/requests.hpp"
#include "messages/task.hpp"

#include <optional>
#include <string>
#include <vector>

/// The key-value space: small values that tasks, programs and people share. In a snapshot scope, keys are captured
/// before an attempt and put back when it fails.
namespace overwatch {

namespace key_limits {
inline constexpr size_t key_bytes = 512;
inline constexpr size_t value_bytes = 1024 * 1024;
inline constexpr size_t total_bytes = 256ULL << 20; ///< of all keys and values; they are held in memory
inline constexpr size_t captured_keys = 10'000;     ///< of one snapshot
} // namespace key_limits

struct key_record {
  std::string key;
  std::string value;   ///< any bytes
  uint64_t version = 0; ///< position of the change in the log: grows with every change, never repeats
  timestamp changed_at;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, key_record& x) {
  return f(x.key, x.value, x.version, x.changed_at);
}

/// One key, or `not_found`.
struct get_key_request {
  std::string key;
  consistency level = consistency::current;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, get_key_request& x) { return f(x.key, x.level); }

/// Sets a key. `expected`: only when its version is this one (0: only when it is not there), else `conflict`.
/// Answers with the key once it is durable.
struct put_key_request {
  std::string key;
  std::string value;
  std::optional<uint64_t> expected;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, put_key_request& x) { return f(x.key, x.value, x.expected); }

/// Removes a key; answers with what it was.
struct remove_key_request {
  std::string key;
  std::optional<uint64_t> expected;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, remove_key_request& x) { return f(x.key, x.expected); }

/// Keys that begin with `prefix`, in order, after `after`.
struct list_keys_request {
  std::string prefix;
  std::string after;
  uint32_t limit = 100; ///< 1 to 1000
  bool values = true;   ///< false: leave the values out
  consistency level = consistency::current;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, list_keys_request& x) {
  return f(x.prefix, x.after, x.limit, x.values, x.level);
}

struct key_page {
  std::vector<key_record> keys;
  bool more = false; ///< go on after the last one
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, key_page& x) { return f(x.keys, x.more); }

} // namespace overwatch
