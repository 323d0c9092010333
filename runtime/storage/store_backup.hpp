#pragma once

#include "messages/time.hpp"

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace overwatch {

class rocks_store;
class store;

/// Backups of a node's store in a directory of their own:
///
///     OVERWATCH-STORE-BACKUP   one line: the version
///     lock                     held by whoever works with the directory
///     engine/                  RocksDB's: sorted files are shared by all backups that need them
///     records/<id>             what a backup is, with checksums; a backup without a record was never completed
///     files/<id>/              the node's own small files
///
/// A backup is one moment of the store: everything that was acknowledged before it began, nothing torn. Everything
/// blocks. Errors: `conflict` (in use, not empty), `invalid` (not a directory of backups), `not_found`, `no_space`,
/// `unavailable` (told to stop), `internal` (damaged).

/// The two are called from several threads.
struct backup_watch {
  std::function<bool()> stop;                 ///< true ends the operation soon
  std::function<void(double share)> progress; ///< 0 to 1
};

struct store_backup {
  uint32_t id = 0; ///< counts up
  timestamp time;
  std::string node;
  uint64_t bytes = 0; ///< of the whole, shared files included
  uint64_t files = 0;
  uint64_t new_bytes = 0; ///< that were not in an earlier backup
  uint64_t new_files = 0;
};

/// Makes one more backup. Copies what no earlier one has.
caf::expected<store_backup> create_store_backup(rocks_store& store, const std::string& directory,
                                                const std::string& node, const backup_watch& watch);

/// All complete ones, the oldest first. One whose record is damaged is an error of `verify_store_backups` only.
caf::expected<std::vector<store_backup>> list_store_backups(const std::string& directory);

/// Reads a backup, or all, back and compares every byte's checksum.
struct verified_backup {
  uint32_t id = 0;
  std::string damage; ///< empty: it is good
};
caf::expected<std::vector<verified_backup>> verify_store_backups(const std::string& directory,
                                                                 std::optional<uint32_t> id, const backup_watch& watch);

/// Forgets backups, and the files that no other one needs. Returns how many bytes that freed.
caf::expected<uint64_t> remove_store_backups(const std::string& directory, const std::set<uint32_t>& ids);

/// Makes the data directory of a node from a backup (none given: the newest). It must be missing or empty, or what a
/// restore that was interrupted has left; no node can start on it before the restore is complete. When it fails, the
/// directory is as it was. `prepare` gets the store before a node can; its error is the restore's.
caf::expected<store_backup> restore_store_backup(const std::string& directory, std::optional<uint32_t> id,
                                                 const std::string& data_directory, const backup_watch& watch,
                                                 const std::function<caf::error(store&)>& prepare = {});

} // namespace overwatch
