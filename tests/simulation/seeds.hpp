#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace overwatch::simulation {

struct failed_seed {
  uint64_t seed = 0;
  std::string reason; ///< what the run threw, or wrote before it died
};

struct seeds_result {
  uint64_t done = 0;
  std::optional<failed_seed> failure; ///< the first
};

/// Runs `run` for `count` seeds from `first` on, until one fails or `limit` is over. Each `batch` is a process of its
/// own: a broken invariant ends that one, and is a failure like any other. `run` says in a word or two what happened,
/// which goes to `report` (in the calling process).
seeds_result run_seeds(uint64_t first, uint64_t count, std::chrono::seconds limit,
                       const std::function<std::string(uint64_t seed)>& run,
                       const std::function<void(const std::string&)>& report = {}, uint64_t batch = 64);

} // namespace overwatch::simulation
