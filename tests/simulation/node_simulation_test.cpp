#include "tests/simulation/node_cluster.hpp"
#include "tests/simulation/seeds.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

/// Whole nodes in simulated clusters. `simulation --seeds N --from S` runs more of the same seeds.
namespace overwatch::simulation {

namespace {

constexpr uint64_t first_seed = 1;
constexpr uint64_t batch = 8; ///< seeds of one process
constexpr std::chrono::seconds usual_time{100};
constexpr std::chrono::minutes time_for_mutation{4};
constexpr uint64_t seeds_for_mutation = 1'000; ///< within which each mistake is found; most with the first
constexpr uint64_t first_with_stale = 190; ///< a rare one: it is looked for near a seed that shows it

// OVERWATCH_SIMULATION_SECONDS: another time for the seeds.
std::chrono::seconds time_for_seeds() {
  const auto* seconds = std::getenv("OVERWATCH_SIMULATION_SECONDS");
  return seconds ? std::chrono::seconds{std::strtol(seconds, nullptr, 10)} : usual_time;
}

std::string run(uint64_t seed, mutation fault = mutation::none) { return to_string(node_cluster{seed, fault}.run()); }

std::string finds(mutation fault, uint64_t first = first_seed) {
  auto result = run_seeds(
    first, seeds_for_mutation, time_for_mutation, [&](uint64_t seed) { return run(seed, fault); }, {}, batch);
  if (!result.failure)
    return "";
  std::cout << "found with seed " << result.failure->seed << "\n";
  return result.failure->reason;
}

} // namespace

TEST(NodeSimulationTest, NothingIsLostAndAllAgreeInTheEnd) {
  uint64_t seed = first_seed;
  auto report = [&](const std::string& line) {
    if (seed % 50 == 0)
      std::cout << "seed " << seed << ": " << line << std::endl;
    ++seed;
  };
  auto result = run_seeds(first_seed, 1'000'000, time_for_seeds(), [](uint64_t x) { return run(x); }, report, batch);
  if (result.failure)
    FAIL() << "simulation --seeds 1 --from " << result.failure->seed << "\n" << result.failure->reason;
  EXPECT_GE(result.done, batch);
  std::cout << result.done << " seeds passed\n";
}

TEST(NodeSimulationTest, SeedsReplayExactly) {
  for (uint64_t seed : {1, 3, 5, 18}) // 1, 3 and 5 nodes, 1 and 3 partitions
    EXPECT_EQ(run(seed), run(seed));
}

TEST(NodeSimulationTest, RunsDoWhatTheyAreFor) {
  cluster_report sum;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    auto x = node_cluster{seed}.run();
    sum.crashes += x.crashes;
    sum.cuts += x.cuts;
    sum.disk_faults += x.disk_faults;
    sum.changes += x.changes;
    sum.tasks += x.tasks;
    sum.attempts += x.attempts;
    sum.current_reads += x.current_reads;
    sum.sleeps += x.sleeps;
    sum.slots += x.slots;
    sum.closed_gates += x.closed_gates;
  }
  EXPECT_GT(sum.crashes, 60u);
  EXPECT_GT(sum.cuts, 60u);
  EXPECT_GT(sum.disk_faults, 60u);
  EXPECT_GT(sum.changes, 40u);
  EXPECT_GT(sum.tasks, 500u);
  EXPECT_GT(sum.attempts, 500u);
  EXPECT_GT(sum.current_reads, 200u);
  EXPECT_GT(sum.sleeps, 30u);
  EXPECT_GT(sum.slots, 100u);
  EXPECT_GT(sum.closed_gates, 20u);
}

TEST(NodeSimulationTest, FindsADiskThatSkipsTheSync) { EXPECT_NE(finds(mutation::skip_sync), ""); }

TEST(NodeSimulationTest, FindsAForgottenVote) { EXPECT_NE(finds(mutation::forget_vote), ""); }

TEST(NodeSimulationTest, FindsAnAcknowledgementBeforeTheCommit) { EXPECT_NE(finds(mutation::acknowledge_early), ""); }

TEST(NodeSimulationTest, FindsAnEntryAppliedTwice) { EXPECT_NE(finds(mutation::apply_twice), ""); }

TEST(NodeSimulationTest, FindsSlotsThatAreNeverGivenOn) { EXPECT_NE(finds(mutation::unheard_share), ""); }

TEST(NodeSimulationTest, FindsAFollowerThatSleepsOnWithoutItsLeader) { EXPECT_NE(finds(mutation::sleep_on), ""); }

TEST(NodeSimulationTest, FindsAStaleTokenThatCounts) { EXPECT_NE(finds(mutation::accept_stale, first_with_stale), ""); }

TEST(NodeSimulationTest, FindsAGeneratorThatForgetsItsNewestSlot) { EXPECT_NE(finds(mutation::forget_slot), ""); }

TEST(NodeSimulationTest, FindsAGateThatIsClosedInOnePartition) { EXPECT_NE(finds(mutation::hasty_gate), ""); }

TEST(NodeSimulationTest, FindsSlotsThatAreNotStoredWithTheirTasks) { EXPECT_NE(finds(mutation::split_slots), ""); }

} // namespace overwatch::simulation
