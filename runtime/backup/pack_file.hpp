#pragma once

#include "runtime/backup/file_bytes.hpp"
#include "runtime/backup/vault.hpp"

#include <optional>
#include <string>
#include <vector>

/// A pack: a mark of eight bytes, chunks one after the other, a table of them, and a trailer (size of the table, its
/// hash, the hash of all before). A file under its final name is complete: it was synced before it was renamed.
namespace overwatch::backup {

/// A pack that has this size is finished. Larger ones are fewer files, smaller ones are less to write again by `prune`.
inline constexpr uint64_t pack_target_bytes = 32 << 20;

inline constexpr const char* pack_ending = ".pack";

/// A chunk as it lies in a pack.
struct packed_chunk {
  chunk_id id;
  uint32_t offset = 0;
  uint32_t stored = 0; ///< bytes in the pack
  uint32_t plain = 0;  ///< bytes of content
  bool raw = false;    ///< compression did not make it smaller
};

class pack_writer {
public:
  /// Creates `name` in `directory`.
  pack_writer(int directory, std::string name);

  void add(const chunk_id& id, std::string_view stored, uint32_t plain, bool raw);

  uint64_t bytes() const { return bytes_; }
  const std::vector<packed_chunk>& chunks() const { return chunks_; }
  const std::string& name() const { return name_; }

  /// Writes table and trailer, without sync. Returns the name that the pack gets: part of its hash.
  std::string finish(const vault& secret);

  int file() const { return file_.get(); }

private:
  void write(std::string_view bytes);
  void drain();

  std::string name_;
  descriptor file_;
  hasher hash_;
  std::string buffer_;
  uint64_t bytes_ = 0;
  std::vector<packed_chunk> chunks_;
};

/// The table of a pack. Throws `repository_damaged`.
std::vector<packed_chunk> read_pack_table(int file, const std::string& path, const vault& secret);

/// The content of a chunk from its stored bytes; nothing when they are damaged.
std::optional<std::string> unpack(const packed_chunk& x, std::string_view stored, const vault& secret);

/// What binds a sealed chunk to its id.
std::string purpose_of(const chunk_id& id);

} // namespace overwatch::backup
