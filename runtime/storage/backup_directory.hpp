#pragma once

#include "runtime/storage/backup_record.hpp"

#include <caf/expected.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace overwatch {

/// A directory of backups, held against others as long as the object lives. Knows all of it but RocksDB's part.
class backup_directory {
public:
  enum class purpose : uint8_t {
    write, ///< made when it is missing or empty
    read,
  };

  static caf::expected<std::unique_ptr<backup_directory>> open(const std::string& path, purpose why);

  backup_directory(const backup_directory&) = delete;
  backup_directory& operator=(const backup_directory&) = delete;
  ~backup_directory();

  std::string engine_path() const { return (path_ / "engine").string(); }

  /// RocksDB's list of the files of a backup.
  std::filesystem::path list_path(uint32_t id) const { return path_ / "engine" / "meta" / std::to_string(id); }
  std::filesystem::path files_path(uint32_t id) const { return path_ / "files" / std::to_string(id); }

  /// Names of records, damaged ones too, in order.
  std::vector<uint32_t> ids() const;

  caf::expected<backup_record> read(uint32_t id) const;

  /// Makes the record durable: the backup counts from then on.
  caf::error write(const backup_record& x) const;
  caf::error remove(uint32_t id) const;

  uint64_t free_bytes() const;

private:
  backup_directory(std::filesystem::path path, int lock) : path_{std::move(path)}, lock_{lock} {}

  std::filesystem::path path_;
  int lock_;
};

/// Copies a file of the node's, durably, with its mode.
caf::error copy_small_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// All of a file; nothing when it cannot be read.
std::optional<std::string> content_of(const std::filesystem::path& file);

/// Makes what was renamed or made in a directory durable.
bool sync_directory(const std::filesystem::path& path);

} // namespace overwatch
