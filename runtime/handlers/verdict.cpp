#include "runtime/handlers/verdict.hpp"

#include <algorithm>
#include <cstdio>

namespace overwatch {

namespace {

std::string percent(double x) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f %%", x);
  return text;
}

class judge_of_values {
public:
  explicit judge_of_values(judgement& result) : result_{result} {}

  void compare(const std::string& metric, const std::string& resource, const std::string& subject, double value,
               const threshold& limits) {
    auto found = subject + " is at " + percent(value);
    if (value >= limits.critical)
      add(verdict::critical, metric, resource, found + ", critical from " + percent(limits.critical));
    else if (value >= limits.warning)
      add(verdict::degraded, metric, resource, found + ", high from " + percent(limits.warning));
  }

  void add(verdict level, const std::string& metric, const std::string& resource, std::string text) {
    result_.level = std::max(result_.level, level);
    result_.reasons.push_back({level, metric, resource, std::move(text)});
  }

private:
  judgement& result_;
};

} // namespace

std::string_view name_of(verdict x) {
  switch (x) {
    case verdict::healthy:
      return "healthy";
    case verdict::degraded:
      return "degraded";
    case verdict::critical:
      return "critical";
  }
  return "critical";
}

std::string_view status_of(verdict x) {
  return x == verdict::degraded ? "warning" : name_of(x);
}

judgement judge(const health_values& values, const health_thresholds& thresholds) {
  judgement result;
  judge_of_values check{result};
  if (values.cpu)
    check.compare("cpu", "machine", "CPU", *values.cpu, thresholds.cpu);
  else
    check.add(verdict::degraded, "cpu", "machine", "CPU use cannot be read");
  if (values.cpu_of_quota)
    check.compare("cpu", "cgroup", "CPU quota of the cgroup", *values.cpu_of_quota, thresholds.cpu);
  if (values.memory)
    check.compare("memory", "machine", "memory", *values.memory, thresholds.memory);
  else
    check.add(verdict::degraded, "memory", "machine", "memory use cannot be read");
  if (values.memory_of_limit)
    check.compare("memory", "cgroup", "memory limit of the cgroup", *values.memory_of_limit, thresholds.memory);
  if (values.disks.empty())
    check.add(verdict::degraded, "disk", "machine", "no file system can be read");
  for (const auto& disk : values.disks) {
    check.compare("disk", disk.point, "file system " + disk.point, disk.used, thresholds.disk);
    check.compare("disk", disk.point, "inode table of " + disk.point, disk.inodes, thresholds.disk);
  }
  std::stable_sort(result.reasons.begin(), result.reasons.end(),
                   [](const auto& x, const auto& y) { return x.level > y.level; });
  return result;
}

double performance_score(double cpu, double memory, double disk) {
  auto left = [](double used) { return 100 - std::clamp(used, 0.0, 100.0); };
  return (left(cpu) + left(memory) + left(disk)) / 3;
}

verdict verdict_of_score(double score) {
  if (score < 50)
    return verdict::critical;
  return score < 70 ? verdict::degraded : verdict::healthy;
}

} // namespace overwatch
