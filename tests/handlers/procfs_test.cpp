#include "runtime/handlers/procfs.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

using namespace overwatch;
using namespace overwatch::procfs;
using testing::DoubleEq;
using testing::Optional;

TEST(ProcfsTest, StatGivesModesAndCounters) {
  auto stat = parse_stat("cpu  10 2 30 400 5 6 7 8 9 1\n"
                         "cpu0 5 1 15 200 2 3 3 4 4 0\n"
                         "cpu1 5 1 15 200 3 3 4 4 5 1\n"
                         "intr 12345 1 2 3\nctxt 678\nbtime 1\nprocesses 90\nprocs_running 3\nprocs_blocked 2\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->cpu.user, 10u);
  EXPECT_EQ(stat->cpu.steal, 8u);
  EXPECT_EQ(stat->cpu.total(), 468u);
  EXPECT_EQ(stat->cores, 2u);
  EXPECT_EQ(stat->interrupts, 12345u);
  EXPECT_EQ(stat->context_switches, 678u);
  EXPECT_EQ(stat->forks, 90u);
  EXPECT_EQ(stat->running, 3u);
  EXPECT_EQ(stat->blocked, 2u);
}

TEST(ProcfsTest, StatOfAnOldKernelHasFewerModes) {
  auto stat = parse_stat("cpu 10 2 30 400\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->cpu.idle, 400u);
  EXPECT_EQ(stat->cpu.iowait, 0u);
}

TEST(ProcfsTest, NonsenseGivesNothing) {
  for (auto text : {"", "\n\n\n", "cpu", "hello", "cpu x"}) {
    EXPECT_FALSE(parse_stat(text)) << text;
    EXPECT_FALSE(parse_loadavg(text)) << text;
    EXPECT_FALSE(parse_meminfo(text)) << text;
    EXPECT_FALSE(parse_uptime(text)) << text;
    EXPECT_FALSE(parse_pressure(text)) << text;
    EXPECT_FALSE(parse_vmstat(text)) << text;
    EXPECT_FALSE(parse_process_stat(text)) << text;
    EXPECT_TRUE(parse_diskstats(text).empty()) << text;
    EXPECT_TRUE(parse_net_dev(text).empty()) << text;
    EXPECT_TRUE(parse_mountinfo(text).empty()) << text;
  }
}

TEST(ProcfsTest, SharesAddUpToAHundred) {
  auto shares = shares_between({10, 0, 10, 80, 0, 0, 0, 0}, {20, 0, 20, 150, 10, 0, 0, 0});
  EXPECT_DOUBLE_EQ(shares.user, 10);
  EXPECT_DOUBLE_EQ(shares.system, 10);
  EXPECT_DOUBLE_EQ(shares.idle, 70);
  EXPECT_DOUBLE_EQ(shares.busy(), 20);
}

TEST(ProcfsTest, CountersThatGoBackwardsCountAsUnchanged) {
  auto shares = shares_between({10, 0, 0, 80, 50, 0, 0, 0}, {20, 0, 0, 90, 40, 0, 0, 0});
  EXPECT_DOUBLE_EQ(shares.iowait, 0);
  EXPECT_DOUBLE_EQ(shares.user, 50);
}

TEST(ProcfsTest, NoTimePassedIsIdle) {
  EXPECT_DOUBLE_EQ(shares_between({1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1}).busy(), 0);
}

TEST(ProcfsTest, LoadAverage) {
  auto load = parse_loadavg("0.20 1.07 12.02 1/92 6452\n");
  ASSERT_TRUE(load);
  EXPECT_DOUBLE_EQ(load->one, 0.2);
  EXPECT_DOUBLE_EQ(load->fifteen, 12.02);
}

TEST(ProcfsTest, MemoryInBytes) {
  auto memory = parse_meminfo("MemTotal:  1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\nBuffers: 1 kB\nCached: 2 kB\n"
                              "SwapCached: 9 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\n");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->total, 1000u * 1024);
  EXPECT_EQ(memory->available, 400u * 1024);
  EXPECT_EQ(memory->swap_free, 20u * 1024);
}

TEST(ProcfsTest, OldKernelsDoNotSayWhatIsAvailable) {
  auto memory = parse_meminfo("MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 30 kB\nCached: 200 kB\nSwapCached: 9 kB\n");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->available, 330u * 1024);
}

TEST(ProcfsTest, AvailableIsNeverAboveTotal) {
  auto memory = parse_meminfo("MemTotal: 10 kB\nMemAvailable: 40 kB\nSwapTotal: 1 kB\nSwapFree: 2 kB\n");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->available, memory->total);
  EXPECT_EQ(memory->swap_free, memory->swap_total);
}

TEST(ProcfsTest, PressureOfCpuMayLackFull) {
  auto pressure = parse_pressure("some avg10=1.50 avg60=0.25 avg300=0.00 total=123\n");
  ASSERT_TRUE(pressure);
  EXPECT_DOUBLE_EQ(pressure->some_10s, 1.5);
  EXPECT_DOUBLE_EQ(pressure->some_60s, 0.25);
  EXPECT_DOUBLE_EQ(pressure->full_10s, 0);
}

TEST(ProcfsTest, PageFaultsAreMatchedByWholeName) {
  auto faults = parse_vmstat("pgfault_not 1\npgfault 77\npgmajfault 5\n");
  ASSERT_TRUE(faults);
  EXPECT_EQ(faults->all, 77u);
  EXPECT_EQ(faults->major, 5u);
}

TEST(ProcfsTest, DiskCountersOfOldAndNewKernels) {
  auto disks = parse_diskstats("   8       0 sda 10 1 200 30 40 2 500 60 0 70 80\n"
                               "   8       1 sda1 1 2 3 4\n"
                               " 254       0 vda 1 0 2 3 4 0 5 6 0 7 8 9 10 11 12 13 14\n");
  ASSERT_EQ(disks.size(), 2u);
  EXPECT_EQ(disks[0].device, "sda");
  EXPECT_EQ(disks[0].reads, 10u);
  EXPECT_EQ(disks[0].read_bytes, 200u * 512);
  EXPECT_EQ(disks[0].read_ms, 30u);
  EXPECT_EQ(disks[0].writes, 40u);
  EXPECT_EQ(disks[0].written_bytes, 500u * 512);
  EXPECT_EQ(disks[0].write_ms, 60u);
  EXPECT_EQ(disks[0].busy_ms, 70u);
  EXPECT_EQ(disks[1].device, "vda");
}

TEST(ProcfsTest, InterfaceNamesMayTouchNumbersAndHoldColons) {
  auto networks = parse_net_dev("Inter-|   Receive |  Transmit\n face |bytes    packets errs drop\n"
                                "    lo:3267 29 1 2 0 0 0 0 4267 30 3 4 0 0 0 0\n"
                                "eth0:1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
  ASSERT_EQ(networks.size(), 2u);
  EXPECT_EQ(networks[0].interface, "lo");
  EXPECT_EQ(networks[0].received_bytes, 3267u);
  EXPECT_EQ(networks[0].sent_bytes, 4267u);
  EXPECT_EQ(networks[0].sent_dropped, 4u);
  EXPECT_EQ(networks[1].interface, "eth0:1");
}

TEST(ProcfsTest, ProcessNamesMayHoldBlanksAndParentheses) {
  auto process = parse_process_stat("42 (a) (b c) S 7 42 41 0 -1 4194304 102 0 0 0 11 22 0 0 20 0 1 0 "
                                    "145813 2998272 408 1\n");
  ASSERT_TRUE(process);
  EXPECT_EQ(process->pid, 42);
  EXPECT_EQ(process->name, "a) (b c");
  EXPECT_EQ(process->state, 'S');
  EXPECT_EQ(process->parent, 7);
  EXPECT_EQ(process->group, 42);
  EXPECT_EQ(process->session, 41);
  EXPECT_EQ(process->cpu_ticks, 33u);
  EXPECT_EQ(process->start_ticks, 145813u);
  EXPECT_EQ(process->resident_pages, 408u);
}

TEST(ProcfsTest, TruncatedProcessGivesNothing) {
  EXPECT_FALSE(parse_process_stat("42 (name) S 7 42"));
  EXPECT_FALSE(parse_process_stat(")42( S"));
}

TEST(ProcfsTest, MountsWithOptionalFieldsAndEscapes) {
  auto mounts = parse_mountinfo("25 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard\n"
                                "26 25 0:5 / /mnt/a\\040b\\134c rw - tmpfs none rw\n"
                                "broken line - x\n");
  ASSERT_EQ(mounts.size(), 2u);
  EXPECT_EQ(mounts[0].device, "254:0");
  EXPECT_EQ(mounts[0].type, "ext4");
  EXPECT_EQ(mounts[0].source, "/dev/vda");
  EXPECT_EQ(mounts[0].options, "rw,discard");
  EXPECT_EQ(mounts[1].point, "/mnt/a b\\c");
}

TEST(ProcfsTest, CgroupPathsOfBothVersions) {
  auto text = "9:name=systemd:/\n4:memory:/box/one\n2:cpu,cpuacct:/two\n0::/three:four\n";
  EXPECT_THAT(parse_cgroup_path(text, ""), Optional(std::string{"/three:four"}));
  EXPECT_THAT(parse_cgroup_path(text, "memory"), Optional(std::string{"/box/one"}));
  EXPECT_THAT(parse_cgroup_path(text, "cpuacct"), Optional(std::string{"/two"}));
  EXPECT_FALSE(parse_cgroup_path(text, "cpu,"));
  EXPECT_FALSE(parse_cgroup_path("", ""));
}

TEST(ProcfsTest, QuotasAndLimits) {
  EXPECT_THAT(parse_cpu_max("150000 100000\n"), Optional(DoubleEq(1.5)));
  EXPECT_FALSE(parse_cpu_max("max 100000\n"));
  EXPECT_FALSE(parse_cpu_max("-1 100000"));
  EXPECT_FALSE(parse_cpu_max("100000 0"));
  EXPECT_THAT(parse_byte_limit("4096\n"), Optional(4096u));
  EXPECT_FALSE(parse_byte_limit("max\n"));
  EXPECT_FALSE(parse_byte_limit("9223372036854771712\n"));
  EXPECT_FALSE(parse_byte_limit("99999999999999999999999\n"));
}

TEST(ProcfsTest, ThisMachineCanBeRead) {
  EXPECT_TRUE(read("/proc/stat", parse_stat));
  EXPECT_TRUE(read("/proc/meminfo", parse_meminfo));
  EXPECT_THAT(process_ids(), testing::Contains(::getpid()));
  auto self = read_process_stat(::getpid());
  ASSERT_TRUE(self);
  EXPECT_EQ(self->parent, ::getppid());
  EXPECT_GT(self->resident_pages, 0u);
}

TEST(ProcfsTest, MissingFileIsNothing) {
  EXPECT_FALSE(read_file("/proc/none/such"));
  EXPECT_FALSE(read("/proc/none/such", parse_stat));
  EXPECT_TRUE(read("/proc/none/such", parse_diskstats).empty());
}

TEST(ProcfsTest, ReadingStopsAtTheLimit) {
  auto text = read_file("/proc/stat", 10);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->size(), 10u);
}
