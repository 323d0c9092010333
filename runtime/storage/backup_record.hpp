#pragma once

#include "runtime/storage/store_backup.hpp"

#include <optional>
#include <string>
#include <vector>

namespace overwatch {

/// A small file of the node's that a backup has beside the store.
struct recorded_file {
  std::string name;
  uint64_t size = 0;
  uint32_t checksum = 0;
};

/// What a backup is, as text of one value a line and a checksum of it all at the end.
struct backup_record {
  store_backup backup;
  uint32_t store_format = 0;
  uint32_t list_checksum = 0; ///< of RocksDB's list of its files and their checksums
  std::vector<recorded_file> files;
};

std::string to_text(const backup_record& x);

/// Nothing for a text that is damaged or of a newer version.
std::optional<backup_record> parse_record(const std::string& text);

/// CRC-32.
uint32_t checksum_of(const std::string& bytes);

} // namespace overwatch
