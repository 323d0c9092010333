#include "runtime/handlers/host_sampler.hpp"

#include "runtime/handlers/machine.hpp"
#include "tests/handlers/made_up_machine.hpp"

#include <gmock/gmock.h>

#include <thread>
#include <vector>

using namespace overwatch;
using testing::DoubleEq;
using testing::Optional;

namespace {

class HostSamplerTest : public testing::Test {
protected:
  void SetUp() override { machine.boot(); }

  made_up_machine machine;
};

} // namespace

TEST_F(HostSamplerTest, CpuIsThatOfTheTimeSinceTheCallBefore) {
  auto sample = make_host_sampler(machine.root(), machine.root());
  EXPECT_EQ(sample().count("cpu_percent"), 0u) << "no time has passed yet";
  machine.write("proc/stat", "cpu  150 0 25 925 0 0 0 0\ncpu0 1 0 0 1\n");
  EXPECT_DOUBLE_EQ(sample().at("cpu_percent"), 75);
  EXPECT_DOUBLE_EQ(sample().at("cpu_percent"), 75) << "asked again at once: the same";
  machine.write("proc/stat", "cpu  150 0 25 1025 0 0 0 0\ncpu0 1 0 0 1\n");
  EXPECT_DOUBLE_EQ(sample().at("cpu_percent"), 0);
}

TEST_F(HostSamplerTest, MemoryLoadAndDiskAreThoseOfNow) {
  auto sample = make_host_sampler(machine.root(), machine.root());
  auto values = sample();
  EXPECT_DOUBLE_EQ(values.at("memory_percent"), 50);
  EXPECT_DOUBLE_EQ(values.at("load_per_core"), 0.5);
  EXPECT_GT(values.at("disk_percent"), 0);
  EXPECT_LE(values.at("disk_percent"), 100);
  machine.write("proc/meminfo", "MemTotal:  8388608 kB\nMemFree: 1 kB\nMemAvailable: 2097152 kB\n");
  EXPECT_DOUBLE_EQ(sample().at("memory_percent"), 75);
}

TEST_F(HostSamplerTest, TighterMemoryLimitOfAGroupCounts) {
  machine.write("sys/fs/cgroup/a/memory.max", "1000000\n");
  machine.write("sys/fs/cgroup/a/memory.current", "900000\n");
  auto sample = make_host_sampler(machine.root(), machine.root());
  EXPECT_DOUBLE_EQ(sample().at("memory_percent"), 90);
  machine.write("sys/fs/cgroup/a/memory.current", "100000\n");
  EXPECT_DOUBLE_EQ(sample().at("memory_percent"), 50) << "the machine is fuller than the group";
}

TEST_F(HostSamplerTest, ShareOfAQuotaIsOfTheTimeThatPassed) {
  cgroup_limits before;
  before.cpus = 0.5;
  before.cpu_used_us = 1'000'000;
  auto after = before;
  after.cpu_used_us = 1'400'000;
  EXPECT_THAT(share_of_quota(before, after, 2), Optional(DoubleEq(40)));
  EXPECT_FALSE(share_of_quota(before, after, 0));
  EXPECT_FALSE(share_of_quota(after, before, 2)) << "a counter that went backwards: another group";
}

TEST_F(HostSamplerTest, WhatCannotBeReadIsLeftOut) {
  made_up_machine silent;
  EXPECT_TRUE(make_host_sampler(silent.root() + "/none", silent.root())().empty());
}

TEST_F(HostSamplerTest, ThreadsMayShareOne) {
  auto sample = make_host_sampler("/");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&sample] {
      for (int n = 0; n < 50; ++n) {
        auto values = sample();
        EXPECT_EQ(values.count("memory_percent"), 1u);
        EXPECT_EQ(values.count("load_per_core"), 1u);
      }
    });
  for (auto& thread : threads)
    thread.join();
}
