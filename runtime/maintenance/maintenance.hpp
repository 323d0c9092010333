#pragma once

#include "actors/file_snapshots.hpp"
#include "actors/handler.hpp"
#include "config/settings.hpp"
#include "runtime/storage/rocks_store.hpp"

#include <memory>

namespace overwatch {

/// What maintenance works on beside files. Either may be missing: what needs it is skipped.
struct maintenance_parts {
  rocks_store* store = nullptr; ///< outlives the handler
  std::shared_ptr<file_snapshots> snapshots;
};

/// Runs a task of type `maintenance`; see README.md for payload and result.
outcome run_maintenance(const attempt_context& attempt, const settings& config, const maintenance_parts& parts);

/// Registers the type: one task at a time.
void add_maintenance_handler(handler_registry& registry, const settings& config, maintenance_parts parts);

} // namespace overwatch
