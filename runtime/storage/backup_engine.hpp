#pragma once

#include "runtime/storage/store_backup.hpp"

#include <rocksdb/utilities/backup_engine.h>

#include <caf/error.hpp>

#include <memory>
#include <string>

namespace overwatch {

/// RocksDB's engine over a directory, with files that can be watched.
struct opened_engine {
  std::unique_ptr<rocksdb::Env> files; ///< outlives the engine
  std::unique_ptr<rocksdb::BackupEngine> engine;
  rocksdb::Status status;
};
opened_engine open_engine(const std::string& path, const backup_watch& watch, uint64_t expected_bytes);

/// The same without any change to the directory.
struct opened_reader {
  std::unique_ptr<rocksdb::Env> files;
  std::unique_ptr<rocksdb::BackupEngineReadOnly> engine;
  rocksdb::Status status;
};
opened_reader open_engine_reader(const std::string& path, const backup_watch& watch, uint64_t expected_bytes);

/// The error that a status means; `what` begins its sentence.
caf::error backup_failed(const std::string& what, const rocksdb::Status& status);

} // namespace overwatch
