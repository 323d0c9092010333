#pragma once

#include "tests/bench/interrupt.hpp"
#include "tests/bench/report.hpp"
#include "tests/support/process/node_process.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace overwatch::bench {

struct bench_options {
  std::string binary;               ///< path of `overwatch`
  uint32_t connections = 16;        ///< of the HTTP load
  std::chrono::seconds duration{5}; ///< of each measurement that runs for a time
  uint64_t tasks = 200'000;         ///< of the end-to-end run
  uint64_t deep = 1'000'000;        ///< tasks in the queue when it is deep
  uint32_t kill_rounds = 0;
  uint64_t snapshot_mb = 1024;      ///< size of the tree that is captured and restored
  uint64_t scan_files = 200'000;    ///< in the tree that is scanned
  uint32_t fail_overs = 50;         ///< leaders that are killed
  std::chrono::seconds idle{30};    ///< of an idle cluster
};

/// Tasks in a batch, over HTTP and CAF.
inline constexpr size_t batch_tasks = 500;

/// Bytes of JSON in each task's payload.
inline constexpr size_t payload_bytes = 300;

/// Numbers of partitions that clusters are measured with.
inline constexpr unsigned bench_partitions[]{1, 8, 64};

/// How the nodes of a benchmark are started: with many slots for `noop`.
support::node_options bench_node(const bench_options& options);

/// A fresh node on an empty data directory, ready, with many slots for `noop`. The report gets its version.
std::unique_ptr<support::node_process> start_node(const bench_options& options, report& results, bool caf = false);

// The parts. Each starts the nodes it needs, puts its results into the report and throws on any wrong answer.

/// fsync rate and RocksDB's synced batch rate of this machine.
void measure_limits(const bench_options& options, report& results);

/// Hello rate of the node's HTTP server; submits one by one and in batches.
void measure_http(const bench_options& options, report& results);

/// Batches from a CAF program.
void measure_caf(const bench_options& options, report& results);

/// From the first submit to the last durable outcome.
void measure_end_to_end(const bench_options& options, report& results);

/// From submit to start on an idle node.
void measure_start(const bench_options& options, report& results);

/// Memory per queued task, and the rate with a deep queue.
void measure_deep(const bench_options& options, report& results);

/// First and further backup, verify and restore of a tree, beside `tar | zstd`, restic and borg where they are.
void measure_backup(const bench_options& options, report& results);

/// Capture and restore of a tree, beside `cp -a` and `tar` of the same tree.
void measure_snapshot(const bench_options& options, report& results);

/// Tasks that are submitted, started and ended while 1,000, 100,000 and `deep` others of mixed kinds wait, and the
/// opening of a gate that 100,000 wait for. On the actors that decide, in this process.
void measure_decisions(const bench_options& options, report& results);

/// The pass over all files of a security scan, beside `find` with the same tests.
void measure_scan(const bench_options& options, report& results);

// Of clusters: `--cluster` measures these, and `measure_limits`.

/// What the log of one node costs with Raft and without, on the real journal and store.
void measure_log(const bench_options& options, report& results);

/// Submits and tasks end to end, through one node alone and through three.
void measure_cluster(const bench_options& options, report& results);

/// The same on three nodes with 1, 8 and 64 partitions.
void measure_partitions(const bench_options& options, report& results);

/// From kill -9 of the leader to the next acknowledged submit.
void measure_fail_over(const bench_options& options, report& results);

/// A node that lost its disk, beside `cp -a` of the data.
void measure_catch_up(const bench_options& options, report& results);

/// Processor time and memory of the nodes of an idle cluster.
void measure_idle(const bench_options& options, report& results);

/// kill -9 under load, with every acknowledged task accounted for.
void measure_kill(const bench_options& options, report& results);

} // namespace overwatch::bench
