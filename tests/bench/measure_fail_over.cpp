#include "tests/bench/bench_cluster.hpp"
#include "tests/bench/histogram.hpp"

#include <filesystem>
#include <iostream>
#include <stdexcept>

namespace overwatch::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::seconds longest_fail_over{60};

} // namespace

void measure_fail_over(const bench_options& options, report& results) {
  bench_cluster cluster{options, results, 3};
  histogram times;
  std::chrono::nanoseconds longest{0};
  for (uint32_t round = 0; round < options.fail_overs; ++round) {
    check_interrupted();
    auto follower = cluster.follower();
    auto leader = cluster.leader();
    if (!cluster.nodes().submit(leader))
      throw std::runtime_error{"a submit was refused before the leader was killed"};
    cluster.process(leader).kill();
    auto begin = clock::now();
    while (!cluster.nodes().submit(follower)) // the node tries again by itself, so this is one request, seldom two
      if (clock::now() - begin > longest_fail_over)
        throw std::runtime_error{"nothing was acknowledged for a minute after the leader was killed"};
    auto took = clock::now() - begin;
    times.add(took);
    longest = std::max<std::chrono::nanoseconds>(longest, took);
    std::cerr << "fail-over: round " << round + 1 << ", " << std::chrono::duration<double>(took).count() << " s\n";
    cluster.process(leader).start();
    cluster.wait_until_whole();
  }
  results.set("fail_over_rounds", options.fail_overs);
  results.set("fail_over_p50_ms", times.percentile_us(0.5) / 1000);
  results.set("fail_over_max_ms", std::chrono::duration<double, std::milli>(longest).count());
  cluster.stop();
}

} // namespace overwatch::bench
