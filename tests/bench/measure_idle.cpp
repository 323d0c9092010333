#include "tests/bench/bench_cluster.hpp"
#include "tests/bench/noop_load.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

namespace overwatch::bench {

namespace {

using clock = std::chrono::steady_clock;

/// What follows a start is over then: leaders are spread over the nodes, the groups of the log sleep, and who looks after
/// something now and then has found that there is nothing.
constexpr std::chrono::seconds settling{60};

/// Processor time that a process has used so far, of all its threads.
double processor_seconds(pid_t process) {
  std::ifstream file{"/proc/" + std::to_string(process) + "/stat"};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  auto name_end = text.rfind(')'); // the name before may contain anything
  if (name_end == std::string::npos)
    throw std::runtime_error{"the processor time of a node cannot be read"};
  std::istringstream fields{text.substr(name_end + 1)};
  std::string skipped;
  for (int field = 3; field < 14; ++field) // see proc(5): 14 and 15 are wanted
    fields >> skipped;
  uint64_t user = 0;
  uint64_t system = 0;
  fields >> user >> system;
  return static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::map<std::string, double> processor_seconds(bench_cluster& cluster) {
  std::map<std::string, double> result;
  for (const auto& name : cluster.nodes().names())
    result[name] = processor_seconds(cluster.process(name).pid());
  return result;
}

/// How much of a core the busiest node uses meanwhile, in percent.
double percent_within(bench_cluster& cluster, std::chrono::seconds time) {
  auto before = processor_seconds(cluster);
  auto start = clock::now();
  pause_until(start + time);
  auto after = processor_seconds(cluster);
  auto seconds = std::chrono::duration<double>(clock::now() - start).count();
  double busiest = 0;
  for (const auto& [name, used] : after)
    busiest = std::max(busiest, used - before[name]);
  return 100 * busiest / seconds;
}

} // namespace

void measure_idle(const bench_options& options, report& results) {
  for (unsigned partitions : bench_partitions) {
    bench_cluster cluster{options, results, 3, partitions};
    auto key = "idle" + std::to_string(partitions) + "_";
    results.set(key + "first_percent", percent_within(cluster, settling));
    results.set(key + "percent", percent_within(cluster, options.idle));
    uint64_t bytes = 0;
    for (const auto& name : cluster.nodes().names())
      bytes = std::max(bytes, cluster.process(name).resident_bytes());
    results.set(key + "mb", static_cast<double>(bytes) / (1 << 20));
    cluster.stop();
  }
}

} // namespace overwatch::bench
