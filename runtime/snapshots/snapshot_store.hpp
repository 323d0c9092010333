#pragma once

#include "runtime/snapshots/descriptor.hpp"
#include "runtime/snapshots/places.hpp"
#include "runtime/snapshots/scan.hpp"

#include <mutex>
#include <set>

namespace overwatch {

struct snapshot_store_options {
  std::string directory;          ///< where captures are kept; made when it is missing
  std::vector<std::string> roots; ///< where scopes may lie; none: nothing may be captured
  snapshots::snapshot_limits limits;
};

/// Keeps each capture in a directory of its own: `manifest`, `pack` (the contents of small files), `content-<n>` (of
/// the others), `keep` (until when). It has a name with an ending while it is made (`.partial`) or removed
/// (`.dropped`); a rename makes it count, or not any more.
class snapshot_store : public file_snapshots {
public:
  /// Resolves the roots. Touches nothing: a directory that cannot be used is an error of the first operation.
  explicit snapshot_store(snapshot_store_options options);

  capture_result capture(const std::string& name, const capture_scope& scope, const stop_check& stop) override;
  restore_result restore(const std::string& name, const stop_check& stop) override;
  failure drop(const std::string& name) override;
  failure keep(const std::string& name, timestamp until) override;
  snapshot_description describe(const std::string& name, size_t max_entries) override;
  std::vector<stored_snapshot> list(const std::string& prefix) override;
  failure remove_leftovers() override;

private:
  class busy_name;

  snapshots::descriptor open_store(std::string& path) const;
  snapshots::descriptor open_capture(const std::string& name) const;
  void capture_once(const std::string& name, const capture_scope& scope, const stop_check& stop,
                    capture_result& result);
  void require_space(int store, uint64_t bytes) const;

  snapshot_store_options options_;
  snapshots::root_set roots_;
  std::mutex mutex_;
  std::set<std::string> busy_; // names that an operation makes or removes now
};

} // namespace overwatch
