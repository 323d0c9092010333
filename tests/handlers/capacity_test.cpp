#include "runtime/handlers/capacity.hpp"

#include "tests/handlers/made_up_machine.hpp"

#include <gmock/gmock.h>

using namespace overwatch;
using testing::EndsWith;

namespace {

class CapacityTest : public testing::Test {
protected:
  void SetUp() override { machine.boot(); }

  machine_capacity read(uint32_t schedulable_cpus = 4) { return read_capacity(machine.root(), schedulable_cpus); }

  made_up_machine machine;
};

} // namespace

TEST_F(CapacityTest, WithoutLimitsTheWholeMachineIsThere) {
  auto found = read();
  EXPECT_DOUBLE_EQ(found.cpus, 4);
  EXPECT_EQ(found.memory_mb, 8192u);
  EXPECT_EQ(found.cpu_limited_by, "");
  EXPECT_EQ(found.memory_limited_by, "");
}

TEST_F(CapacityTest, CpusThatMayNotBeUsedDoNotCount) {
  auto found = read(3);
  EXPECT_DOUBLE_EQ(found.cpus, 3);
  EXPECT_EQ(found.cpu_limited_by, "CPU affinity");
}

TEST_F(CapacityTest, OwnGroupAndThoseAboveItLimit) {
  machine.write("sys/fs/cgroup/a/b/cpu.max", "250000 100000\n");
  machine.write("sys/fs/cgroup/a/b/memory.max", "max\n");
  machine.write("sys/fs/cgroup/a/memory.max", "1073741824\n");
  auto found = read();
  EXPECT_DOUBLE_EQ(found.cpus, 2.5);
  EXPECT_THAT(found.cpu_limited_by, EndsWith("/sys/fs/cgroup/a/b/cpu.max"));
  EXPECT_EQ(found.memory_mb, 1024u);
  EXPECT_THAT(found.memory_limited_by, EndsWith("/sys/fs/cgroup/a/memory.max"));
  machine.write("sys/fs/cgroup/a/cpu.max", "50000 100000\n");
  EXPECT_DOUBLE_EQ(read().cpus, 0.5);
}

TEST_F(CapacityTest, MemoryHighLimitsLikeMax) {
  machine.write("sys/fs/cgroup/a/b/memory.max", "2147483648\n");
  machine.write("sys/fs/cgroup/a/b/memory.high", "1610612736\n");
  auto found = read();
  EXPECT_EQ(found.memory_mb, 1536u);
  EXPECT_THAT(found.memory_limited_by, EndsWith("/a/b/memory.high"));
  machine.write("sys/fs/cgroup/a/b/memory.high", "max\n");
  EXPECT_EQ(read().memory_mb, 2048u);
}

TEST_F(CapacityTest, LimitAboveTheMachineIsNone) {
  machine.write("sys/fs/cgroup/a/cpu.max", "6400000 100000\n");
  machine.write("sys/fs/cgroup/a/memory.max", "1099511627776\n");
  auto found = read();
  EXPECT_DOUBLE_EQ(found.cpus, 4);
  EXPECT_EQ(found.memory_mb, 8192u);
  EXPECT_EQ(found.cpu_limited_by + found.memory_limited_by, "");
}

TEST_F(CapacityTest, VersionOneGroupsLimitToo) {
  machine.write("proc/self/mountinfo",
                "31 24 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                "32 24 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n");
  machine.write("proc/self/cgroup", "5:memory:/box\n4:cpu,cpuacct:/box\n");
  machine.write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "536870912\n");
  machine.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"); // version 1's "none"
  machine.write("sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us", "150000\n");
  machine.write("sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us", "100000\n");
  machine.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  machine.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  auto found = read();
  EXPECT_DOUBLE_EQ(found.cpus, 1.5);
  EXPECT_THAT(found.cpu_limited_by, EndsWith("/cpu,cpuacct/box/cpu.cfs_quota_us"));
  EXPECT_EQ(found.memory_mb, 512u);
  EXPECT_THAT(found.memory_limited_by, EndsWith("/memory/box/memory.limit_in_bytes"));
}

TEST_F(CapacityTest, MachineThatTellsNothingHasItsCpus) {
  made_up_machine silent;
  auto found = read_capacity(silent.root(), 2);
  EXPECT_DOUBLE_EQ(found.cpus, 2);
  EXPECT_EQ(found.memory_mb, 0u);
}

TEST_F(CapacityTest, ThisMachineHasSomeAndSettingsAreStronger) {
  auto learned = learn_capacity(0, 0);
  EXPECT_GT(learned.cpus, 0);
  EXPECT_GT(learned.memory_mb, 0u);
  auto told = learn_capacity(64, 0);
  EXPECT_DOUBLE_EQ(told.cpus, 64);
  EXPECT_EQ(told.cpu_limited_by, "setting resources.cpus");
  EXPECT_EQ(told.memory_mb, learned.memory_mb);
  told = learn_capacity(0, 100);
  EXPECT_DOUBLE_EQ(told.cpus, learned.cpus);
  EXPECT_EQ(told.memory_mb, 100u);
  EXPECT_EQ(told.memory_limited_by, "setting resources.memory-mb");
}
