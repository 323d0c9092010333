#pragma once

#include "messages/time.hpp"
#include "runtime/backup/vault.hpp"

#include <string>
#include <vector>

namespace overwatch::backup {

inline constexpr uint32_t manifest_version = 1;

/// What a backup has and what it cost.
struct backup_counts {
  uint64_t files = 0;
  uint64_t directories = 0;
  uint64_t others = 0;    ///< links and special files
  uint64_t bytes = 0;     ///< of the content of files, holes included
  uint64_t unchanged = 0; ///< files that were not read, as nothing had touched them since the last backup
  uint64_t read_bytes = 0;
  uint64_t new_chunks = 0;
  uint64_t new_bytes = 0;    ///< content that was stored
  uint64_t stored_bytes = 0; ///< compressed and sealed
  uint64_t unreadable = 0;
  uint64_t vanished = 0; ///< between the listing of their directory and their turn
  uint64_t changed = 0;  ///< while they were read: what is kept may be half old and half new
  uint64_t notes = 0;    ///< things that were left out, as the operator should know
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, backup_counts& x) {
  return f(x.files, x.directories, x.others, x.bytes, x.unchanged, x.read_bytes, x.new_chunks, x.new_bytes,
           x.stored_bytes, x.unreadable, x.vanished, x.changed, x.notes);
}

/// One backup: a file of its own that names the chunks of its list.
struct manifest {
  uint32_t version = manifest_version;
  std::string id; ///< the time of its start, and some letters: sorts by time
  std::string host;
  std::vector<std::string> sources;
  std::vector<std::string> excludes;
  timestamp started;
  timestamp finished;
  backup_counts counts;
  std::vector<chunk_id> tree;
};

/// The file's bytes: a mark, the manifest (sealed when the repository is), a hash of all before.
std::string to_bytes(const manifest& x, const vault& secret);

/// Throws `repository_damaged`.
manifest manifest_from(std::string_view bytes, const std::string& id, const vault& secret);

/// `20261122T093015.250Z-1f3a`.
std::string new_backup_id(timestamp time);

/// A text that could be the id of a backup, and so is a safe name of a file.
bool is_backup_id(std::string_view text);

} // namespace overwatch::backup
