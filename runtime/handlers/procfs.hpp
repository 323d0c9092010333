#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the kernel tells in /proc, /sys and cgroups. The parsers are pure: text in, values out; they skip
/// what they do not know and answer with nothing (or an empty list) when the text is not what it should be.
namespace overwatch::procfs {

/// Time by mode in clock ticks since boot. Guest time is part of `user` and `nice` already.
struct cpu_times {
  uint64_t user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;

  uint64_t total() const { return user + nice + system + idle + iowait + irq + softirq + steal; }
};

/// Shares of a time span in percent; they add up to 100 when any time passed.
struct cpu_shares {
  double user = 0, nice = 0, system = 0, idle = 100, iowait = 0, irq = 0, softirq = 0, steal = 0;

  double busy() const { return 100 - idle - iowait; }
};

/// A counter that went backwards (iowait does) counts as unchanged.
cpu_shares shares_between(const cpu_times& before, const cpu_times& after);

struct system_stat {
  cpu_times cpu;
  uint32_t cores = 0;
  uint64_t interrupts = 0;
  uint64_t context_switches = 0;
  uint64_t forks = 0;
  uint32_t running = 0; ///< the run queue: processes that run or could
  uint32_t blocked = 0; ///< waiting for I/O
};
std::optional<system_stat> parse_stat(std::string_view text);

struct load_average {
  double one = 0, five = 0, fifteen = 0;
};
std::optional<load_average> parse_loadavg(std::string_view text);

/// Bytes.
struct memory_info {
  uint64_t total = 0, free = 0, available = 0, swap_total = 0, swap_free = 0;
};
std::optional<memory_info> parse_meminfo(std::string_view text);

/// Seconds since boot.
std::optional<double> parse_uptime(std::string_view text);

/// Percent of time in which some, or all, tasks waited for a resource.
struct pressure {
  double some_10s = 0, some_60s = 0, full_10s = 0, full_60s = 0;
};
std::optional<pressure> parse_pressure(std::string_view text);

/// Since boot.
struct page_faults {
  uint64_t all = 0, major = 0;
};
std::optional<page_faults> parse_vmstat(std::string_view text);

/// Since boot; times in milliseconds.
struct disk_counters {
  std::string device;
  uint64_t reads = 0, read_bytes = 0, read_ms = 0;
  uint64_t writes = 0, written_bytes = 0, write_ms = 0;
  uint64_t busy_ms = 0;
};
std::vector<disk_counters> parse_diskstats(std::string_view text);

/// Since boot.
struct network_counters {
  std::string interface;
  uint64_t received_bytes = 0, received_packets = 0, received_errors = 0, received_dropped = 0;
  uint64_t sent_bytes = 0, sent_packets = 0, sent_errors = 0, sent_dropped = 0;
};
std::vector<network_counters> parse_net_dev(std::string_view text);

struct process_stat {
  pid_t pid = 0;
  std::string name; ///< at most 15 bytes; may hold any character
  char state = '?';
  pid_t parent = 0, group = 0, session = 0;
  uint64_t cpu_ticks = 0; ///< user and system
  uint64_t start_ticks = 0; ///< after boot
  uint64_t resident_pages = 0;
};
std::optional<process_stat> parse_process_stat(std::string_view text);

struct mount {
  std::string device; ///< major:minor
  std::string root;   ///< what part of the file system is mounted
  std::string point;
  std::string type;
  std::string source;
  std::string options; ///< of the file system: names the controllers of a version 1 cgroup
};
std::vector<mount> parse_mountinfo(std::string_view text);

/// The line of /proc/self/cgroup for `controller` (version 1), or for "" (version 2).
std::optional<std::string> parse_cgroup_path(std::string_view text, std::string_view controller);

/// CPUs that `cpu.max` ("max 100000", "150000 100000") allows; nothing: no limit.
std::optional<double> parse_cpu_max(std::string_view text);

/// A limit in bytes; nothing for "max", for version 1's way to say none, and for what is no number.
std::optional<uint64_t> parse_byte_limit(std::string_view text);

/// The number after `key` at the start of a line, as in memory.stat and cpu.stat.
std::optional<uint64_t> parse_keyed(std::string_view text, std::string_view key);

// -- readers -----------------------------------------------------------------

/// The first `limit` bytes; nothing when the file cannot be read.
std::optional<std::string> read_file(const std::string& path, size_t limit = 1024 * 1024);

std::vector<pid_t> process_ids();
std::optional<process_stat> read_process_stat(pid_t pid);

/// Applies `parse` to the file; nothing when it cannot be read.
template <class Parser>
auto read(const std::string& path, Parser parse) -> decltype(parse(std::string_view{})) {
  auto text = read_file(path);
  return text ? parse(std::string_view{*text}) : decltype(parse(std::string_view{})){};
}

} // namespace overwatch::procfs
