#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace overwatch {

/// A program that `user_task` may run: the API can only name it, never change it.
struct named_command {
  std::string description;
  std::vector<std::string> argv; ///< argv[0] is an absolute path or is looked up in PATH of `environment`
  std::map<std::string, std::string> environment; ///< all it gets, beside PATH, HOME, LANG and OVERWATCH_*
  std::string directory;         ///< working directory; empty: a new temporary one, removed afterwards
  std::string user;              ///< run as this user; needs root; empty: the node's own
  uint32_t cpu_seconds = 0;      ///< RLIMIT_CPU; 0: no limit (likewise below)
  uint32_t memory_mb = 0;        ///< RLIMIT_AS
  uint32_t open_files = 1024;    ///< RLIMIT_NOFILE
  uint32_t file_mb = 0;          ///< RLIMIT_FSIZE
  uint32_t processes = 0;        ///< RLIMIT_NPROC
};

/// Files that `maintenance` may remove: those below `path` that match `glob` and meet every condition that is set.
/// 0: a condition that is not set; one at least must be.
struct cleanup_rule {
  std::string path;       ///< an absolute directory under one of `maintenance.roots`
  std::string glob = "*"; ///< without a slash: of a file's name at any depth; with one: of its path below `path`
  std::chrono::seconds older_than{0}; ///< since the content changed last
  uint32_t larger_than_mb = 0;
  uint32_t keep_newest = 0;        ///< that match `glob`, whatever their age and size
  std::string directories = "keep"; ///< or remove-empty: those that are as old
};

/// Log files that `maintenance` rotates: `x` becomes `x.1`, that `x.2`, and so on.
struct rotation_rule {
  std::string path;           ///< an absolute directory under one of `maintenance.roots`
  std::string glob = "*.log"; ///< of names in `path` itself
  uint32_t max_mb = 64;       ///< a file of this size is rotated
  uint32_t max_files = 5;     ///< rotated files that are kept
  std::string compress = "zstd"; ///< or gzip, none
  std::string method = "rename"; ///< or copytruncate, for writers that never open their file again
};

/// Everything that a node is told: the options of `config/options.hpp` with their defaults.
struct settings {
  struct {
    std::string name; ///< empty: the host's name
    std::string data_dir = "overwatch-data";
    std::chrono::seconds drain_timeout{10}; ///< how long running tasks may go on after SIGTERM
    std::map<std::string, std::string> labels; ///< that the placement of tasks can ask for
  } node;

  struct {
    std::string address = "127.0.0.1";
    uint16_t port = 8765;
    uint32_t threads = 256;             ///< connections served at once
    uint32_t max_long_requests = 192;   ///< of them, event streams and waits
    uint32_t max_body_mb = 64;
    std::chrono::seconds request_timeout{30};
  } http;

  struct {
    std::string address = "127.0.0.1";
    uint16_t port = 0; ///< 0: not published
  } caf;

  struct {
    std::vector<std::string> nodes; ///< name=host:port, this node among them (`config/cluster_nodes.hpp`); empty: alone
    uint32_t partitions = 1;        ///< of a cluster that this node founds
    std::chrono::seconds peer_timeout{3}; ///< a peer that is not heard for so long is down
    std::chrono::seconds adopt_timeout{5}; ///< attempts of a node that is away for so long are lost
    std::chrono::seconds lease{4};  ///< a pool that hears no leader for so long stops what must not run twice
    std::string certificate;        ///< PEM files; all three or none
    std::string key;
    std::string ca;
  } cluster;

  struct {
    uint32_t max_threads = 0;         ///< that run actors; 0: one per two cores
    std::string policy = "stealing";  ///< stealing or sharing
  } scheduler;

  struct {
    std::string level = "info";   ///< trace, debug, info, warning, error
    std::string file;             ///< empty: standard error
    std::string format = "auto";  ///< auto (text on a terminal, else json), text, json
    uint32_t max_file_mb = 64;    ///< a log file is rotated at this size
    uint32_t max_files = 5;
  } log;

  struct {
    uint32_t max_concurrent_tasks = 10;
    std::chrono::seconds generation_interval{60}; ///< 0: no periodic tasks
    std::chrono::seconds ageing_step{60}; ///< waiting this long raises a task below critical by one priority; 0: never
    uint32_t max_lost = 3;                ///< attempts lost in a row before a task fails as poison
    uint32_t ready_window = 4096;         ///< queued tasks kept in memory per type and priority
    uint32_t max_in_flight_tasks = 100'000; ///< submits not yet durable; above it they get 429
    uint32_t max_in_flight_mb = 256;
    std::chrono::seconds retention{86'400}; ///< finished tasks are deleted after this time; 0: never
    std::vector<std::string> task_types;    ///< types that are known without a handler here
    std::map<std::string, uint32_t> slots;  ///< per task type
  } tasks;

  struct {
    uint32_t cache_mb = 64;         ///< block cache
    uint32_t write_buffer_mb = 64;  ///< memtables
    uint32_t checkpoint_mb = 32;    ///< log since the last checkpoint: bounds the time of a restart
    uint32_t min_free_mb = 64;      ///< below it new tasks are refused with 507
    uint32_t event_history = 16'384; ///< events kept for readers that come back
  } storage;

  struct {
    uint32_t cpus = 0;      ///< cores that shares of tasks refer to; 0: what the machine and its control groups allow
    uint32_t memory_mb = 0; ///< that tasks may ask for together; 0: likewise
    std::chrono::seconds reserve_after{30}; ///< a task that waits this long for room gets the next that becomes free
  } resources;

  struct {
    std::chrono::seconds lease{15}; ///< how long an attached worker, or one of its attempts, may go without a word
    uint32_t max = 1000;            ///< attached at once
  } workers;

  struct {
    std::vector<std::string> roots;  ///< directories under which snapshots of files may lie
    std::string directory;           ///< empty: node.snapshots in the data directory
    uint32_t max_mb = 1024;          ///< of one snapshot
    uint32_t max_files = 100'000;    ///< likewise
    std::chrono::seconds restore_limit{600}; ///< a rollback that needs a node waits for it so long
  } snapshots;

  struct {
    uint32_t max_instructions = 1'000'000; ///< of a chunk
    uint32_t max_memory_mb = 8;            ///< likewise
  } rules;

  struct {
    std::vector<std::string> roots;   ///< directories under which clean-up and rotation may work
    std::vector<std::string> actions; ///< what a task without actions in its payload does; empty: all but trim
    std::map<std::string, cleanup_rule> cleanup;
    std::map<std::string, rotation_rule> rotate;
  } maintenance;

  struct {
    std::string directory;                 ///< reports and baselines; empty: node.security in the data directory
    std::vector<std::string> exclude;      ///< paths or patterns that no scan looks at
    std::vector<std::string> baseline;     ///< trees whose content is compared with a baseline
    std::vector<std::string> certificates; ///< PEM files whose end is watched
    std::chrono::seconds stale_after{180 * 86'400}; ///< an account that nobody used for so long is stale; 0: never
    std::string vulnerability_source;      ///< URL for debsecan; empty: its own
    uint32_t max_reports = 20;             ///< that are kept
  } security;

  struct {
    std::vector<std::string> roots;   ///< directories that backups may read, be kept in and be restored to
    std::vector<std::string> sources; ///< of a task that names none
    std::vector<std::string> exclude; ///< likewise
    std::string destination;          ///< likewise
    std::string key_file;             ///< empty: not encrypted
    uint32_t level = 3;               ///< of zstd
    uint32_t keep_last = 0;           ///< 0 in all of them: every backup is kept
    uint32_t keep_daily = 0;
    uint32_t keep_weekly = 0;
    uint32_t keep_monthly = 0;
    std::vector<std::string> postgresql; ///< databases that are dumped, too
  } backup;

  std::map<std::string, named_command> commands;
};

} // namespace overwatch
