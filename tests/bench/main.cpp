#include "tests/bench/bench.hpp"
#include "tests/support/process/node_api.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <stdexcept>

namespace overwatch::bench {

namespace {

constexpr uint32_t noop_slots = 4096;

struct part {
  std::string name;
  void (*measure)(const bench_options&, report&);
};

const std::vector<part>& parts() {
  static const std::vector<part> all{
    {"limits", measure_limits},         {"http", measure_http},   {"caf", measure_caf},
    {"end-to-end", measure_end_to_end}, {"start", measure_start}, {"deep", measure_deep},
    {"decisions", measure_decisions},   {"snapshot", measure_snapshot}, {"backup", measure_backup},
    {"scan", measure_scan},
  };
  return all;
}

const std::vector<part>& cluster_parts() {
  static const std::vector<part> all{
    {"log", measure_log},           {"cluster", measure_cluster},   {"partitions", measure_partitions},
    {"catch-up", measure_catch_up}, {"fail-over", measure_fail_over}, {"idle", measure_idle},
  };
  return all;
}

struct command_line {
  bench_options options;
  std::vector<std::string> only;
  bool cluster = false;
  unsigned seconds = 5;
  unsigned idle_seconds = 30;
  bool json = false;
  std::string json_file;
};

void declare(CLI::App& app, command_line& line) {
  std::vector<std::string> names;
  std::string listed;
  for (const auto* all : {&parts(), &cluster_parts()})
    for (const auto& x : *all) {
      names.push_back(x.name);
      listed += " " + x.name;
    }
  app.add_option("--overwatch", line.options.binary, "The node's binary; default: the one of this build");
  app.add_flag("--json", line.json, "Print one JSON object instead of the table");
  app.add_option("--json-file", line.json_file, "Write the JSON object to a file, beside the table");
  app.add_option("--only", line.only, "Parts to measure, of:" + listed)->delimiter(',')->check(CLI::IsMember(names));
  app.add_flag("--cluster", line.cluster, "Measure limits and the parts of a cluster instead of those of one node");
  app.add_option("--fail-overs", line.options.fail_overs, "Leaders to kill")->check(CLI::Range(1, 10'000));
  app.add_option("--idle-seconds", line.idle_seconds, "How long idle clusters are watched")->check(CLI::Range(1, 3600));
  app.add_option("--seconds", line.seconds, "Length of each timed measurement")->check(CLI::Range(1, 600));
  app.add_option("--tasks", line.options.tasks, "Tasks of the end-to-end run")->check(CLI::Range(500, 100'000'000));
  app.add_option("--deep", line.options.deep, "Tasks in the deep queue")->check(CLI::Range(10'000, 100'000'000));
  app.add_option("--snapshot-mb", line.options.snapshot_mb, "Size of the tree that is captured and restored")
    ->check(CLI::Range(1, 100'000));
  app.add_option("--scan-files", line.options.scan_files, "Files in the tree that is scanned")
    ->check(CLI::Range(1000, 100'000'000));
  app.add_option("--connections", line.options.connections, "HTTP connections")->check(CLI::Range(1, 64));
  app.add_option("--kill", line.options.kill_rounds,
                 "Only this: so many rounds of kill -9 under load, then a count of what is there");
}

/// Without `--only`: the parts of one node, or limits and those of a cluster.
std::vector<part> chosen(const command_line& line) {
  std::vector<part> result;
  auto named = [&](const part& x) { return std::find(line.only.begin(), line.only.end(), x.name) != line.only.end(); };
  for (const auto& x : parts())
    if (line.only.empty() ? !line.cluster || x.name == "limits" : named(x))
      result.push_back(x);
  for (const auto& x : cluster_parts())
    if (line.only.empty() ? line.cluster : named(x))
      result.push_back(x);
  return result;
}

int run(const command_line& line) {
  catch_interrupts();
  auto on = describe_machine();
  report results;
  auto measure = [&](const part& x) {
    check_interrupted();
    std::cerr << "measuring " << x.name << " ...\n";
    x.measure(line.options, results);
  };
  if (line.options.kill_rounds > 0)
    measure({"kill", measure_kill});
  else
    for (const auto& x : chosen(line))
      measure(x);
  if (line.json)
    results.print_json(std::cout, on);
  else
    results.print_table(std::cout, on);
  if (!line.json_file.empty()) {
    std::ofstream file{line.json_file};
    results.print_json(file, on);
  }
  return 0;
}

} // namespace

support::node_options bench_node(const bench_options& options) {
  support::node_options result;
  result.binary = options.binary;
  result.max_concurrent_tasks = noop_slots;
  result.slots["noop"] = noop_slots;
  return result;
}

std::unique_ptr<support::node_process> start_node(const bench_options& options, report& results, bool caf) {
  auto node = bench_node(options);
  node.caf = caf;
  auto result = std::make_unique<support::node_process>(std::move(node));
  result->start();
  results.set_version(support::node_api{result->http_port()}.version());
  return result;
}

} // namespace overwatch::bench

int main(int argc, char** argv) {
  using namespace overwatch;
  bench::command_line line;
  line.options.binary = support::built_node_binary();
  CLI::App app{"Measures an Overwatch node from outside, on the disk of the current directory."};
  bench::declare(app, line);
  CLI11_PARSE(app, argc, argv);
  line.options.duration = std::chrono::seconds{line.seconds};
  line.options.idle = std::chrono::seconds{line.idle_seconds};
  if (line.options.binary.empty()) {
    std::cerr << "overwatch-bench: no node found in this build; name one with --overwatch PATH\n";
    return 2;
  }
  try {
    return bench::run(line);
  } catch (const std::exception& error) {
    std::cerr << "overwatch-bench: " << error.what() << "\n";
    return 1;
  }
}
