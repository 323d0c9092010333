#include "runtime/storage/data_directory.hpp"
#include "runtime/storage/rocks_database.hpp"
#include "runtime/storage/rocks_store.hpp"

#include <rocksdb/db.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace overwatch {

namespace {

constexpr std::chrono::milliseconds look_interval{200};

// Left free beside what the compaction itself may need.
constexpr uint64_t reserve_bytes = 64ULL << 20;

uint64_t files_size(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family) {
  uint64_t result = 0;
  db.GetIntProperty(family, rocksdb::DB::Properties::kTotalSstFilesSize, &result);
  return result;
}

/// Compacts one column family on a thread of its own, and asks and tells on this one.
rocksdb::Status compact_family(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, const std::function<bool()>& stop,
                               const std::function<void()>& tell) {
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  std::atomic<bool> cancelled{false};
  rocksdb::Status status;
  std::thread worker{[&] {
    rocksdb::CompactRangeOptions options;
    options.exclusive_manual_compaction = false; // RocksDB's own go on
    options.canceled = &cancelled;
    auto result = db.CompactRange(options, family, nullptr, nullptr);
    std::lock_guard guard{mutex};
    status = result;
    ended = true;
    changed.notify_one();
  }};
  std::unique_lock lock{mutex};
  while (!changed.wait_for(lock, look_interval, [&] { return ended; })) {
    lock.unlock();
    tell();
    if (stop())
      cancelled = true;
    lock.lock();
  }
  lock.unlock();
  worker.join();
  return status;
}

} // namespace

rocks_store::compaction rocks_store::compact(const std::function<bool()>& stop,
                                             const std::function<void(const char* space, double share)>& progress) {
  auto& db = *database_->db;
  std::array<uint64_t, family_count> sizes{};
  uint64_t all = 0;
  for (size_t i = 0; i < family_count; ++i)
    all += sizes[i] = files_size(db, database_->handles[i + 1]);
  if (free_bytes() < *std::max_element(sizes.begin(), sizes.end()) + reserve_bytes)
    return compaction::no_space;
  uint64_t behind = 0;
  for (size_t i = 0; i < family_count; ++i) {
    if (stop())
      return compaction::stopped;
    auto share = all == 0 ? 0 : static_cast<double>(behind) / static_cast<double>(all);
    auto tell = [&] { progress(family_names[i], share); };
    tell();
    auto status = compact_family(db, database_->handles[i + 1], stop, tell);
    if (status.IsIncomplete()) // it was cancelled, or closes
      return compaction::stopped;
    std::lock_guard guard{writing_};
    if (judge("cannot compact", status) == write_result::no_space)
      return compaction::no_space;
    behind += sizes[i];
  }
  return compaction::done;
}

} // namespace overwatch
