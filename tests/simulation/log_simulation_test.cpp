#include "tests/simulation/log_cluster.hpp"
#include "tests/simulation/seeds.hpp"

#include <gtest/gtest.h>

#include <iostream>

/// The replicated log in simulated clusters. `simulation --seeds N --from S` runs more of the same seeds.
namespace overwatch::simulation {

namespace {

constexpr uint64_t first_seed = 1;
constexpr auto time_for_seeds = std::chrono::seconds{60};

// Seeds within which each mistake of a driver is found.
constexpr uint64_t seeds_for_mutation = 50;
constexpr uint64_t seeds_for_lease = 500; // somebody has to cut off a leader that sleeps, and another one to commit

std::string run(uint64_t seed, mutation fault = mutation::none) {
  return to_string(log_cluster{seed, fault}.run());
}

std::string finds(mutation fault, uint64_t seeds = seeds_for_mutation) {
  auto result = run_seeds(first_seed, seeds, std::chrono::minutes{2},
                          [&](uint64_t seed) { return run(seed, fault); });
  if (!result.failure)
    return "";
  std::cout << "found with seed " << result.failure->seed << ": " << result.failure->reason;
  return result.failure->reason;
}

} // namespace

TEST(LogSimulationTest, NothingIsLostAndAllAgreeInTheEnd) {
  auto result = run_seeds(first_seed, 1'000'000, time_for_seeds, [](uint64_t seed) { return run(seed); });
  if (result.failure)
    FAIL() << "simulation --seeds 1 --from " << result.failure->seed << "\n" << result.failure->reason;
  EXPECT_GE(result.done, 64u); // on a machine that does nothing else: some thousands
  std::cout << result.done << " seeds passed\n";
}

TEST(LogSimulationTest, SeedsReplayExactly) {
  for (uint64_t seed : {3, 11, 42})
    EXPECT_EQ(run(seed), run(seed));
}

TEST(LogSimulationTest, RunsDoWhatTheyAreFor) {
  run_report sum;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    auto x = log_cluster{seed}.run();
    sum.crashes += x.crashes;
    sum.snapshots += x.snapshots;
    sum.changes += x.changes;
    sum.terms += x.terms;
    sum.acknowledged += x.acknowledged;
    sum.sleeps += x.sleeps;
  }
  EXPECT_GT(sum.crashes, 100u);
  EXPECT_GT(sum.snapshots, 20u);
  EXPECT_GT(sum.changes, 40u);
  EXPECT_GT(sum.terms, 100u);
  EXPECT_GT(sum.acknowledged, 2000u);
  EXPECT_GT(sum.sleeps, 200u);
}

TEST(LogSimulationTest, FindsADiskThatSkipsTheSync) {
  EXPECT_NE(finds(mutation::skip_sync), "");
}

TEST(LogSimulationTest, FindsAForgottenVote) {
  EXPECT_NE(finds(mutation::forget_vote), "");
}

TEST(LogSimulationTest, FindsAnAcknowledgementBeforeTheCommit) {
  EXPECT_NE(finds(mutation::acknowledge_early), "");
}

TEST(LogSimulationTest, FindsAnEntryAppliedTwice) {
  EXPECT_NE(finds(mutation::apply_twice), "");
}

TEST(LogSimulationTest, FindsAFollowerThatSleepsOnWithoutItsLeader) {
  EXPECT_NE(finds(mutation::sleep_on), "");
}

TEST(LogSimulationTest, FindsALeaseThatIsHeldAsleep) {
  EXPECT_NE(finds(mutation::lease_asleep, seeds_for_lease), "");
}

} // namespace overwatch::simulation
