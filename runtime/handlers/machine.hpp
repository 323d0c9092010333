#pragma once

#include "runtime/handlers/procfs.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch {

/// What the cgroups above this process allow it, and have used of that. The tightest limit on the way to
/// the root counts, in version 2 and 1.
struct cgroup_limits {
  std::optional<double> cpus;             ///< nothing: no quota
  std::string cpus_from;                  ///< the file that says so
  std::optional<uint64_t> cpu_used_us;    ///< since the group was made; only with a quota
  /// bytes; nothing: no limit. Above memory.high a group only crawls: a limit too
  std::optional<uint64_t> memory_limit;
  std::string memory_from;                ///< the file that says so
  uint64_t memory_used = 0;               ///< bytes, without file pages that can be dropped; only with a limit
};

/// `membership` is the text of /proc/self/cgroup.
cgroup_limits read_cgroup_limits(const std::vector<procfs::mount>& mounts, std::string_view membership);

/// Of this process; `root` is where the file system of the machine begins.
cgroup_limits read_cgroup_limits(const std::string& root = {});

/// Percent of the CPU quota that was used between two looks; nothing without one.
std::optional<double> share_of_quota(const cgroup_limits& before, const cgroup_limits& after, double seconds);

/// Percent of the memory limit that is used; nothing without one.
std::optional<double> share_of_limit(const cgroup_limits& limits);

struct filesystem_usage {
  std::string point, type, source;
  uint64_t total_bytes = 0, free_bytes = 0; ///< free: for programs without privileges
  uint64_t inodes = 0, free_inodes = 0;     ///< 0: the file system counts none
  double used_percent = 0;                  ///< as df says it
  double inodes_percent = 0;
};

/// The mounts that hold real data, one per device, the shortest path of each. Left out: what lives in
/// memory or is made by the kernel, images that are always full, and network file systems, because asking
/// one whose server is gone blocks for ever.
std::vector<procfs::mount> mounts_with_data(const std::vector<procfs::mount>& mounts);

/// Shares as df computes them: what is reserved for root is neither used nor free.
filesystem_usage usage_of(uint64_t blocks, uint64_t free_blocks, uint64_t available_blocks, uint64_t block_bytes);

/// Sorted by mount point; at least the root, when it can be read.
std::vector<filesystem_usage> read_filesystems();

/// Share of the memory that is not available, in percent.
double used_percent(const procfs::memory_info& memory);

/// Share of the root file system (or, without one, the first) that is used; nothing when there is none.
const filesystem_usage* main_filesystem(const std::vector<filesystem_usage>& filesystems);

} // namespace overwatch
