#include "runtime/storage/rocks_store.hpp"

#include "runtime/storage/data_directory.hpp"
#include "runtime/storage/rocks_database.hpp"
#include "runtime/storage/storage_failed.hpp"

#include <rocksdb/db.h>
#include <rocksdb/perf_level.h>
#include <rocksdb/write_batch.h>

#include <algorithm>

namespace overwatch {

namespace {

// Room that the two kept batches start with; they grow to what the journal's batches need.
constexpr size_t reserved_batch_bytes = 256 * 1024;

// A batch that grew above this gives its memory back.
constexpr size_t kept_batch_bytes = 16 * 1024 * 1024;

// Space that is left alone on the disk: a write that would go below it is refused before it is tried. RocksDB 7.8
// recovers by itself when a flush finds the disk full, but never when an append to the write-ahead log does.
constexpr uint64_t reserved_disk_bytes = 4 * 1024 * 1024;

// How long RocksDB may need to go on once there is space again (it looks every 5 s). Beyond it only a restart helps.
constexpr std::chrono::seconds resume_limit{20};

void empty_batch(std::unique_ptr<rocksdb::WriteBatch>& batch) {
  if (!batch || batch->GetDataSize() > kept_batch_bytes)
    batch = std::make_unique<rocksdb::WriteBatch>(reserved_batch_bytes);
  else
    batch->Clear();
}

void add_change(rocksdb::WriteBatch& batch, rocksdb::ColumnFamilyHandle* family, const write_batch::change& change) {
  switch (change.what) {
  case write_batch::kind::put:
    batch.Put(family, change.key, change.value);
    break;
  case write_batch::kind::erase:
    batch.Delete(family, change.key);
    break;
  case write_batch::kind::erase_range:
    if (change.key < change.value) // RocksDB takes a reversed range for an error
      batch.DeleteRange(family, change.key, change.value);
    break;
  }
}

/// Puts changes into the order of their keys and drops all but the last of each key. Most of what a write costs is
/// finding the places of its keys in the memtable: neighbours are found a third faster. Changes with a range among
/// them stay as they are.
void sort_changes(std::vector<const write_batch::change*>& changes) {
  auto is_range = [](const auto* x) { return x->what == write_batch::kind::erase_range; };
  if (std::any_of(changes.begin(), changes.end(), is_range))
    return;
  std::stable_sort(changes.begin(), changes.end(), [](const auto* x, const auto* y) { return x->key < y->key; });
  auto same_key = [](const auto* x, const auto* y) { return x->key == y->key; };
  // From the back, so that unique keeps the last of equal ones; then the kept ones are at the back.
  changes.erase(changes.begin(), std::unique(changes.rbegin(), changes.rend(), same_key).base());
}

} // namespace

rocks_store::rocks_store(std::unique_ptr<data_directory> directory, std::unique_ptr<rocks_database> database)
  : directory_{std::move(directory)}, database_{std::move(database)},
    reader_{*database_, rocks_reader::moment::always_now} {}

rocks_store::~rocks_store() {
  if (unsynced_ && !full_)
    database_->db->SyncWAL();
  // Closing flushes the state. When that fails, the log still has everything.
  database_->close();
}

std::optional<std::string> rocks_store::get(key_space space, std::string_view key) const {
  return reader_.get(space, key);
}

std::vector<std::optional<std::string>> rocks_store::get_many(key_space space,
                                                              const std::vector<std::string>& keys) const {
  return reader_.get_many(space, keys);
}

std::unique_ptr<store_cursor> rocks_store::scan(key_space space, std::string first, std::string last,
                                                bool reverse) const {
  return reader_.scan(space, std::move(first), std::move(last), reverse);
}

std::unique_ptr<store_reader> rocks_store::view() const {
  return std::make_unique<rocks_reader>(*database_, rocks_reader::moment::now);
}

store::write_result rocks_store::write(const write_batch& batch, bool sync) {
  std::lock_guard guard{writing_};
  return write_held(batch, sync);
}

store::write_result rocks_store::write_held(const write_batch& batch, bool sync) {
  // Counting every comparison of keys for RocksDB's statistics, which nobody reads, is a fifth of a write.
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
  if (!resume())
    return write_result::no_space;
  empty_batch(logged_);
  empty_batch(unlogged_);
  std::vector<const write_batch::change*> state_changes;
  for (const auto& change : batch.changes) {
    if (change.space == key_space::state)
      state_changes.push_back(&change);
    else
      add_change(*logged_, database_->family(change.space), change);
  }
  sort_changes(state_changes);
  for (const auto* change : state_changes)
    add_change(*unlogged_, database_->family(key_space::state), *change);

  if (free_bytes() < reserved_disk_bytes + logged_->GetDataSize())
    return write_result::no_space;

  if (logged_->Count() > 0) {
    rocksdb::WriteOptions options;
    options.sync = sync;
    auto result = judge("cannot write to the log", database_->db->Write(options, logged_.get()));
    if (result != write_result::done)
      return result;
    unsynced_ = !sync;
  } else if (sync && unsynced_) {
    auto result = judge("cannot sync the log", database_->db->SyncWAL());
    if (result != write_result::done)
      return result;
    unsynced_ = false;
  }

  if (unlogged_->Count() == 0)
    return write_result::done;
  // All of these go into one memtable of one column family: RocksDB switches memtables before it takes up a
  // batch, never inside of one, and a flushed memtable becomes part of the database by one edit of the manifest.
  // Memtables are flushed in their order. So what a crash leaves of `state` is always a whole number of batches
  // from the beginning. It is never ahead of `log` either: a switch begins a new write-ahead file, and the flush
  // syncs the files before it first.
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return judge("cannot write the state", database_->db->Write(options, unlogged_.get()));
}

store::write_result rocks_store::checkpoint() {
  {
    std::lock_guard guard{writing_};
    if (!resume())
      return write_result::no_space;
  }
  // Writes go on meanwhile, into the next memtable.
  rocksdb::FlushOptions options;
  options.wait = true;
  options.allow_write_stall = true; // or it would first wait until no write could stall
  auto status = database_->db->Flush(options, database_->family(key_space::state));
  std::lock_guard guard{writing_};
  return judge("cannot flush the state", status);
}

void rocks_store::hold_still(const std::function<void()>& look) {
  std::lock_guard guard{writing_};
  look();
}

bool rocks_store::resume() {
  if (!full_)
    return true;
  // RocksDB waits for room for a whole memtable.
  auto memtable_bytes = database_->db->GetOptions(database_->family(key_space::state)).write_buffer_size;
  if (free_bytes() < reserved_disk_bytes + memtable_bytes) {
    space_since_.reset();
    return false;
  }
  auto now = std::chrono::steady_clock::now();
  if (!space_since_)
    space_since_ = now;
  auto status = database_->db->Resume();
  if (status.ok()) {
    full_ = false;
    space_since_.reset();
    return true;
  }
  // Busy: RocksDB is just trying by itself.
  if ((!is_no_space(status) && !status.IsBusy()) || now - *space_since_ > resume_limit)
    storage_failed("cannot go on after the disk was full", status);
  return false;
}

store::write_result rocks_store::judge(const char* what, const rocksdb::Status& status) {
  if (status.ok())
    return write_result::done;
  if (!is_no_space(status))
    storage_failed(what, status);
  full_ = true;
  return write_result::no_space;
}

uint64_t rocks_store::free_bytes() const { return directory_->free_bytes(); }

uint64_t rocks_store::used_bytes() const { return directory_->used_bytes(); }

} // namespace overwatch
