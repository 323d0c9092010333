#include "runtime/handlers/low_priority.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace overwatch {
namespace {

constexpr long idle = 3; // a class of <linux/ioprio.h>

struct priority {
  int nice = getpriority(PRIO_PROCESS, 0);
  long io = syscall(SYS_ioprio_get, 1, 0);
};

TEST(LowPriorityTest, TheWorkIsNiceAndIdleOnTheDisk) {
  priority seen;
  run_at_low_priority([&] { seen = priority{}; });
  EXPECT_GE(seen.nice, 10);
  EXPECT_EQ(seen.io >> 13, idle);
}

TEST(LowPriorityTest, ThreadsOfTheWorkInheritIt) {
  priority seen;
  run_at_low_priority([&] { std::thread{[&] { seen = priority{}; }}.join(); });
  EXPECT_GE(seen.nice, 10);
  EXPECT_EQ(seen.io >> 13, idle);
}

TEST(LowPriorityTest, TheCallerKeepsItsOwn) {
  const priority before;
  run_at_low_priority([] {});
  const priority after;
  EXPECT_EQ(after.nice, before.nice);
  EXPECT_EQ(after.io, before.io);
}

TEST(LowPriorityTest, AnExceptionReachesTheCaller) {
  EXPECT_THROW(run_at_low_priority([] { throw std::runtime_error{"disk on fire"}; }), std::runtime_error);
}

} // namespace
} // namespace overwatch
