#include "runtime/handlers/machine_rates.hpp"

#include <unistd.h>

#include <algorithm>

namespace overwatch {

namespace {

double grown(uint64_t before, uint64_t after) {
  return after > before ? static_cast<double>(after - before) : 0.0;
}

template <class T>
const T* find_named(const std::vector<T>& xs, const std::string T::*name, const std::string& wanted) {
  auto found = std::find_if(xs.begin(), xs.end(), [&](const T& x) { return x.*name == wanted; });
  return found == xs.end() ? nullptr : &*found;
}

// Partitions would count everything twice. Where there is no /sys/block, everything is taken.
bool is_whole_device(std::string name) {
  std::replace(name.begin(), name.end(), '/', '!');
  return ::access("/sys/block", F_OK) != 0 || ::access(("/sys/block/" + name).c_str(), F_OK) == 0;
}

std::vector<process_load> first(std::vector<process_load> loads, size_t count,
                                bool (*before)(const process_load&, const process_load&)) {
  count = std::min(count, loads.size());
  std::partial_sort(loads.begin(), loads.begin() + static_cast<std::ptrdiff_t>(count), loads.end(), before);
  loads.resize(count);
  return loads;
}

} // namespace

counter_snapshot read_counters() {
  counter_snapshot result;
  result.system = procfs::read("/proc/stat", procfs::parse_stat).value_or(procfs::system_stat{});
  result.faults = procfs::read("/proc/vmstat", procfs::parse_vmstat).value_or(procfs::page_faults{});
  for (auto& disk : procfs::read("/proc/diskstats", procfs::parse_diskstats))
    if (disk.reads + disk.writes > 0 && is_whole_device(disk.device))
      result.disks.push_back(std::move(disk));
  result.networks = procfs::read("/proc/self/net/dev", procfs::parse_net_dev);
  for (auto pid : procfs::process_ids())
    if (auto process = procfs::read_process_stat(pid))
      result.processes.emplace(pid, std::move(*process));
  return result;
}

std::vector<disk_rates> rates_of(const std::vector<procfs::disk_counters>& before,
                                 const std::vector<procfs::disk_counters>& after, double seconds) {
  std::vector<disk_rates> result;
  for (const auto& y : after) {
    const auto* x = find_named(before, &procfs::disk_counters::device, y.device);
    if (x == nullptr || seconds <= 0)
      continue;
    auto requests = grown(x->reads, y.reads) + grown(x->writes, y.writes);
    auto waited_ms = grown(x->read_ms, y.read_ms) + grown(x->write_ms, y.write_ms);
    result.push_back({y.device, grown(x->read_bytes, y.read_bytes) / seconds,
                      grown(x->written_bytes, y.written_bytes) / seconds, grown(x->reads, y.reads) / seconds,
                      grown(x->writes, y.writes) / seconds, requests > 0 ? waited_ms / requests : 0,
                      std::min(100.0, grown(x->busy_ms, y.busy_ms) / (10 * seconds))});
  }
  return result;
}

std::vector<network_rates> rates_of(const std::vector<procfs::network_counters>& before,
                                    const std::vector<procfs::network_counters>& after, double seconds) {
  std::vector<network_rates> result;
  for (const auto& y : after) {
    const auto* x = find_named(before, &procfs::network_counters::interface, y.interface);
    if (x == nullptr || seconds <= 0)
      continue;
    auto more = [](uint64_t a, uint64_t b) { return b > a ? b - a : 0; };
    result.push_back({y.interface, grown(x->received_bytes, y.received_bytes) / seconds,
                      grown(x->received_packets, y.received_packets) / seconds,
                      grown(x->sent_bytes, y.sent_bytes) / seconds, grown(x->sent_packets, y.sent_packets) / seconds,
                      more(x->received_errors, y.received_errors) + more(x->sent_errors, y.sent_errors),
                      more(x->received_dropped, y.received_dropped) + more(x->sent_dropped, y.sent_dropped)});
  }
  return result;
}

std::vector<process_load> loads_of(const std::map<pid_t, procfs::process_stat>& before,
                                   const std::map<pid_t, procfs::process_stat>& after, double seconds,
                                   double ticks_per_second, uint64_t page_bytes) {
  std::vector<process_load> result;
  for (const auto& [pid, process] : after) {
    auto known = before.find(pid);
    auto same = known != before.end() && known->second.start_ticks == process.start_ticks; // else the id was reused
    auto ticks = grown(same ? known->second.cpu_ticks : 0, process.cpu_ticks);
    auto cpu = seconds > 0 && ticks_per_second > 0 ? 100 * ticks / ticks_per_second / seconds : 0;
    result.push_back({pid, process.name, cpu, process.resident_pages * page_bytes});
  }
  return result;
}

std::vector<process_load> top_by_cpu(std::vector<process_load> loads, size_t count) {
  return first(std::move(loads), count, [](const process_load& x, const process_load& y) {
    return x.cpu_percent != y.cpu_percent ? x.cpu_percent > y.cpu_percent : x.pid < y.pid;
  });
}

std::vector<process_load> top_by_memory(std::vector<process_load> loads, size_t count) {
  return first(std::move(loads), count, [](const process_load& x, const process_load& y) {
    return x.resident_bytes != y.resident_bytes ? x.resident_bytes > y.resident_bytes : x.pid < y.pid;
  });
}

} // namespace overwatch
