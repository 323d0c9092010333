#pragma once

#include <cstdint>
#include <string>

namespace overwatch {

/// What this machine lets the node use.
struct machine_capacity {
  double cpus = 0;               ///< a quota may allow a fraction
  uint64_t memory_mb = 0;        ///< MiB; 0: unknown
  std::string cpu_limited_by;    ///< a file, `CPU affinity` or a setting; empty: the node may use all there is
  std::string memory_limited_by; ///< a file or a setting; likewise
};

/// Read from the files below `root`; `schedulable_cpus` are those that the kernel lets this process run on.
machine_capacity read_capacity(const std::string& root, uint32_t schedulable_cpus);

/// Of this machine. `cpus` and `memory_mb` are the settings resources.cpus and resources.memory-mb; 0: learned.
machine_capacity learn_capacity(double cpus, uint64_t memory_mb);

} // namespace overwatch
