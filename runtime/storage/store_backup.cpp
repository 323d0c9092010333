#include "runtime/storage/store_backup.hpp"

#include "messages/error_code.hpp"
#include "runtime/storage/backup_directory.hpp"
#include "runtime/storage/backup_engine.hpp"
#include "runtime/storage/data_directory.hpp"
#include "runtime/storage/rocks_database.hpp"
#include "runtime/storage/rocks_store.hpp"

#include <rocksdb/db.h>
#include <rocksdb/utilities/stackable_db.h>

#include <algorithm>
#include <map>

namespace fs = std::filesystem;

namespace overwatch {

namespace {

// Of the node's own files beside the store: larger ones are logs or reports.
constexpr uint64_t small_file_bytes = 16ULL << 20;

// Beside what has to be copied: lists, records, and what the disk needs itself.
constexpr uint64_t reserve_bytes = 64ULL << 20;

/// The database, which stands still while RocksDB looks what belongs to a backup. Without that, sorted files of one
/// moment would meet a write-ahead log of a later one, in which entries that those files lack may have been cut away.
class still_database final : public rocksdb::StackableDB {
public:
  explicit still_database(rocks_store& store)
    : StackableDB{std::shared_ptr<rocksdb::DB>{store.database().db.get(), [](rocksdb::DB*) {}}}, store_{store} {}

  rocksdb::Status GetLiveFilesStorageInfo(const rocksdb::LiveFilesStorageInfoOptions& options,
                                          std::vector<rocksdb::LiveFileStorageInfo>* files) override {
    rocksdb::Status result;
    store_.hold_still([&] { result = StackableDB::GetLiveFilesStorageInfo(options, files); });
    return result;
  }

private:
  rocks_store& store_;
};

/// Names and sizes of the sorted files that backups share.
std::map<std::string, uint64_t> shared_files(const backup_directory& directory) {
  std::map<std::string, uint64_t> result;
  std::error_code failed;
  for (auto i = fs::directory_iterator{fs::path{directory.engine_path()} / "shared_checksum", failed};
       !failed && i != fs::directory_iterator{}; i.increment(failed)) {
    std::error_code unknown;
    result[i->path().filename().string()] = i->file_size(unknown);
  }
  return result;
}

/// Bytes of the store that no backup has yet. RocksDB names a shared file `<number>_s<session>_<size>.sst`.
uint64_t missing_bytes(rocks_store& store, const std::map<std::string, uint64_t>& shared) {
  std::set<std::pair<std::string, uint64_t>> known;
  for (const auto& [name, size] : shared)
    known.emplace(name.substr(0, name.find('_')), size);
  std::vector<rocksdb::LiveFileMetaData> live;
  store.database().db->GetLiveFilesMetaData(&live);
  uint64_t result = store.database().db->GetDBOptions().max_total_wal_size;
  for (const auto& file : live)
    if (known.count({fs::path{file.name}.stem().string(), file.size}) == 0)
      result += file.size;
  return result;
}

/// The node's own small files. Not its lock, process id and log; and not its snapshots: they are directories.
std::vector<fs::path> node_files(const fs::path& data_directory) {
  std::vector<fs::path> result;
  std::error_code failed;
  for (auto i = fs::directory_iterator{data_directory, failed}; !failed && i != fs::directory_iterator{};
       i.increment(failed)) {
    auto name = i->path().filename().string();
    std::error_code unknown;
    if (name.rfind("node.", 0) == 0 && name != "node.pid" && name.rfind("node.log", 0) != 0 &&
        i->symlink_status(unknown).type() == fs::file_type::regular && i->file_size(unknown) <= small_file_bytes)
      result.push_back(i->path());
  }
  std::sort(result.begin(), result.end());
  return result;
}

caf::error take_node_files(const rocks_store& store, const backup_directory& directory, backup_record& record) {
  for (const auto& file : node_files(store.directory().path())) {
    auto copy = directory.files_path(record.backup.id) / file.filename();
    if (auto error = copy_small_file(file, copy))
      return error;
    auto bytes = content_of(copy).value_or("");
    record.files.push_back({file.filename().string(), bytes.size(), checksum_of(bytes)});
    record.backup.new_bytes += bytes.size();
  }
  return caf::none;
}

/// What a kill before the record was written has left.
void remove_incomplete(const backup_directory& directory, rocksdb::BackupEngine& engine) {
  auto complete = directory.ids();
  std::vector<rocksdb::BackupInfo> all;
  engine.GetBackupInfo(&all);
  for (const auto& x : all)
    if (!std::binary_search(complete.begin(), complete.end(), x.backup_id))
      engine.DeleteBackup(x.backup_id);
  engine.GarbageCollect();
}

/// Compares a backup with its checksums. Empty, or what is damaged; `stopped` when it was told to stop.
std::string find_damage_in(const backup_directory& directory, const rocksdb::BackupEngineReadOnly& engine, uint32_t id,
                           bool& stopped) {
  auto record = directory.read(id);
  if (!record)
    return describe(record.error()).message;
  auto list = content_of(directory.list_path(id));
  if (!list || checksum_of(*list) != record->list_checksum)
    return "the list of its files, " + directory.list_path(id).string() + ", is damaged or missing";
  for (const auto& file : record->files) {
    auto bytes = content_of(directory.files_path(id) / file.name);
    if (!bytes || bytes->size() != file.size || checksum_of(*bytes) != file.checksum)
      return "the file " + (directory.files_path(id) / file.name).string() + " is damaged or missing";
  }
  auto status = engine.VerifyBackup(id, true);
  stopped = status.IsAborted();
  return status.ok() ? std::string{} : status.ToString();
}

caf::error told_to_stop() { return make_error(ec::unavailable, "told to stop"); }

} // namespace

caf::expected<store_backup> create_store_backup(rocks_store& store, const std::string& path, const std::string& node,
                                                const backup_watch& watch) {
  auto directory = backup_directory::open(path, backup_directory::purpose::write);
  if (!directory)
    return directory.error();
  auto before = shared_files(**directory);
  auto missing = missing_bytes(store, before);
  if ((*directory)->free_bytes() < missing + reserve_bytes)
    return make_error(ec::no_space, "a backup may need " + std::to_string((missing + reserve_bytes) >> 20) +
                                      " MiB, and the disk of " + path + " has only " +
                                      std::to_string((*directory)->free_bytes() >> 20) + " MiB: free some space");
  // RocksDB keeps what it copies from being deleted, and so does this: less of the log has to be in the backup.
  if (store.checkpoint() == store::write_result::no_space)
    return make_error(ec::no_space, "the disk of the store is full");
  auto opened = open_engine((*directory)->engine_path(), watch, missing);
  if (!opened.status.ok())
    return backup_failed("the backups in " + path + " cannot be opened", opened.status);
  remove_incomplete(**directory, *opened.engine);
  still_database still{store};
  rocksdb::BackupID id = 0;
  rocksdb::Status status = opened.engine->CreateNewBackupWithMetadata(rocksdb::CreateBackupOptions{}, &still, "", &id);
  if (!status.ok())
    return backup_failed("the backup was not made", status);
  rocksdb::BackupInfo info;
  status = opened.engine->GetBackupInfo(id, &info);
  auto list = content_of((*directory)->list_path(id));
  if (!status.ok() || !list)
    return backup_failed("the backup that was made cannot be read", status);
  backup_record record;
  record.backup = {id, now(), node, info.size, info.number_files, 0, 0};
  record.store_format = storage_format;
  record.list_checksum = checksum_of(*list);
  record.backup.new_bytes = info.size;
  record.backup.new_files = info.number_files;
  for (const auto& [name, size] : before)
    if (list->find(name) != std::string::npos) {
      record.backup.new_bytes -= std::min(size, record.backup.new_bytes);
      --record.backup.new_files;
    }
  auto error = take_node_files(store, **directory, record);
  if (!error)
    error = (*directory)->write(record);
  if (error)
    return error;
  return record.backup;
}

caf::expected<std::vector<store_backup>> list_store_backups(const std::string& path) {
  auto directory = backup_directory::open(path, backup_directory::purpose::read);
  if (!directory)
    return directory.error();
  std::vector<store_backup> result;
  for (auto id : (*directory)->ids())
    if (auto record = (*directory)->read(id))
      result.push_back(record->backup);
  return result;
}

caf::expected<std::vector<verified_backup>> verify_store_backups(const std::string& path, std::optional<uint32_t> id,
                                                                 const backup_watch& watch) {
  auto directory = backup_directory::open(path, backup_directory::purpose::read);
  if (!directory)
    return directory.error();
  auto ids = (*directory)->ids();
  if (id && !std::binary_search(ids.begin(), ids.end(), *id))
    return make_error(ec::not_found, "there is no backup " + std::to_string(*id) + " in " + path);
  if (id)
    ids = {*id};
  uint64_t bytes = 0;
  for (auto x : ids)
    if (auto record = (*directory)->read(x))
      bytes += record->backup.bytes;
  auto opened = open_engine_reader((*directory)->engine_path(), watch, bytes);
  if (!opened.status.ok())
    return backup_failed("the backups in " + path + " cannot be opened", opened.status);
  std::vector<verified_backup> result;
  for (auto x : ids) {
    bool stopped = watch.stop && watch.stop();
    auto damage = stopped ? std::string{} : find_damage_in(**directory, *opened.engine, x, stopped);
    if (stopped)
      return told_to_stop();
    result.push_back({x, std::move(damage)});
  }
  return result;
}

caf::expected<uint64_t> remove_store_backups(const std::string& path, const std::set<uint32_t>& ids) {
  auto directory = backup_directory::open(path, backup_directory::purpose::write);
  if (!directory)
    return directory.error();
  auto opened = open_engine((*directory)->engine_path(), {}, 0);
  if (!opened.status.ok())
    return backup_failed("the backups in " + path + " cannot be opened", opened.status);
  auto used = [&] {
    uint64_t result = 0;
    std::error_code failed;
    for (auto i = fs::recursive_directory_iterator{(*directory)->engine_path(), failed};
         !failed && i != fs::recursive_directory_iterator{}; i.increment(failed)) {
      std::error_code unknown;
      if (i->is_regular_file(unknown))
        result += i->file_size(unknown);
    }
    return result;
  };
  auto before = used();
  // The record first: without it a backup does not count, and what is left is removed with the next one.
  for (auto id : ids) {
    if (auto error = (*directory)->remove(id))
      return error;
    if (auto status = opened.engine->DeleteBackup(id); !status.ok() && !status.IsNotFound())
      return backup_failed("backup " + std::to_string(id) + " was not removed", status);
  }
  opened.engine->GarbageCollect();
  auto after = used();
  return before > after ? before - after : 0;
}

} // namespace overwatch
