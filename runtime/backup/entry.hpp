#pragma once

#include "runtime/backup/vault.hpp"
#include "runtime/snapshots/manifest.hpp"

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <vector>

namespace overwatch::backup {

using snapshots::file_metadata;
using snapshots::file_time;

/// A part of a file: a chunk, or a hole.
struct piece {
  chunk_id id;
  uint64_t size = 0;
  bool hole = false;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, piece& x) {
  std::string id; // none: a hole
  if (Inspector::reads_state && !x.hole)
    id.assign(reinterpret_cast<const char*>(x.id.bytes.data()), x.id.bytes.size());
  auto result = f(x.size, id);
  if (Inspector::writes_state) {
    x.hole = id.size() != x.id.bytes.size();
    if (!x.hole)
      std::memcpy(x.id.bytes.data(), id.data(), id.size());
  }
  return result;
}

/// What a backup keeps of one path.
struct entry {
  std::string path; ///< absolute
  captured_kind kind = captured_kind::absent;
  file_metadata metadata;
  uint64_t size = 0; ///< of a file's content
  file_time changed; ///< ctime: with inode, size and time of modification it shows that a file was not written since
  uint64_t inode = 0;
  uint64_t links = 1;    ///< names that the inode has, also those outside of the sources
  uint64_t special = 0;  ///< number of a device
  std::string target;    ///< of a symbolic link
  std::string link_of;   ///< the first path with this inode; the pieces stand here too
  bool settled = false;  ///< the last change was so long before it was read that a later one has another time
  bool database = false; ///< an SQLite database, taken through its online backup
  bool sparse = false;   ///< takes less room than its size: zeros need not be written
  std::vector<piece> pieces;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, entry& x) {
  return f(x.path, x.kind, x.metadata, x.size, x.changed, x.inode, x.links, x.special, x.target, x.link_of, x.settled,
           x.database, x.sparse, x.pieces);
}

/// The order of a tree stream: a directory, then what is in it, names by their bytes; as a walk comes by.
bool goes_before(std::string_view x, std::string_view y);

/// True when a file is what it was when `before` was read, as far as anything but its bytes can tell.
bool is_unchanged(const entry& before, const struct stat& st);

/// Kind, owner, mode, times, size, identity.
entry describe(const std::string& path, const struct stat& st);

} // namespace overwatch::backup
