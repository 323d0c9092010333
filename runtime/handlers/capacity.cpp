#include "runtime/handlers/capacity.hpp"

#include "runtime/handlers/machine.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace overwatch {

namespace {

constexpr uint64_t megabyte = 1024 * 1024;
constexpr int max_cpus = 8192; // as many as Linux can be built for

uint32_t schedulable_cpus() {
  auto release = [](cpu_set_t* set) { CPU_FREE(set); };
  std::unique_ptr<cpu_set_t, decltype(release)> set{CPU_ALLOC(max_cpus), release};
  auto bytes = CPU_ALLOC_SIZE(max_cpus);
  if (set && ::sched_getaffinity(0, bytes, set.get()) == 0)
    return static_cast<uint32_t>(std::max(CPU_COUNT_S(bytes, set.get()), 1));
  return static_cast<uint32_t>(std::max(::sysconf(_SC_NPROCESSORS_ONLN), 1L));
}

} // namespace

machine_capacity read_capacity(const std::string& root, uint32_t schedulable_cpus) {
  machine_capacity result;
  result.cpus = schedulable_cpus;
  auto machine = procfs::read(root + "/proc/stat", procfs::parse_stat);
  if (machine && machine->cores > schedulable_cpus)
    result.cpu_limited_by = "CPU affinity";
  uint64_t bytes = 0;
  if (auto memory = procfs::read(root + "/proc/meminfo", procfs::parse_meminfo))
    bytes = memory->total;
  auto groups = read_cgroup_limits(root);
  if (groups.cpus && *groups.cpus < result.cpus) {
    result.cpus = *groups.cpus;
    result.cpu_limited_by = groups.cpus_from;
  }
  if (groups.memory_limit && (bytes == 0 || *groups.memory_limit < bytes)) {
    bytes = *groups.memory_limit;
    result.memory_limited_by = groups.memory_from;
  }
  result.memory_mb = bytes / megabyte;
  return result;
}

machine_capacity learn_capacity(double cpus, uint64_t memory_mb) {
  auto result = read_capacity({}, schedulable_cpus());
  if (cpus > 0) {
    result.cpus = cpus;
    result.cpu_limited_by = "setting resources.cpus";
  }
  if (memory_mb > 0) {
    result.memory_mb = memory_mb;
    result.memory_limited_by = "setting resources.memory-mb";
  }
  return result;
}

} // namespace overwatch
