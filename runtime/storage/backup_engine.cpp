#include "runtime/storage/backup_engine.hpp"

#include "messages/error_code.hpp"
#include "runtime/storage/storage_failed.hpp"
#include "runtime/storage/watched_files.hpp"

namespace overwatch {

namespace {

rocksdb::BackupEngineOptions options_for(const std::string& path, rocksdb::Env* files) {
  rocksdb::BackupEngineOptions options{path, files};
  options.sync = true;
  options.share_table_files = true;
  options.share_files_with_checksum = true;
  options.max_background_operations = 1;
  return options;
}

} // namespace

opened_engine open_engine(const std::string& path, const backup_watch& watch, uint64_t expected_bytes) {
  opened_engine result;
  result.files = make_watched_files(watch, expected_bytes);
  rocksdb::BackupEngine* engine = nullptr;
  result.status = rocksdb::BackupEngine::Open(options_for(path, result.files.get()), rocksdb::Env::Default(), &engine);
  result.engine.reset(engine);
  return result;
}

opened_reader open_engine_reader(const std::string& path, const backup_watch& watch, uint64_t expected_bytes) {
  opened_reader result;
  result.files = make_watched_files(watch, expected_bytes);
  rocksdb::BackupEngineReadOnly* engine = nullptr;
  result.status =
    rocksdb::BackupEngineReadOnly::Open(options_for(path, result.files.get()), rocksdb::Env::Default(), &engine);
  result.engine.reset(engine);
  return result;
}

caf::error backup_failed(const std::string& what, const rocksdb::Status& status) {
  auto code = is_no_space(status)   ? ec::no_space
              : status.IsAborted()  ? ec::unavailable
              : status.IsNotFound() ? ec::not_found
                                    : ec::internal;
  return make_error(code, what + ": " + (status.IsAborted() ? "told to stop" : status.ToString()));
}

} // namespace overwatch
