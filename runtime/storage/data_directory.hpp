#pragma once

#include <caf/expected.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace overwatch {

/// The version of everything below a data directory that this binary writes. It reads this one and upgrades
/// older ones.
inline constexpr uint32_t storage_format = 1;

/// A node's data directory, held for this process as long as the object lives. In it:
///
///     FORMAT       one line: the version
///     node.pid     locked by the node that holds the directory; its process id
///     node.*       other files of the node's process (its log, for example); the store leaves them alone
///     rocks/       RocksDB's files
///     rocks.new/   the same while a new store is made
///     staging/     new content of key ranges, before it is part of the database (see staged_files.hpp)
class data_directory {
public:
  /// Makes a complete, closed database in the directory that it is given.
  using create_function = std::function<caf::error(const std::string& path)>;

  /// Creates (mode 0700) or claims the directory. A store is made with `create` when there is none; an older one
  /// is upgraded. Errors are those of open_rocks_store.
  static caf::expected<std::unique_ptr<data_directory>> claim(const std::string& path, const create_function& create);

  data_directory(const data_directory&) = delete;
  data_directory& operator=(const data_directory&) = delete;
  ~data_directory();

  const std::filesystem::path& path() const { return path_; }

  /// Where RocksDB's files are.
  std::filesystem::path database_path() const { return path_ / "rocks"; }

  /// Where new content of ranges waits, one directory each.
  std::filesystem::path staging_path() const { return path_ / "staging"; }

  /// Writes our process id into `node.pid`, for the node that comes second.
  void announce();

  uint64_t free_bytes() const;
  uint64_t used_bytes() const;

private:
  data_directory(std::filesystem::path path, int lock) : path_{std::move(path)}, lock_{lock} {}

  static caf::expected<int> lock(const std::filesystem::path& path);
  caf::error make_store(const create_function& create) const;
  caf::error upgrade(uint32_t version) const;

  std::filesystem::path path_;
  int lock_; // descriptor of node.pid
  bool announced_ = false;
};

} // namespace overwatch
