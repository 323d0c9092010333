#include "runtime/handlers/machine_rates.hpp"

#include <gmock/gmock.h>

using namespace overwatch;

TEST(MachineRatesTest, DiskRatesArePerSecond) {
  std::vector<procfs::disk_counters> before{{"vda", 10, 1000, 5, 20, 2000, 10, 100}};
  std::vector<procfs::disk_counters> after{{"vda", 30, 5000, 45, 60, 10000, 30, 1100}};
  auto rates = rates_of(before, after, 2);
  ASSERT_EQ(rates.size(), 1u);
  EXPECT_DOUBLE_EQ(rates[0].reads, 10);
  EXPECT_DOUBLE_EQ(rates[0].writes, 20);
  EXPECT_DOUBLE_EQ(rates[0].read_bytes, 2000);
  EXPECT_DOUBLE_EQ(rates[0].written_bytes, 4000);
  EXPECT_DOUBLE_EQ(rates[0].latency_ms, 1) << "60 ms in 60 requests";
  EXPECT_DOUBLE_EQ(rates[0].busy_percent, 50);
}

TEST(MachineRatesTest, ReplacedAndNewDevicesDoNotInventTraffic) {
  std::vector<procfs::disk_counters> before{{"sda", 100, 100, 100, 100, 100, 100, 100}};
  std::vector<procfs::disk_counters> after{{"sda", 1, 1, 1, 1, 1, 1, 1}, {"sdb", 900, 900, 900, 900, 900, 900, 900}};
  auto rates = rates_of(before, after, 1);
  ASSERT_EQ(rates.size(), 1u);
  EXPECT_DOUBLE_EQ(rates[0].reads, 0);
  EXPECT_DOUBLE_EQ(rates[0].latency_ms, 0);
  EXPECT_TRUE(rates_of(before, after, 0).empty());
}

TEST(MachineRatesTest, NetworkErrorsAreOfBothDirections) {
  std::vector<procfs::network_counters> before{{"eth0", 0, 0, 1, 2, 0, 0, 3, 4}};
  std::vector<procfs::network_counters> after{{"eth0", 4000, 40, 2, 4, 8000, 80, 6, 8}};
  auto rates = rates_of(before, after, 4);
  ASSERT_EQ(rates.size(), 1u);
  EXPECT_DOUBLE_EQ(rates[0].received_bytes, 1000);
  EXPECT_DOUBLE_EQ(rates[0].sent_packets, 20);
  EXPECT_EQ(rates[0].errors, 4u);
  EXPECT_EQ(rates[0].dropped, 6u);
}

TEST(MachineRatesTest, ReusedProcessIdCountsFromItsStart) {
  procfs::process_stat idle{8, "idle", 'S', 1, 8, 8, 50, 10, 3};
  std::map<pid_t, procfs::process_stat> before{{7, {7, "old", 'S', 1, 7, 7, 500, 10, 1}}, {8, idle}};
  std::map<pid_t, procfs::process_stat> after{{7, {7, "new", 'R', 1, 7, 7, 100, 99, 2}}, {8, idle}};
  auto loads = loads_of(before, after, 2, 100, 4096);
  auto busy = top_by_cpu(loads, 1);
  ASSERT_EQ(busy.size(), 1u);
  EXPECT_EQ(busy[0].name, "new");
  EXPECT_DOUBLE_EQ(busy[0].cpu_percent, 50);
  auto large = top_by_memory(loads, 9);
  ASSERT_EQ(large.size(), 2u);
  EXPECT_EQ(large[0].name, "idle");
  EXPECT_EQ(large[0].resident_bytes, 3u * 4096);
}
