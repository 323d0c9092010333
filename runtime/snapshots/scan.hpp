#pragma once

#include "runtime/snapshots/manifest.hpp"
#include "runtime/snapshots/places.hpp"

#include <functional>

namespace overwatch::snapshots {

struct snapshot_limits {
  uint64_t max_bytes = 4096ULL << 20; ///< of content in one scope; `snapshots.max-mb`
  uint64_t max_entries = 100'000;     ///< files, directories and links in one scope; `snapshots.max-files`
  milliseconds recent{2000};          ///< a change this shortly before the capture may have the same time as one after
};

/// Directories deeper than this below the top of a scope are refused: each level takes a descriptor.
inline constexpr unsigned max_scope_depth = 128;

/// Notes of one capture that are kept.
inline constexpr size_t max_notes = 100;

/// Adds a sentence unless there are too many.
void note(manifest& x, const std::string& sentence);

/// The first pass of a capture: looks at everything in the scope, counts, and reads no content. Throws `trouble` with a
/// sentence when a path is not allowed, a limit is passed, or the scope holds `store`.
manifest scan(const root_set& roots, const std::vector<std::string>& paths, const snapshot_limits& limits,
              const std::string& store, const std::function<bool()>& stop);

} // namespace overwatch::snapshots
