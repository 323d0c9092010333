#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace overwatch::bench {

/// What the numbers were measured on.
struct machine {
  std::string processor;
  uint32_t cores = 0; ///< this process may use
  uint64_t memory_mb = 0;
  std::string disk; ///< device, kind and file system of the current directory
  std::string kernel;
};

machine describe_machine();

struct fsync_result {
  double per_second = 0;
  double p50_us = 0;
  double p99_us = 0;
};

/// Appends 4 KiB to a new file in `directory` and calls fdatasync, over and over for `duration`.
fsync_result measure_fsync(const std::string& directory, std::chrono::milliseconds duration);

/// One writer, synced RocksDB batches of 100 records of 400 bytes for `duration`; answers records per second.
double measure_rocksdb(const std::string& directory, std::chrono::milliseconds duration);

} // namespace overwatch::bench
