#pragma once

#include "actors/file_snapshots.hpp"
#include "actors/store.hpp"
#include "runtime/maintenance/action.hpp"

#include <chrono>
#include <string>

namespace overwatch::maintenance {

/// What retention has to do with.
struct retention_sources {
  const store_reader* store = nullptr;
  file_snapshots* snapshots = nullptr;
  std::chrono::seconds tasks_kept{0}; ///< `tasks.retention` when the node started
  std::string details_directory;      ///< of maintenance itself
};

/// Tasks with their logs, and snapshots, are removed by the node itself every few seconds: this says how far it is. The
/// details files of old maintenance tasks are removed here.
void keep_to_retention(const retention_sources& sources, const action_environment& environment, action_result& result);

} // namespace overwatch::maintenance
