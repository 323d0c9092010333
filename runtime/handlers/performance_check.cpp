#include "runtime/handlers/performance_check.hpp"

#include "runtime/handlers/json_text.hpp"
#include "runtime/handlers/machine.hpp"
#include "runtime/handlers/machine_rates.hpp"
#include "runtime/handlers/output_lines.hpp"
#include "runtime/handlers/procfs.hpp"
#include "runtime/handlers/verdict.hpp"

#include <boost/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>

namespace overwatch {

namespace {

namespace json = boost::json;
using std::chrono::steady_clock;

constexpr milliseconds max_sample_interval{1000};
constexpr size_t max_devices = 64; // disks, and interfaces, in a result
constexpr size_t name_bytes = 64;

/// Minimum, mean and maximum of the samples.
class sampled {
public:
  void add(double x) {
    low_ = count_ == 0 ? x : std::min(low_, x);
    high_ = count_ == 0 ? x : std::max(high_, x);
    sum_ += x;
    ++count_;
  }

  double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

  json::object to_json() const { return {{"min", rounded(low_)}, {"mean", rounded(mean())}, {"max", rounded(high_)}}; }

private:
  double low_ = 0, high_ = 0, sum_ = 0;
  size_t count_ = 0;
};

struct profile {
  counter_snapshot before, after;
  double seconds = 0;
  size_t samples = 0;
  sampled cpu, run_queue, blocked, memory;
};

/// False when the handler was told to stop.
bool watch(const attempt_context& ctx, milliseconds duration, profile& profile) {
  auto interval = std::min(max_sample_interval, duration / 5);
  ctx.progress(0, "sampling");
  auto started = steady_clock::now();
  profile.before = read_counters();
  auto last = profile.before.system;
  for (auto passed = milliseconds{0}; passed < duration;) {
    if (ctx.wait_for(std::min(interval, duration - passed)))
      return false;
    if (auto current = procfs::read("/proc/stat", procfs::parse_stat)) {
      profile.cpu.add(procfs::shares_between(last.cpu, current->cpu).busy());
      profile.run_queue.add(current->running);
      profile.blocked.add(current->blocked);
      last = *current;
    }
    if (auto memory = procfs::read("/proc/meminfo", procfs::parse_meminfo))
      profile.memory.add(used_percent(*memory));
    ++profile.samples;
    passed = std::chrono::duration_cast<milliseconds>(steady_clock::now() - started);
    auto share = std::min(1.0, static_cast<double>(passed.count()) / static_cast<double>(duration.count()));
    ctx.progress(95 * share, "sampling");
  }
  profile.after = read_counters();
  profile.seconds = std::chrono::duration<double>(steady_clock::now() - started).count();
  return true;
}

json::object system_of(const profile& profile) {
  const auto& x = profile.before;
  const auto& y = profile.after;
  auto shares = procfs::shares_between(x.system.cpu, y.system.cpu);
  auto per_second = [&profile](uint64_t from, uint64_t to) {
    return to > from ? rounded(static_cast<double>(to - from) / profile.seconds) : 0.0;
  };
  auto cpu = profile.cpu.to_json();
  cpu["cores"] = y.system.cores;
  cpu["modes"] = json::object{{"user", rounded(shares.user)},       {"nice", rounded(shares.nice)},
                              {"system", rounded(shares.system)},   {"idle", rounded(shares.idle)},
                              {"iowait", rounded(shares.iowait)},   {"irq", rounded(shares.irq)},
                              {"softirq", rounded(shares.softirq)}, {"steal", rounded(shares.steal)}};
  return {{"cpu", cpu},
          {"memory", profile.memory.to_json()},
          {"run_queue", profile.run_queue.to_json()},
          {"blocked", profile.blocked.to_json()},
          {"context_switches_per_s", per_second(x.system.context_switches, y.system.context_switches)},
          {"interrupts_per_s", per_second(x.system.interrupts, y.system.interrupts)},
          {"forks_per_s", per_second(x.system.forks, y.system.forks)},
          {"page_faults_per_s", per_second(x.faults.all, y.faults.all)},
          {"major_page_faults_per_s", per_second(x.faults.major, y.faults.major)}};
}

json::array disks_of(const profile& profile) {
  json::array result;
  for (const auto& x : rates_of(profile.before.disks, profile.after.disks, profile.seconds))
    if (result.size() < max_devices)
      result.push_back({{"device", x.device},
                        {"read_bytes_per_s", rounded(x.read_bytes)},
                        {"written_bytes_per_s", rounded(x.written_bytes)},
                        {"reads_per_s", rounded(x.reads)},
                        {"writes_per_s", rounded(x.writes)},
                        {"latency_ms", rounded(x.latency_ms, 3)},
                        {"busy_percent", rounded(x.busy_percent)}});
  return result;
}

json::array networks_of(const profile& profile) {
  json::array result;
  for (const auto& x : rates_of(profile.before.networks, profile.after.networks, profile.seconds))
    if (result.size() < max_devices)
      result.push_back({{"interface", x.interface},
                        {"received_bytes_per_s", rounded(x.received_bytes)},
                        {"received_packets_per_s", rounded(x.received_packets)},
                        {"sent_bytes_per_s", rounded(x.sent_bytes)},
                        {"sent_packets_per_s", rounded(x.sent_packets)},
                        {"errors", x.errors},
                        {"dropped", x.dropped}});
  return result;
}

json::array processes_of(const std::vector<process_load>& loads) {
  json::array result;
  for (const auto& x : loads)
    result.push_back({{"pid", x.pid},
                      {"name", valid_utf8(x.name, name_bytes)},
                      {"cpu_percent", rounded(x.cpu_percent)},
                      {"resident_bytes", x.resident_bytes}});
  return result;
}

json::object top_of(const profile& profile, size_t count) {
  auto loads = loads_of(profile.before.processes, profile.after.processes, profile.seconds,
                        static_cast<double>(::sysconf(_SC_CLK_TCK)), static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)));
  return {{"by_cpu", processes_of(top_by_cpu(loads, count))}, {"by_memory", processes_of(top_by_memory(loads, count))}};
}

} // namespace

std::string parse_options(std::string_view payload, performance_check_options& options) {
  json::object fields;
  if (auto error = parse_payload(payload, fields); !error.empty())
    return error;
  auto seconds = static_cast<double>(options.duration.count()) / 1000;
  if (auto error = read_number(fields, "duration_s", "duration_s", 1, 300, seconds); !error.empty())
    return error;
  auto top_n = static_cast<double>(options.top_n);
  if (auto error = read_number(fields, "top_n", "top_n", 1, 50, top_n); !error.empty())
    return error;
  options.duration = milliseconds{static_cast<int64_t>(seconds * 1000)};
  options.top_n = static_cast<size_t>(top_n);
  return {};
}

outcome run_performance_check(const attempt_context& ctx) {
  performance_check_options options;
  if (auto error = parse_options(ctx.payload(), options); !error.empty())
    return outcome::failed_for_good(error);
  profile profile;
  if (!watch(ctx, options.duration, profile))
    return outcome::failed("stopped after " + std::to_string(profile.samples) + " samples");
  auto filesystems = read_filesystems();
  const auto* disk = main_filesystem(filesystems);
  auto disk_used = disk != nullptr ? disk->used_percent : 0.0;
  auto score = performance_score(profile.cpu.mean(), profile.memory.mean(), disk_used);
  auto level = verdict_of_score(score);

  auto report = system_of(profile);
  report["score"] = rounded(score);
  report["verdict"] = std::string{name_of(level)};
  report["status"] = std::string{status_of(level)};
  report["formula"] = std::string{performance_formula};
  report["score_inputs"] = json::object{
    {"cpu", rounded(profile.cpu.mean())}, {"memory", rounded(profile.memory.mean())}, {"disk", rounded(disk_used)}};
  report["timestamp"] = iso_time(now());
  report["duration_s"] = rounded(profile.seconds, 3);
  report["samples"] = profile.samples;
  report["disks"] = disks_of(profile);
  report["networks"] = networks_of(profile);
  report["processes"] = top_of(profile, options.top_n);
  auto summary = "performance score " + json_text(rounded(score)) + ": " + std::string{name_of(level)};
  ctx.log(level == verdict::healthy ? log_level::info : log_level::warning, summary);
  ctx.progress(100, summary);
  return outcome::completed(json_text(report));
}

} // namespace overwatch
