#pragma once

#include "actors/log_driver.hpp"
#include "actors/replicated_log.hpp"
#include "actors/store.hpp"

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include <cstdint>
#include <vector>

/// The log of a partition as a store has it, for those that look at it before anything runs.
namespace overwatch {

/// What the store has of a partition's log, beside the entries.
struct stored_log {
  uint64_t term = 0; ///< the highest that is known
  uint64_t last = 0; ///< entry, or the snapshot's
  std::vector<log_member> members;
};

/// Reads all entries. An error says that the store is damaged.
caf::expected<stored_log> read_log(const store& db, partition_id partition);

/// A sentence that the store is damaged.
caf::error unreadable(partition_id partition, const char* what);

/// Calls `visit` with all entries from `first` on, in their order, until it answers with an error.
template <class Visit>
caf::error each_entry(const store& db, partition_id partition, uint64_t first, Visit visit) {
  constexpr size_t read_bytes = 4ULL << 20; // at once
  auto read = make_entry_reader(db, partition);
  for (;;) {
    auto some = read(first, UINT64_MAX - 1, read_bytes);
    if (some.empty())
      return {};
    for (const auto& x : some)
      if (auto error = visit(x))
        return error;
    first = some.back().index + 1;
  }
}

} // namespace overwatch
