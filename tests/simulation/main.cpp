#include "tests/simulation/log_cluster.hpp"
#include "tests/simulation/node_cluster.hpp"
#include "tests/simulation/seeds.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

/// Runs simulations of whole nodes, or of the replicated log alone: `simulation [--of nodes|log] [--seeds N] [--from S]
/// [--with MISTAKE] [--verbose]`. A failing seed is printed and ends the program with 1; the same seed fails the same
/// way again. A mistake is one of `mutation`: with it, seeds are to fail.
int main(int argc, char** argv) {
  using namespace overwatch::simulation;
  uint64_t seeds = 1000;
  uint64_t from = 1;
  bool verbose = false;
  std::string of = "nodes";
  auto fault = mutation::none;
  const std::map<std::string, mutation> faults{{"skip_sync", mutation::skip_sync},
                                               {"forget_vote", mutation::forget_vote},
                                               {"acknowledge_early", mutation::acknowledge_early},
                                               {"apply_twice", mutation::apply_twice},
                                               {"accept_stale", mutation::accept_stale},
                                               {"unheard_share", mutation::unheard_share},
                                               {"forget_slot", mutation::forget_slot},
                                               {"split_slots", mutation::split_slots},
                                               {"hasty_gate", mutation::hasty_gate},
                                               {"sleep_on", mutation::sleep_on},
                                               {"lease_asleep", mutation::lease_asleep}};
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
      seeds = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--from") == 0 && i + 1 < argc) {
      from = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--of") == 0 && i + 1 < argc) {
      of = argv[++i];
    } else if (std::strcmp(argv[i], "--with") == 0 && i + 1 < argc && faults.count(argv[i + 1]) > 0) {
      fault = faults.at(argv[++i]);
    } else if (std::strcmp(argv[i], "--verbose") == 0) {
      verbose = true;
    } else {
      of.clear();
    }
  }
  if (of != "nodes" && of != "log") {
    std::fprintf(stderr, "usage: simulation [--of nodes|log] [--seeds N] [--from S] [--with MISTAKE] [--verbose]\n");
    return 2;
  }
  auto run = [&](uint64_t seed) {
    return of == "log" ? to_string(log_cluster{seed, fault}.run())
                       : to_string(node_cluster{seed, fault}.run());
  };
  auto report = [&](const std::string& line) {
    if (verbose)
      std::printf("%s\n", line.c_str());
  };
  auto result = run_seeds(from, seeds, std::chrono::hours{24}, run, report, of == "log" ? 64 : 4);
  if (result.failure) {
    std::printf("seed %llu: %s", static_cast<unsigned long long>(result.failure->seed), result.failure->reason.c_str());
    return 1;
  }
  std::printf("%llu seeds passed\n", static_cast<unsigned long long>(result.done));
  return 0;
}
