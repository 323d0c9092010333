#pragma once

#include "runtime/handlers/procfs.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace overwatch {

/// All counters of the machine at one moment.
struct counter_snapshot {
  procfs::system_stat system;
  procfs::page_faults faults;
  std::vector<procfs::disk_counters> disks;       ///< whole devices that were ever used
  std::vector<procfs::network_counters> networks;
  std::map<pid_t, procfs::process_stat> processes;
};

counter_snapshot read_counters();

// -- what happened between two snapshots, per second. A counter that went backwards (a device that was
//    replaced) counts as unchanged. ------------------------------------------

struct disk_rates {
  std::string device;
  double read_bytes = 0, written_bytes = 0;
  double reads = 0, writes = 0;
  double latency_ms = 0;   ///< mean of one request; 0 without any
  double busy_percent = 0; ///< of the time
};
std::vector<disk_rates> rates_of(const std::vector<procfs::disk_counters>& before,
                                 const std::vector<procfs::disk_counters>& after, double seconds);

struct network_rates {
  std::string interface;
  double received_bytes = 0, received_packets = 0, sent_bytes = 0, sent_packets = 0;
  uint64_t errors = 0, dropped = 0; ///< in the whole time, both directions
};
std::vector<network_rates> rates_of(const std::vector<procfs::network_counters>& before,
                                    const std::vector<procfs::network_counters>& after, double seconds);

struct process_load {
  pid_t pid = 0;
  std::string name;
  double cpu_percent = 0; ///< of one core
  uint64_t resident_bytes = 0;
};

/// The processes that live in `after`. One that was started meanwhile counts from its start.
std::vector<process_load> loads_of(const std::map<pid_t, procfs::process_stat>& before,
                                   const std::map<pid_t, procfs::process_stat>& after, double seconds,
                                   double ticks_per_second, uint64_t page_bytes);

std::vector<process_load> top_by_cpu(std::vector<process_load> loads, size_t count);
std::vector<process_load> top_by_memory(std::vector<process_load> loads, size_t count);

} // namespace overwatch
