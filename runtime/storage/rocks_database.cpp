#include "runtime/storage/rocks_database.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>

#include <algorithm>

namespace overwatch {

namespace {

constexpr size_t mb = 1024 * 1024;

// An SST file in which half of this many neighbouring entries are deletions is compacted early: the heads of
// queues and of time indexes rot, and every read that starts there walks over the dead entries.
constexpr size_t deletion_window = 4096;
constexpr size_t deletion_trigger = 2048;

// RocksDB's own log files (LOG): bounded, for post-mortems only.
constexpr size_t info_log_bytes = mb;
constexpr size_t info_log_files = 3;

// Few threads read: shards that are large beat many.
constexpr int cache_shard_bits = 2;

constexpr int open_files = 512;
constexpr uint64_t manifest_bytes = 16 * mb;

rocksdb::DBOptions make_database_options(const rocks_store_options& options) {
  rocksdb::DBOptions result;
  // The default mode silently drops synced data behind a flipped byte; this one forgives a torn tail only.
  result.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // What a start has to replay at most. Each key space pins the files it has unflushed data in; at this size the
  // laggard is flushed.
  result.max_total_wal_size = std::max<uint64_t>(2 * uint64_t{options.write_buffer_mb}, 32) * mb;
  result.db_write_buffer_size = options.write_buffer_mb * mb;
  // There is one writer: the machinery for several only costs.
  result.allow_concurrent_memtable_write = false;
  result.enable_write_thread_adaptive_yield = false;
  result.enable_pipelined_write = false;
  result.avoid_unnecessary_blocking_io = true; // files are deleted in the background, not by readers
  result.max_background_jobs = 2;
  result.max_subcompactions = 1;
  // Flushes and compactions hand their bytes to the disk as they go; the writer's fsync need not wait for all.
  result.bytes_per_sync = mb;
  result.max_open_files = open_files;
  result.skip_stats_update_on_db_open = true;
  result.max_manifest_file_size = manifest_bytes;
  result.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  result.max_log_file_size = info_log_bytes;
  result.keep_log_file_num = info_log_files;
  result.stats_dump_period_sec = 0;
  result.stats_persist_period_sec = 0;
  return result;
}

rocksdb::ColumnFamilyOptions make_family_options(const rocks_store_options& options,
                                                 const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true; // or they would grow with the data, outside of every bound
  table.cache_index_and_filter_blocks_with_high_priority = true;
  // A file of many tasks has indexes and filters of megabytes, too big for the cache as one block: every read of a
  // task would load them from the disk.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.pin_top_level_index_and_filter = true;
  table.block_size = 8 * 1024;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  rocksdb::ColumnFamilyOptions result;
  result.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  result.write_buffer_size = std::max<size_t>(options.write_buffer_mb * mb / 2, mb);
  result.max_write_buffer_number = 3;
  result.compression = rocksdb::kNoCompression;
  return result;
}

} // namespace

rocks_settings make_rocks_settings(const rocks_store_options& options) {
  auto cache = rocksdb::NewLRUCache(std::max<size_t>(options.cache_mb, 1) * mb, cache_shard_bits);
  // Entries are written once, read rarely and soon cut away: its memtable is large enough that most are cut before
  // it is flushed, and a flush leaves out what is cut.
  auto log = make_family_options(options, cache);
  log.write_buffer_size = std::max<size_t>(options.write_buffer_mb * mb, mb);

  auto state = make_family_options(options, cache);
  auto table = *state.table_factory->GetOptions<rocksdb::BlockBasedTableOptions>();
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10)); // most look-ups of unique keys find nothing
  state.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // The upper levels are rewritten soon: compressing them costs more than it saves.
  using rocksdb::kLZ4Compression;
  using rocksdb::kNoCompression;
  state.compression_per_level = {kNoCompression,  kNoCompression,  kLZ4Compression, kLZ4Compression,
                                 kLZ4Compression, kLZ4Compression, kLZ4Compression};
  state.level0_file_num_compaction_trigger = 8;
  // Most tasks live shortly: merging runs of similar size rewrites them less often than levels do.
  state.compaction_style = rocksdb::kCompactionStyleUniversal;
  state.table_properties_collector_factories.push_back(
    rocksdb::NewCompactOnDeletionCollectorFactory(deletion_window, deletion_trigger));

  auto series = make_family_options(options, cache);
  series.write_buffer_size = std::max<size_t>(options.write_buffer_mb * mb / 8, mb);
  series.compression = rocksdb::kLZ4Compression;
  series.level_compaction_dynamic_level_bytes = true;

  rocksdb::ColumnFamilyOptions unused;
  unused.write_buffer_size = 64 * 1024; // the largest one is the room that RocksDB wants after the disk was full

  rocks_settings result;
  result.database = make_database_options(options);
  result.families = {{rocksdb::kDefaultColumnFamilyName, unused},
                     {family_names[0], log},
                     {family_names[1], state},
                     {family_names[2], series}};
  return result;
}

rocks_database::~rocks_database() { close(); }

rocksdb::Status rocks_database::open(const rocks_settings& settings, const std::string& path, mode how) {
  auto options = settings.database;
  options.create_if_missing = how == mode::create;
  options.create_missing_column_families = how == mode::create;
  rocksdb::DB* opened = nullptr;
  auto status = how == mode::read_only
                  ? rocksdb::DB::OpenForReadOnly(options, path, settings.families, &handles, &opened)
                  : rocksdb::DB::Open(options, path, settings.families, &handles, &opened);
  if (status.ok())
    db.reset(opened);
  return status;
}

rocksdb::Status rocks_database::close() {
  if (!db)
    return rocksdb::Status::OK();
  for (auto* handle : handles)
    db->DestroyColumnFamilyHandle(handle);
  handles.clear();
  auto status = db->Close();
  db.reset();
  return status;
}

} // namespace overwatch
