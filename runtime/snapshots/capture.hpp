#pragma once

#include "runtime/snapshots/scan.hpp"

namespace overwatch::snapshots {

/// The second pass of a capture: copies the contents of everything that was scanned into `target`, an empty directory,
/// and makes them durable. Throws `tree_changed` when the tree is not what was scanned: scan again then.
void copy_contents(manifest& x, int target, const snapshot_limits& limits, const std::function<bool()>& stop);

} // namespace overwatch::snapshots
