#pragma once

#include "actors/file_snapshots.hpp"

#include <map>
#include <string>
#include <vector>

/// What a capture writes beside the contents of files, and a restore goes by.
namespace overwatch::snapshots {

inline constexpr uint32_t manifest_version = 1;

/// Number of an entry that is none.
inline constexpr uint32_t no_entry = ~uint32_t{0};

struct file_time {
  int64_t seconds = 0; ///< since 1970
  uint32_t nanoseconds = 0;
};

inline bool operator==(const file_time& x, const file_time& y) {
  return x.seconds == y.seconds && x.nanoseconds == y.nanoseconds;
}
inline bool operator!=(const file_time& x, const file_time& y) { return !(x == y); }

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, file_time& x) {
  return f(x.seconds, x.nanoseconds);
}

/// Where the content of a file is.
enum class content_place : uint8_t {
  none,   ///< it has none of its own: no file, empty, or a further link to one
  packed, ///< in the common file, at `offset`
  alone,  ///< in a file of its own
};

struct file_metadata {
  uint32_t mode = 0; ///< permission bits, set-id and sticky bits
  uint32_t owner = 0;
  uint32_t group = 0;
  file_time modified;
  std::map<std::string, std::string> attributes; ///< extended ones; of files and directorys
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, file_metadata& x) {
  return f(x.mode, x.owner, x.group, x.modified, x.attributes);
}

struct saved_entry {
  std::string name;
  uint32_t parent = no_entry; ///< its directory's number; none: the top of a scope
  captured_kind kind = captured_kind::absent;
  file_metadata metadata;
  uint64_t size = 0;
  file_time changed; ///< ctime: with device, inode and size it proves that nothing was written since
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t special = 0;        ///< device number of a device
  std::string target;          ///< of a symbolic link
  uint32_t link_of = no_entry; ///< the first entry that is a hard link to the same thing
  content_place place = content_place::none;
  uint64_t offset = 0;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, saved_entry& x) {
  return f(x.name, x.parent, x.kind, x.metadata, x.size, x.changed, x.device, x.inode, x.special, x.target, x.link_of,
           x.place, x.offset);
}

/// A directory between the root and a captured path; made again when it is gone.
struct saved_ancestor {
  std::string path;
  bool absent = false;
  file_metadata metadata;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, saved_ancestor& x) {
  return f(x.path, x.absent, x.metadata);
}

struct saved_scope {
  std::string path; ///< absolute and resolved
  uint32_t top = no_entry;
  std::vector<saved_ancestor> ancestors; ///< from the root down
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, saved_scope& x) {
  return f(x.path, x.top, x.ancestors);
}

struct manifest {
  uint32_t version = manifest_version;
  timestamp started; ///< before the first entry was looked at
  std::vector<saved_scope> scopes;
  std::vector<saved_entry> entries; ///< a directory stands before what is in it
  uint64_t bytes = 0;               ///< of content
  uint64_t packed_bytes = 0;        ///< in the common file
  std::vector<std::string> notes;
  std::optional<std::string> hook_state;

  /// The absolute path of an entry.
  std::string path_of(uint32_t entry) const;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, manifest& x) {
  return f(x.version, x.started, x.scopes, x.entries, x.bytes, x.packed_bytes, x.notes, x.hook_state);
}

/// Names inside the directory of one capture.
inline constexpr const char* manifest_name = "manifest";
inline constexpr const char* pack_name = "pack";
inline constexpr const char* keep_name = "keep";
std::string content_name(uint32_t entry);

/// Writes a small file and makes it durable: complete under its name or not there. Throws `trouble`.
void write_durably(int directory, const std::string& name, const std::string& bytes);

/// The bytes of a file; nothing when it is not there. Throws `trouble`.
std::optional<std::string> read_whole(int directory, const std::string& name);

void write_manifest(int directory, const manifest& x);

/// Nothing when there is none. Throws `trouble` when it is damaged or newer than this program.
std::optional<manifest> read_manifest(int directory, const std::string& path);

} // namespace overwatch::snapshots
