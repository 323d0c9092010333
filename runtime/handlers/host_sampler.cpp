#include "runtime/handlers/host_sampler.hpp"

#include "runtime/handlers/machine.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

namespace overwatch {

namespace {

using std::chrono::steady_clock;

// The clock ticks of all cores (a hundredth of a second each) below which a share is only noise.
constexpr uint64_t least_ticks = 20;

class host_sampler {
public:
  host_sampler(std::string data_dir, std::string root) : data_dir_{std::move(data_dir)}, root_{std::move(root)} {
    before_ = look();
  }

  std::map<std::string, double> sample() {
    std::map<std::string, double> result;
    auto set = [&result](const char* name, const std::optional<double>& value) {
      if (value)
        result[name] = *value;
    };
    std::lock_guard lock{mutex_};
    auto seen = look();
    set("memory_percent", memory_of(seen));
    set("disk_percent", disk());
    if (auto load = procfs::read(root_ + "/proc/loadavg", procfs::parse_loadavg); load && seen.system)
      result["load_per_core"] = load->one / std::max<uint32_t>(seen.system->cores, 1);
    judge_cpu(std::move(seen));
    set("cpu_percent", cpu_);
    return result;
  }

private:
  struct sight {
    steady_clock::time_point time;
    std::optional<procfs::system_stat> system;
    cgroup_limits groups;
  };

  sight look() const {
    return {steady_clock::now(), procfs::read(root_ + "/proc/stat", procfs::parse_stat), read_cgroup_limits(root_)};
  }

  void judge_cpu(sight&& seen) {
    if (!seen.system || !before_.system) {
      cpu_.reset();
    } else {
      if (seen.system->cpu.total() < before_.system->cpu.total() + least_ticks)
        return;
      cpu_ = procfs::shares_between(before_.system->cpu, seen.system->cpu).busy();
      auto seconds = std::chrono::duration<double>(seen.time - before_.time).count();
      if (auto share = share_of_quota(before_.groups, seen.groups, seconds))
        cpu_ = std::max(*cpu_, *share);
    }
    before_ = std::move(seen);
  }

  std::optional<double> memory_of(const sight& seen) const {
    auto memory = procfs::read(root_ + "/proc/meminfo", procfs::parse_meminfo);
    if (!memory)
      return std::nullopt;
    return std::max(used_percent(*memory), share_of_limit(seen.groups).value_or(0));
  }

  std::optional<double> disk() const {
    struct statvfs found {};
    if (::statvfs(data_dir_.c_str(), &found) != 0 || found.f_blocks == 0)
      return std::nullopt;
    return usage_of(found.f_blocks, found.f_bfree, found.f_bavail, found.f_frsize).used_percent;
  }

  const std::string data_dir_;
  const std::string root_;
  std::mutex mutex_;
  sight before_;
  std::optional<double> cpu_; // of the newest span that was long enough
};

} // namespace

std::function<std::map<std::string, double>()> make_host_sampler(std::string data_dir, std::string root) {
  auto sampler = std::make_shared<host_sampler>(std::move(data_dir), std::move(root));
  return [sampler] { return sampler->sample(); };
}

} // namespace overwatch
