#pragma once

#include "runtime/storage/rocks_store.hpp"

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <memory>
#include <string>
#include <vector>

namespace overwatch {

/// The column families, in the order of `key_space`, after RocksDB's own `default`, which stays empty.
inline constexpr const char* family_names[] = {"log", "state", "series"};
inline constexpr size_t family_count = 3;

/// How the database is set up. The reasons are beside the values in rocks_database.cpp.
struct rocks_settings {
  rocksdb::DBOptions database;
  std::vector<rocksdb::ColumnFamilyDescriptor> families; ///< `default` first
};

rocks_settings make_rocks_settings(const rocks_store_options& options);

/// An open database with its column families; closes them in the right order.
struct rocks_database {
  enum class mode { create, read_only, read_write };

  rocks_database() = default;
  rocks_database(const rocks_database&) = delete;
  rocks_database& operator=(const rocks_database&) = delete;
  ~rocks_database();

  rocksdb::Status open(const rocks_settings& settings, const std::string& path, mode how);

  /// Closes; says what went wrong with writing what was only in memory.
  rocksdb::Status close();

  rocksdb::ColumnFamilyHandle* family(key_space space) const { return handles[static_cast<size_t>(space) + 1]; }

  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles; ///< `default` first
};

} // namespace overwatch
