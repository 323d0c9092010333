#include "runtime/handlers/machine.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace overwatch;
using testing::DoubleEq;
using testing::Optional;

namespace {

/// A folder that looks like a mounted cgroup file system.
class fake_cgroups {
public:
  fake_cgroups() {
    auto name = (std::filesystem::temp_directory_path() / "overwatch-test-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~fake_cgroups() { std::filesystem::remove_all(root_); }
  fake_cgroups(const fake_cgroups&) = delete;
  fake_cgroups& operator=(const fake_cgroups&) = delete;

  void write(const std::string& file, const std::string& text) {
    auto path = root_ / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path} << text;
  }

  std::vector<procfs::mount> mounted(const std::string& type, const std::string& options,
                                     const std::string& at = "/") const {
    return {{"0:9", at, root_.string(), type, "none", options}};
  }

private:
  std::filesystem::path root_;
};

procfs::mount data_mount(std::string device, std::string point, std::string type = "ext4") {
  return {std::move(device), "/", std::move(point), std::move(type), "source", "rw"};
}

} // namespace

TEST(MachineTest, TightestLimitOnTheWayToTheRootCounts) {
  fake_cgroups files;
  files.write("a/memory.max", "1000\n");
  files.write("a/memory.current", "900\n");
  files.write("a/memory.stat", "anon 1\ninactive_file 300\n");
  files.write("a/cpu.max", "50000 100000\n");
  files.write("a/cpu.stat", "usage_usec 77\n");
  files.write("a/b/memory.max", "max\n");
  files.write("a/b/cpu.max", "400000 100000\n");
  auto limits = read_cgroup_limits(files.mounted("cgroup2", "rw"), "0::/a/b\n");
  EXPECT_THAT(limits.memory_limit, Optional(1000u));
  EXPECT_EQ(limits.memory_used, 600u) << "file pages that can be dropped do not count";
  EXPECT_THAT(limits.cpus, Optional(DoubleEq(0.5)));
  EXPECT_THAT(limits.cpu_used_us, Optional(77u));
}

TEST(MachineTest, NoLimitsAreNoLimits) {
  fake_cgroups files;
  files.write("a/memory.max", "max\n");
  files.write("a/cpu.max", "max 100000\n");
  auto limits = read_cgroup_limits(files.mounted("cgroup2", "rw"), "0::/a\n");
  EXPECT_FALSE(limits.memory_limit);
  EXPECT_FALSE(limits.cpus);
  EXPECT_FALSE(read_cgroup_limits({}, "").memory_limit);
}

TEST(MachineTest, VersionOneHasAMountPerController) {
  fake_cgroups files;
  files.write("box/memory.limit_in_bytes", "5000\n");
  files.write("box/memory.usage_in_bytes", "4000\n");
  files.write("box/memory.stat", "total_inactive_file 500\n");
  auto limits = read_cgroup_limits(files.mounted("cgroup", "rw,memory"), "4:memory:/box\n");
  EXPECT_THAT(limits.memory_limit, Optional(5000u));
  EXPECT_EQ(limits.memory_used, 3500u);
  files.write("box/cpu.cfs_quota_us", "20000\n");
  files.write("box/cpu.cfs_period_us", "100000\n");
  files.write("box/cpuacct.usage", "5000000\n");
  limits = read_cgroup_limits(files.mounted("cgroup", "rw,cpu,cpuacct"), "4:cpu,cpuacct:/box\n");
  EXPECT_THAT(limits.cpus, Optional(DoubleEq(0.2)));
  EXPECT_THAT(limits.cpu_used_us, Optional(5000u));
}

TEST(MachineTest, ContainersSeeOnlyTheirPartOfTheTree) {
  fake_cgroups files;
  files.write("memory.max", "1000\n");
  files.write("memory.current", "100\n");
  files.write("inner/memory.max", "500\n");
  auto part = files.mounted("cgroup2", "rw", "/docker/x");
  EXPECT_THAT(read_cgroup_limits(part, "0::/docker/x/inner\n").memory_limit, Optional(500u));
  EXPECT_THAT(read_cgroup_limits(part, "0::/docker/x\n").memory_limit, Optional(1000u));
  EXPECT_THAT(read_cgroup_limits(part, "0::/docker/xy\n").memory_limit, Optional(1000u));
  EXPECT_THAT(read_cgroup_limits(files.mounted("cgroup2", "rw"), "0::/../other\n").memory_limit, Optional(1000u));
}

TEST(MachineTest, OneMountPerDeviceWithTheShortestPath) {
  auto mounts = mounts_with_data({data_mount("8:1", "/etc/hosts"), data_mount("8:1", "/"), data_mount("8:1", "/var/x"),
                                  data_mount("8:2", "/home", "xfs"), data_mount("0:5", "/srv", "overlay")});
  std::vector<std::string> points;
  for (const auto& mount : mounts)
    points.push_back(mount.point);
  EXPECT_THAT(points, testing::ElementsAre("/", "/home", "/srv"));
}

TEST(MachineTest, WhatHoldsNoDataOrMayBlockIsLeftOut) {
  EXPECT_TRUE(mounts_with_data({data_mount("0:1", "/proc", "proc"), data_mount("0:2", "/run", "tmpfs"),
                                data_mount("7:0", "/snap/core", "squashfs"), data_mount("0:3", "/net", "nfs4"),
                                data_mount("0:4", "/ssh", "fuse.sshfs")})
                .empty());
  EXPECT_EQ(mounts_with_data({data_mount("8:3", "/ntfs", "fuseblk")}).size(), 1u);
}

TEST(MachineTest, SharesAreThoseOfDf) {
  auto usage = usage_of(1000, 400, 300, 4096);
  EXPECT_DOUBLE_EQ(usage.used_percent, 100.0 * 600 / 900);
  EXPECT_EQ(usage.free_bytes, 300u * 4096);
  EXPECT_DOUBLE_EQ(usage_of(0, 0, 0, 4096).used_percent, 0);
  EXPECT_DOUBLE_EQ(usage_of(10, 20, 20, 1).used_percent, 0) << "a file system that contradicts itself";
}

TEST(MachineTest, ThisMachineHasARoot) {
  auto filesystems = read_filesystems();
  const auto* root = main_filesystem(filesystems);
  ASSERT_NE(root, nullptr);
  EXPECT_EQ(root->point, "/");
  EXPECT_GT(root->total_bytes, 0u);
  EXPECT_EQ(main_filesystem({}), nullptr);
}

TEST(MachineTest, UsedMemoryIsWhatIsNotAvailable) {
  EXPECT_DOUBLE_EQ(used_percent({1000, 100, 250, 0, 0}), 75);
  EXPECT_DOUBLE_EQ(used_percent({}), 0);
}
