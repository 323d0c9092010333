#pragma once

#include "actors/store.hpp"
#include "runtime/storage/rocks_reader.hpp"

#include <caf/expected.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace rocksdb {
class Status;
class WriteBatch;
} // namespace rocksdb

namespace overwatch {

class data_directory;
class staged_directory;
struct rocks_database;
struct staged_plan;

/// Memory of a store; the meaning is that of `settings::storage`.
struct rocks_store_options {
  uint32_t cache_mb = 64;        ///< block cache, index and filter blocks included; at least 1
  uint32_t write_buffer_mb = 64; ///< memtables of all key spaces together; at least 1
};

/// A node's store in RocksDB: one column family per key space.
///
/// Every member may be called from any thread. Writes wait for each other; they and a checkpoint go on side by side.
///
/// A batch is written in two steps: its changes to `log` and `series` through the write-ahead log (with sync:
/// on the disk before the second step begins), then those to `state` past the write-ahead log. Each step
/// becomes visible at once. After `no_space` the first step may have been done: the caller repeats the batch.
///
/// An error other than a full disk, when reading or when writing, ends the process (see storage_failed.hpp).
class rocks_store final : public store {
public:
  rocks_store(std::unique_ptr<data_directory> directory, std::unique_ptr<rocks_database> database);

  /// Writes what is only in memory and closes; nothing that was written is lost.
  ~rocks_store() override;

  std::optional<std::string> get(key_space space, std::string_view key) const override;
  std::vector<std::optional<std::string>> get_many(key_space space,
                                                   const std::vector<std::string>& keys) const override;

  /// The cursor must not outlive the store. It keeps its view alive, and with it the space of what was deleted
  /// since: drop it soon.
  std::unique_ptr<store_cursor> scan(key_space space, std::string first, std::string last,
                                     bool reverse = false) const override;

  write_result write(const write_batch& batch, bool sync) override;
  write_result checkpoint() override;
  std::unique_ptr<store_reader> view() const override;
  std::unique_ptr<range_replacement> replace(std::vector<key_range> ranges) override;
  uint64_t free_bytes() const override;
  uint64_t used_bytes() const override;

  enum class compaction : uint8_t {
    done,
    stopped,
    no_space, ///< it needs room for a second copy of its largest key space for a while
  };

  /// Rewrites the sorted files without what was deleted or overwritten. Reads and writes go on meanwhile. Blocks;
  /// `stop` is asked and `progress` told the key space at work and the share of the whole that is behind, several
  /// times a second, on the calling thread.
  compaction compact(const std::function<bool()>& stop,
                     const std::function<void(const char* space, double share)>& progress);

  /// The database itself, for backups of it; the data directory that it lies in.
  rocks_database& database() { return *database_; }
  const data_directory& directory() const { return *directory_; }

  /// For the one who opens it, before anybody reads: completes the replacements of ranges that a crash interrupted
  /// behind their plan, throws away the others.
  caf::error complete_replacements();

  /// Runs `look` while nothing is written: what it sees of all key spaces belongs to one moment.
  void hold_still(const std::function<void()>& look);

private:
  class replacement;

  write_result finish(const staged_directory& directory, const staged_plan& plan, bool& committed);

  /// False while the disk is still full.
  bool resume();
  write_result judge(const char* what, const rocksdb::Status& status);

  // While `writing_` is held.
  write_result write_held(const write_batch& batch, bool sync);
  write_result carry_out(const staged_directory& directory, const staged_plan& plan, bool verify);

  std::unique_ptr<data_directory> directory_;
  std::unique_ptr<rocks_database> database_;
  const rocks_reader reader_;
  std::atomic<uint64_t> replacements_{0}; // that were begun

  std::mutex writing_;                            // guards what follows
  std::unique_ptr<rocksdb::WriteBatch> logged_;   // changes to `log` and `series`; kept for its memory
  std::unique_ptr<rocksdb::WriteBatch> unlogged_; // changes to `state`; likewise
  bool unsynced_ = false;                         // `log` or `series` was written without sync
  bool full_ = false;                             // RocksDB found the disk full and has not gone on yet
  std::optional<std::chrono::steady_clock::time_point> space_since_; // while `full_`: when there was space again
};

/// Opens the store in `directory`, which is created (mode 0700) when it is missing. Errors, each with a
/// sentence that says what to do:
/// - `conflict`: another node holds the directory;
/// - `invalid`: it cannot be used, is not a node's, or was written by a newer version;
/// - `no_space`: the disk is too full to open it;
/// - `internal`: its files are damaged.
/// A directory that is refused is left as it was (a `node.pid` may appear in it).
caf::expected<std::unique_ptr<rocks_store>> open_rocks_store(const std::string& directory,
                                                             const rocks_store_options& options);

} // namespace overwatch
