#include "runtime/handlers/system_health.hpp"

#include "runtime/handlers/json_text.hpp"
#include "runtime/handlers/machine.hpp"
#include "runtime/handlers/output_lines.hpp"
#include "runtime/handlers/procfs.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace overwatch {

namespace {

namespace json = boost::json;
using std::chrono::steady_clock;

constexpr size_t name_bytes = 1024; // of a mount point or its source

/// One look at the machine.
struct machine_state {
  std::optional<procfs::system_stat> before, after; // around the sample
  std::optional<procfs::load_average> load;
  std::optional<procfs::memory_info> memory;
  std::optional<double> uptime_s;
  cgroup_limits cgroup;
  std::optional<double> cpu_of_quota;
  std::vector<filesystem_usage> filesystems;
};

template <class T>
json::value percent_or_null(const std::optional<T>& x) {
  return x ? json::value(rounded(*x)) : json::value(nullptr);
}

/// False when the handler was told to stop.
bool look(const attempt_context& ctx, milliseconds sample, machine_state& state) {
  ctx.progress(5, "measuring CPU");
  auto started = steady_clock::now();
  auto cgroup_before = read_cgroup_limits();
  state.before = procfs::read("/proc/stat", procfs::parse_stat);
  if (ctx.wait_for(sample))
    return false;
  state.after = procfs::read("/proc/stat", procfs::parse_stat);
  state.cgroup = read_cgroup_limits();
  auto seconds = std::chrono::duration<double>(steady_clock::now() - started).count();
  state.cpu_of_quota = share_of_quota(cgroup_before, state.cgroup, seconds);
  ctx.progress(60, "reading memory and file systems");
  state.load = procfs::read("/proc/loadavg", procfs::parse_loadavg);
  state.memory = procfs::read("/proc/meminfo", procfs::parse_meminfo);
  state.uptime_s = procfs::read("/proc/uptime", procfs::parse_uptime);
  state.filesystems = read_filesystems();
  return !ctx.stopping();
}

health_values values_of(const machine_state& state) {
  health_values result;
  if (state.before && state.after)
    result.cpu = procfs::shares_between(state.before->cpu, state.after->cpu).busy();
  result.cpu_of_quota = state.cpu_of_quota;
  if (state.memory)
    result.memory = used_percent(*state.memory);
  result.memory_of_limit = share_of_limit(state.cgroup);
  for (const auto& filesystem : state.filesystems)
    result.disks.push_back({filesystem.point, filesystem.used_percent, filesystem.inodes_percent});
  return result;
}

json::object cpu_of(const machine_state& state, const health_values& values) {
  json::object result{{"usage", percent_or_null(values.cpu)}};
  if (state.before && state.after) {
    auto shares = procfs::shares_between(state.before->cpu, state.after->cpu);
    result["cores"] = state.after->cores;
    result["modes"] = {{"user", rounded(shares.user)},       {"nice", rounded(shares.nice)},
                       {"system", rounded(shares.system)},   {"idle", rounded(shares.idle)},
                       {"iowait", rounded(shares.iowait)},   {"irq", rounded(shares.irq)},
                       {"softirq", rounded(shares.softirq)}, {"steal", rounded(shares.steal)}};
  }
  result["quota_cpus"] = state.cgroup.cpus ? json::value(rounded(*state.cgroup.cpus, 2)) : json::value(nullptr);
  result["usage_of_quota"] = percent_or_null(values.cpu_of_quota);
  return result;
}

json::value load_of(const machine_state& state) {
  if (!state.load)
    return nullptr;
  auto cores = state.after ? std::max<uint32_t>(state.after->cores, 1) : 1;
  return {{"one", rounded(state.load->one, 2)},
          {"five", rounded(state.load->five, 2)},
          {"fifteen", rounded(state.load->fifteen, 2)},
          {"one_per_core", rounded(state.load->one / cores, 2)}};
}

json::value memory_of(const machine_state& state, const health_values& values) {
  if (!state.memory)
    return nullptr;
  json::object result{{"usage", percent_or_null(values.memory)},
                      {"total_bytes", state.memory->total},
                      {"available_bytes", state.memory->available},
                      {"swap_total_bytes", state.memory->swap_total},
                      {"swap_used_bytes", state.memory->swap_total - state.memory->swap_free}};
  const auto& limit = state.cgroup.memory_limit;
  result["limit_bytes"] = limit ? json::value(*limit) : json::value(nullptr);
  result["used_of_limit_bytes"] = limit ? json::value(state.cgroup.memory_used) : json::value(nullptr);
  result["usage_of_limit"] = percent_or_null(values.memory_of_limit);
  return result;
}

json::array filesystems_of(const machine_state& state) {
  json::array result;
  for (const auto& x : state.filesystems)
    result.push_back({{"mount", valid_utf8(x.point, name_bytes)},
                      {"type", x.type},
                      {"source", valid_utf8(x.source, name_bytes)},
                      {"usage", rounded(x.used_percent)},
                      {"total_bytes", x.total_bytes},
                      {"free_bytes", x.free_bytes},
                      {"inodes_usage", rounded(x.inodes_percent)},
                      {"inodes", x.inodes},
                      {"free_inodes", x.free_inodes}});
  return result;
}

json::object pressure_now() {
  json::object result;
  for (const auto* resource : {"cpu", "memory", "io"}) {
    auto pressure = procfs::read(std::string{"/proc/pressure/"} + resource, procfs::parse_pressure);
    if (pressure)
      result[resource] = {{"some_10s", rounded(pressure->some_10s, 2)},
                          {"some_60s", rounded(pressure->some_60s, 2)},
                          {"full_10s", rounded(pressure->full_10s, 2)},
                          {"full_60s", rounded(pressure->full_60s, 2)}};
  }
  return result;
}

json::object limits_of(const health_thresholds& thresholds) {
  auto pair = [](const threshold& x) { return json::object{{"warning", x.warning}, {"critical", x.critical}}; };
  return {{"cpu", pair(thresholds.cpu)}, {"memory", pair(thresholds.memory)}, {"disk", pair(thresholds.disk)}};
}

json::array reasons_of(const judgement& judged) {
  json::array result;
  for (const auto& reason : judged.reasons)
    result.push_back({{"level", std::string{name_of(reason.level)}},
                      {"metric", reason.metric},
                      {"resource", reason.resource},
                      {"text", reason.text}});
  return result;
}

json::object report_of(const machine_state& state, const health_values& values, const judgement& judged) {
  const auto* disk = main_filesystem(state.filesystems);
  json::object result{{"verdict", std::string{name_of(judged.level)}},
                      {"reasons", reasons_of(judged)},
                      {"status", std::string{status_of(judged.level)}},
                      {"timestamp", iso_time(now())},
                      {"cpu_usage", percent_or_null(values.cpu)},
                      {"memory_usage", percent_or_null(values.memory)}};
  result["memory_available"] = state.memory ? json::value(state.memory->available) : json::value(nullptr);
  result["disk_usage"] = disk != nullptr ? json::value(rounded(disk->used_percent)) : json::value(nullptr);
  result["disk_free"] = disk != nullptr ? json::value(disk->free_bytes) : json::value(nullptr);
  result["cpu"] = cpu_of(state, values);
  result["load"] = load_of(state);
  result["memory"] = memory_of(state, values);
  result["filesystems"] = filesystems_of(state);
  result["pressure"] = pressure_now();
  result["uptime_s"] = state.uptime_s ? json::value(*state.uptime_s) : json::value(nullptr);
  return result;
}

std::string read_threshold(const json::object& thresholds, std::string_view name, threshold& limits) {
  const auto* given = thresholds.if_contains({name.data(), name.size()});
  if (given == nullptr)
    return {};
  auto path = "thresholds." + std::string{name};
  if (!given->is_object())
    return "payload." + path + " must be an object like {\"warning\": 80, \"critical\": 95}";
  for (const auto& [key, value] : given->get_object())
    if (key != "warning" && key != "critical")
      return "payload." + path + "." + std::string{key.data(), key.size()} + " is unknown; known: warning, critical";
  for (auto [key, field] : {std::pair{"warning", &limits.warning}, std::pair{"critical", &limits.critical}})
    if (auto error = read_number(given->get_object(), key, path + "." + key, 0, 100, *field); !error.empty())
      return error;
  if (limits.warning > limits.critical)
    return "payload." + path + ": warning (" + json_text(limits.warning) + ") must not be above critical ("
           + json_text(limits.critical) + ")";
  return {};
}

} // namespace

std::string parse_options(std::string_view payload, system_health_options& options) {
  json::object fields;
  if (auto error = parse_payload(payload, fields); !error.empty())
    return error;
  auto sample_ms = static_cast<double>(options.sample.count());
  if (auto error = read_number(fields, "sample_ms", "sample_ms", 10, 60'000, sample_ms); !error.empty())
    return error;
  options.sample = milliseconds{static_cast<int64_t>(sample_ms)};
  const auto* given = fields.if_contains("thresholds");
  if (given == nullptr)
    return {};
  if (!given->is_object())
    return "payload.thresholds must be an object with cpu, memory or disk";
  const auto& thresholds = given->get_object();
  for (const auto& [key, value] : thresholds)
    if (key != "cpu" && key != "memory" && key != "disk")
      return "payload.thresholds." + std::string{key.data(), key.size()} + " is unknown; known: cpu, memory, disk";
  auto error = read_threshold(thresholds, "cpu", options.thresholds.cpu);
  if (error.empty())
    error = read_threshold(thresholds, "memory", options.thresholds.memory);
  if (error.empty())
    error = read_threshold(thresholds, "disk", options.thresholds.disk);
  return error;
}

outcome run_system_health(const attempt_context& ctx) {
  system_health_options options;
  if (auto error = parse_options(ctx.payload(), options); !error.empty())
    return outcome::failed_for_good(error);
  machine_state state;
  if (!look(ctx, options.sample, state))
    return outcome::failed("stopped before the check was done");
  auto values = values_of(state);
  auto judged = judge(values, options.thresholds);
  auto report = report_of(state, values, judged);
  report["sample_ms"] = options.sample.count();
  report["thresholds"] = limits_of(options.thresholds);
  for (const auto& reason : judged.reasons)
    ctx.log(log_level::warning, reason.text);
  auto level = std::string{name_of(judged.level)};
  ctx.log(judged.level == verdict::healthy ? log_level::info : log_level::warning, "this machine is " + level);
  ctx.progress(100, level);
  return outcome::completed(json_text(report));
}

} // namespace overwatch
