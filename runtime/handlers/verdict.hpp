#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch {

/// How well the machine is: the words of the model's health statuses.
enum class verdict : unsigned char { healthy, degraded, critical };

std::string_view name_of(verdict x);

/// The word that clients of the seed system know for it: `warning` where we say degraded.
std::string_view status_of(verdict x);

/// Percent; a value at or above one has reached it.
struct threshold {
  double warning = 0;
  double critical = 0;
};

struct health_thresholds {
  threshold cpu{80, 95};
  threshold memory{85, 95};
  threshold disk{90, 95}; ///< bytes and inodes of every file system
};

/// What is judged, in percent. What could not be read is missing.
struct health_values {
  struct disk {
    std::string point;
    double used = 0;
    double inodes = 0;
  };

  std::optional<double> cpu;
  std::optional<double> cpu_of_quota; ///< of the cgroup; only where there is a quota
  std::optional<double> memory;
  std::optional<double> memory_of_limit; ///< of the cgroup; only where there is a limit
  std::vector<disk> disks;
};

struct health_reason {
  verdict level = verdict::healthy;
  std::string metric;   ///< cpu, memory or disk
  std::string resource; ///< `machine`, `cgroup` or a mount point
  std::string text;     ///< a sentence
};

struct judgement {
  verdict level = verdict::healthy; ///< the worst of the reasons
  std::vector<health_reason> reasons; ///< the worst first; empty when healthy
};

/// CPU, memory and disks that could not be read at all degrade: nobody knows.
judgement judge(const health_values& values, const health_thresholds& thresholds);

/// 0 to 100: the mean of what is left of CPU, memory and disk.
double performance_score(double cpu, double memory, double disk);

/// That formula and its limits, for people.
inline constexpr std::string_view performance_formula =
  "score = ((100 - cpu) + (100 - memory) + (100 - disk)) / 3, each used share in percent; "
  "below 70 degraded, below 50 critical";

verdict verdict_of_score(double score);

} // namespace overwatch
