#include "tests/bench/bench.hpp"
#include "tests/bench/machine.hpp"

#include <algorithm>

namespace overwatch::bench {

namespace {

constexpr std::chrono::milliseconds longest{3000};

} // namespace

void measure_limits(const bench_options& options, report& results) {
  auto duration = std::min<std::chrono::milliseconds>(options.duration, longest);
  support::scratch_directory directory;
  auto fsync = measure_fsync(directory.path(), duration);
  results.set("fsync_per_s", fsync.per_second);
  results.set("fsync_p50_us", fsync.p50_us);
  results.set("fsync_p99_us", fsync.p99_us);
  check_interrupted();
  results.set("rocksdb_sync_batch_per_s", measure_rocksdb(directory.path(), duration));
}

} // namespace overwatch::bench
