#pragma once

#include "runtime/storage/store_backup.hpp"

#include <rocksdb/env.h>

#include <memory>

namespace overwatch {

/// Files whose reads and writes are counted, and fail once `watch.stop` says so. Progress is told as a share of
/// `expected_bytes`. `watch` must outlive it.
std::unique_ptr<rocksdb::Env> make_watched_files(const backup_watch& watch, uint64_t expected_bytes);

} // namespace overwatch
