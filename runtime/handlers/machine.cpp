#include "runtime/handlers/machine.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>

namespace overwatch {

namespace {

constexpr size_t max_filesystems = 256;

// Where the group of `path` is found below the mount; a path outside of it means a namespace: take the top.
std::string group_below(const procfs::mount& mount, const std::string& path) {
  auto inside = mount.root == "/" || path == mount.root
                || path.compare(0, mount.root.size() + 1, mount.root + "/") == 0;
  auto below = !inside ? "" : mount.root == "/" ? path : path.substr(mount.root.size());
  return below.find("..") == std::string::npos && below != "/" ? below : "";
}

// Visits the folders of the group and of all above it.
void climb(const procfs::mount& mount, const std::string& path, const std::function<void(const std::string&)>& visit) {
  auto group = group_below(mount, path);
  for (;;) {
    visit(mount.point + group + "/");
    if (group.empty())
      return;
    group.resize(group.rfind('/'));
  }
}

void tighten_memory(cgroup_limits& limits, const std::string& folder, const char* limit_file, const char* usage_file,
                    const char* droppable) {
  auto limit = procfs::read(folder + limit_file, procfs::parse_byte_limit);
  if (!limit || *limit == 0 || (limits.memory_limit && *limits.memory_limit <= *limit))
    return;
  auto used = procfs::read(folder + usage_file, procfs::parse_byte_limit).value_or(0);
  auto stat = procfs::read_file(folder + "memory.stat").value_or(std::string{});
  limits.memory_limit = limit;
  limits.memory_from = folder + limit_file;
  limits.memory_used = used - std::min(used, procfs::parse_keyed(stat, droppable).value_or(0));
}

void tighten_cpus(cgroup_limits& limits, std::optional<double> cpus, const std::string& file,
                  std::optional<uint64_t> used_us) {
  if (!cpus || (limits.cpus && *limits.cpus <= *cpus))
    return;
  limits.cpus = cpus;
  limits.cpus_from = file;
  limits.cpu_used_us = used_us;
}

void read_version_2(cgroup_limits& limits, const std::string& folder) {
  tighten_memory(limits, folder, "memory.max", "memory.current", "inactive_file");
  tighten_memory(limits, folder, "memory.high", "memory.current", "inactive_file");
  auto stat = procfs::read_file(folder + "cpu.stat").value_or(std::string{});
  tighten_cpus(limits, procfs::read(folder + "cpu.max", procfs::parse_cpu_max), folder + "cpu.max",
               procfs::parse_keyed(stat, "usage_usec"));
}

void read_version_1_cpu(cgroup_limits& limits, const std::string& folder) {
  auto quota = procfs::read_file(folder + "cpu.cfs_quota_us", 64);
  auto period = procfs::read_file(folder + "cpu.cfs_period_us", 64);
  if (!quota || !period)
    return;
  auto used_ns = procfs::read(folder + "cpuacct.usage", procfs::parse_byte_limit); // beside it where both are mounted
  tighten_cpus(limits, procfs::parse_cpu_max(*quota + " " + *period), folder + "cpu.cfs_quota_us",
               used_ns ? std::optional{*used_ns / 1000} : std::nullopt);
}

bool holds_data(const procfs::mount& mount) {
  static constexpr std::array without_data{
    "proc",    "sysfs",      "devtmpfs",    "devpts",   "tmpfs",     "ramfs",   "cgroup",   "cgroup2",   "securityfs",
    "pstore",  "bpf",        "tracefs",     "debugfs",  "configfs",  "mqueue",  "hugetlbfs", "fusectl",  "binfmt_misc",
    "autofs",  "efivarfs",   "rpc_pipefs",  "nsfs",     "selinuxfs", "squashfs", "iso9660", "erofs",     "udf",
    "nfs",     "nfs4",       "cifs",        "smb3",     "smbfs",     "ceph",    "afs",      "glusterfs", "ncpfs"};
  return mount.type.compare(0, 5, "fuse.") != 0
         && std::find(without_data.begin(), without_data.end(), mount.type) == without_data.end();
}

} // namespace

cgroup_limits read_cgroup_limits(const std::vector<procfs::mount>& mounts, std::string_view membership) {
  cgroup_limits result;
  auto has_controller = [](const procfs::mount& mount, const std::string& name) {
    return mount.type == "cgroup" && ("," + mount.options + ",").find("," + name + ",") != std::string::npos;
  };
  for (const auto& mount : mounts) {
    if (mount.type == "cgroup2") {
      if (auto path = procfs::parse_cgroup_path(membership, ""))
        climb(mount, *path, [&result](const std::string& folder) { read_version_2(result, folder); });
    } else if (has_controller(mount, "memory")) {
      if (auto path = procfs::parse_cgroup_path(membership, "memory"))
        climb(mount, *path, [&result](const std::string& folder) {
          tighten_memory(result, folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file");
        });
    } else if (has_controller(mount, "cpu")) {
      if (auto path = procfs::parse_cgroup_path(membership, "cpu"))
        climb(mount, *path, [&result](const std::string& folder) { read_version_1_cpu(result, folder); });
    }
  }
  return result;
}

cgroup_limits read_cgroup_limits(const std::string& root) {
  auto mounts = procfs::read(root + "/proc/self/mountinfo", procfs::parse_mountinfo);
  for (auto& mount : mounts)
    mount.point.insert(0, root);
  return read_cgroup_limits(mounts, procfs::read_file(root + "/proc/self/cgroup").value_or(std::string{}));
}

std::optional<double> share_of_quota(const cgroup_limits& before, const cgroup_limits& after, double seconds) {
  if (!after.cpus || !before.cpu_used_us || !after.cpu_used_us || *after.cpu_used_us < *before.cpu_used_us
      || seconds <= 0)
    return std::nullopt;
  auto used_s = static_cast<double>(*after.cpu_used_us - *before.cpu_used_us) / 1e6;
  return 100 * used_s / (seconds * *after.cpus);
}

std::optional<double> share_of_limit(const cgroup_limits& limits) {
  if (!limits.memory_limit)
    return std::nullopt;
  return 100.0 * static_cast<double>(limits.memory_used) / static_cast<double>(*limits.memory_limit);
}

std::vector<procfs::mount> mounts_with_data(const std::vector<procfs::mount>& mounts) {
  std::map<std::string, procfs::mount> by_device;
  for (const auto& mount : mounts) {
    if (!holds_data(mount))
      continue;
    auto [known, added] = by_device.emplace(mount.device, mount);
    if (!added && mount.point.size() < known->second.point.size())
      known->second = mount;
  }
  std::vector<procfs::mount> result;
  for (auto& entry : by_device)
    result.push_back(std::move(entry.second));
  std::sort(result.begin(), result.end(), [](const auto& x, const auto& y) { return x.point < y.point; });
  result.resize(std::min(result.size(), max_filesystems));
  return result;
}

filesystem_usage usage_of(uint64_t blocks, uint64_t free_blocks, uint64_t available_blocks, uint64_t block_bytes) {
  filesystem_usage result;
  result.total_bytes = blocks * block_bytes;
  result.free_bytes = available_blocks * block_bytes;
  auto used = blocks - std::min(blocks, free_blocks);
  auto for_programs = used + available_blocks;
  result.used_percent = for_programs == 0 ? 0 : 100.0 * static_cast<double>(used) / static_cast<double>(for_programs);
  return result;
}

std::vector<filesystem_usage> read_filesystems() {
  auto mounts = mounts_with_data(procfs::read("/proc/self/mountinfo", procfs::parse_mountinfo));
  // In some containers the root is of a type without data, or there is no mountinfo.
  if (std::none_of(mounts.begin(), mounts.end(), [](const auto& x) { return x.point == "/"; }))
    mounts.insert(mounts.begin(), {{}, "/", "/", {}, {}, {}});
  std::vector<filesystem_usage> result;
  for (const auto& mount : mounts) {
    struct statvfs found {};
    if (::statvfs(mount.point.c_str(), &found) != 0 || found.f_blocks == 0)
      continue; // hidden from us, or without a size
    auto usage = usage_of(found.f_blocks, found.f_bfree, found.f_bavail, found.f_frsize);
    usage.point = mount.point;
    usage.type = mount.type;
    usage.source = mount.source;
    usage.inodes = found.f_files;
    usage.free_inodes = std::min(found.f_ffree, found.f_files);
    if (usage.inodes > 0)
      usage.inodes_percent =
        100.0 * static_cast<double>(usage.inodes - usage.free_inodes) / static_cast<double>(usage.inodes);
    result.push_back(std::move(usage));
  }
  return result;
}

double used_percent(const procfs::memory_info& memory) {
  if (memory.total == 0)
    return 0;
  return 100.0 * static_cast<double>(memory.total - std::min(memory.available, memory.total))
         / static_cast<double>(memory.total);
}

const filesystem_usage* main_filesystem(const std::vector<filesystem_usage>& filesystems) {
  auto root = std::find_if(filesystems.begin(), filesystems.end(), [](const auto& x) { return x.point == "/"; });
  if (root != filesystems.end())
    return &*root;
  return filesystems.empty() ? nullptr : &filesystems.front();
}

} // namespace overwatch
