#include "tests/simulation/log_cluster.hpp"
#include "tests/simulation/seeds.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

/// Runs the simulation of the replicated log: `simulation --seeds N --from S [--verbose]`. A failing seed is printed
/// and ends the program with 1; the same seed fails the same way again.
int main(int argc, char** argv) {
  using namespace overwatch::simulation;
  uint64_t seeds = 1000;
  uint64_t from = 1;
  bool verbose = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
      seeds = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--from") == 0 && i + 1 < argc) {
      from = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--verbose") == 0) {
      verbose = true;
    } else {
      std::fprintf(stderr, "usage: simulation [--seeds N] [--from S] [--verbose]\n");
      return 2;
    }
  }
  auto run = [](uint64_t seed) { return to_string(log_cluster{seed}.run()); };
  auto report = [&](const std::string& line) {
    if (verbose)
      std::printf("%s\n", line.c_str());
  };
  auto result = run_seeds(from, seeds, std::chrono::hours{24}, run, report);
  if (result.failure) {
    std::printf("seed %llu: %s", static_cast<unsigned long long>(result.failure->seed), result.failure->reason.c_str());
    return 1;
  }
  std::printf("%llu seeds passed\n", static_cast<unsigned long long>(result.done));
  return 0;
}
