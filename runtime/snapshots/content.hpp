#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace overwatch::snapshots {

/// Files up to this size without holes are packed into a common file: creating one for each costs more than writing it.
inline constexpr uint64_t max_packed_bytes = 64 * 1024;

/// Makes the empty file `to` a copy of `from`: shares its blocks where the file system can, else copies what is no
/// hole. A source that shrinks meanwhile gives zeros: the caller looks at its times. Throws `trouble`.
void copy_content(int from, int to, uint64_t size, const std::string& path, const std::function<bool()>& stop);

/// Copies a piece of a file into the empty file `to`.
void copy_piece(int from, uint64_t offset, int to, uint64_t size, const std::string& path);

/// Appends a small file to the common one, at `offset`.
void append_to_pack(int from, int pack, uint64_t offset, uint64_t size, const std::string& path);

/// True when `size` bytes at `offset` of `kept` are those at the start of `current`.
bool same_content(int kept, uint64_t offset, int current, uint64_t size, const std::string& path,
                  const std::function<bool()>& stop);

} // namespace overwatch::snapshots
