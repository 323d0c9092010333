// Random faults, round after round, from a seed, on clusters of three and five nodes under load. Afterwards the history
// of all clients is judged.

#include "tests/cluster/fault_cluster.hpp"
#include "tests/support/process/eventually.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <random>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

using std::chrono::milliseconds;
using support::eventually;
using ::testing::IsEmpty;

constexpr unsigned default_rounds = 3;
constexpr unsigned default_seed = 1; // every run of all tests makes the same faults

/// For a fault that leaves a majority: until a submit that begins behind it is acknowledged.
constexpr auto fail_over_limit = 30s;

/// How long a fault lasts at most.
constexpr unsigned longest_ms = 4000;

unsigned number_from_environment(const char* name, unsigned otherwise) {
  const auto* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

class FaultRoundsTest : public ::testing::TestWithParam<unsigned> {
protected:
  struct fault {
    std::string name;
    bool majority_works; ///< meanwhile
    std::function<void()> begin;
    std::function<void()> end; ///< beside `repair`
  };

  void SetUp() override {
    seed_ = number_from_environment("OVERWATCH_FAULT_SEED", default_seed);
    random_.seed(seed_);
    rounds_ = number_from_environment("OVERWATCH_FAULT_ROUNDS", default_rounds);
    std::cout << "OVERWATCH_FAULT_ROUNDS=" << rounds_ << " OVERWATCH_FAULT_SEED=" << seed_ << std::endl;
    fault_cluster_options options;
    options.nodes = GetParam();
    options.partitions = number_from_environment("OVERWATCH_FAULT_PARTITIONS", 1);
    options.seed = seed_;
    options.network = options.small_disks = true;
    try {
      all_ = std::make_unique<fault_cluster>(options);
    } catch (const std::runtime_error& error) {
      std::cout << "without faults of network and disks: " << error.what() << std::endl;
      options.network = options.small_disks = has_disks_and_network_ = false;
      all_ = std::make_unique<fault_cluster>(options);
    }
    all_->start();
  }

  unsigned any(size_t below) { return static_cast<unsigned>(random_() % below); }

  /// Some node: every second time the one that leads.
  std::string any_node() { return any(2) == 0 ? all_->leader() : all_->names()[any(all_->names().size())]; }

  /// So many that the others are no majority, or are one.
  std::vector<std::string> any_nodes(size_t count) {
    auto result = all_->names();
    std::shuffle(result.begin(), result.end(), random_);
    result.resize(count);
    return result;
  }

  size_t minority() const { return (all_->names().size() - 1) / 2; }
  support::node_process& process(const std::string& name) { return all_->nodes().process(name); }

  template <class Action>
  auto for_each_of(std::vector<std::string> names, Action action) {
    return [names = std::move(names), action] { std::for_each(names.begin(), names.end(), action); };
  }

  std::vector<fault> process_faults() {
    auto kill = [this](const std::string& x) { process(x).kill(); };
    auto freeze = [this](const std::string& x) { process(x).freeze(); };
    auto one = any_node();
    return {
      {"kill " + one, true, [=] { kill(one); }, {}},
      {"freeze " + one, true, [=] { freeze(one); }, {}},
      {"stop " + one, true, [=] { process(one).stop(); }, {}},
      {"lose the disk of " + one, true, [=] { all_->nodes().lose_disk(one); }, {}},
      {"hand over leadership", true, [=] { all_->nodes().ask(one, "/cluster/partitions/0/transfer", {}, "POST"); }, {}},
      {"kill a minority", true, for_each_of(any_nodes(minority()), kill), {}},
      {"freeze a majority", false, for_each_of(any_nodes(minority() + 1), freeze), {}},
      {"kill a majority", false, for_each_of(any_nodes(minority() + 1), kill), {}},
      {"kill all", false, for_each_of(all_->names(), kill), {}},
    };
  }

  void cut(const std::string& from, const std::string& to) { all_->network().cut(from, to); }

  std::vector<fault> outer_faults() {
    auto one = any_node();
    auto others = all_->names_but(one);
    auto other = others[any(others.size())];
    auto fill = [this](const std::string& x) { all_->disk(x).fill(0); };
    auto fill_some = fault{"fill the disks of a minority", true, for_each_of(any_nodes(minority()), fill), {}};
    // A leader whose disk is full keeps the lead and says so: nothing is accepted until there is room.
    fill_some.majority_works = false;
    return {
      {"cut off " + one, true,
       for_each_of(others, [=](const auto& x) { cut(one, x), cut(x, one); }), {}},
      {"nobody hears " + one, true, for_each_of(others, [=](const auto& x) { cut(one, x); }), {}},
      {one + " hears nobody", true, for_each_of(others, [=](const auto& x) { cut(x, one); }), {}},
      {"cut between " + one + " and " + other, true, [=] { cut(one, other), cut(other, one); }, {}},
      {"lossy links", true, for_each_of(all_->names(), [this](const auto& x) { all_->network().lose(x, 10); }), {}},
      fill_some,
      {"fill all disks", false, for_each_of(all_->names(), fill), {}},
    };
  }

  fault any_fault() {
    auto all = process_faults();
    if (has_disks_and_network_)
      for (auto& x : outer_faults())
        all.push_back(std::move(x));
    return all[any(all.size())];
  }

  void play_round(unsigned number) {
    auto x = any_fault();
    auto duration = milliseconds{any(longest_ms)};
    std::cout << "round " << number << ": " << x.name << " for " << duration.count() << " ms" << std::flush;
    x.begin();
    if (x.majority_works) {
      auto took = all_->load().time_to_acknowledge(fail_over_limit);
      ASSERT_TRUE(took) << "a majority is up, but nothing is acknowledged; " << all_->load().problem();
      waits_.push_back(*took);
      std::cout << ", next submit acknowledged after " << took->count() << " ms";
    }
    all_->load().go_on(duration);
    auto begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(all_->repair()) << "the nodes are not whole again";
    ASSERT_TRUE(all_->load().time_to_acknowledge(fail_over_limit)) << all_->load().problem();
    repairs_.push_back(std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin));
    std::cout << ", whole again after " << repairs_.back().count() << " ms" << std::endl;
  }

  static void print(const char* what, std::vector<milliseconds> all) {
    if (all.empty())
      return;
    std::sort(all.begin(), all.end());
    std::cout << what << ": p50 " << all[all.size() / 2].count() << " ms, max " << all.back().count() << " ms of "
              << all.size() << std::endl;
  }

  unsigned seed_ = 0;
  unsigned rounds_ = 0;
  bool has_disks_and_network_ = true;
  std::mt19937 random_;
  std::unique_ptr<fault_cluster> all_;
  std::vector<milliseconds> waits_;
  std::vector<milliseconds> repairs_;
};

INSTANTIATE_TEST_SUITE_P(Nodes, FaultRoundsTest, ::testing::Values(3u, 5u),
                         [](const auto& x) { return std::to_string(x.param); });

TEST_P(FaultRoundsTest, EveryPromiseIsKept) {
  for (unsigned i = 0; i < rounds_ && !HasFailure(); ++i)
    play_round(i + 1);
  auto violations = all_->judge();
  EXPECT_THAT(violations, IsEmpty());
  auto counts = all_->record().counts();
  std::cout << counts.acknowledged << " tasks acknowledged, " << counts.refused << " refused, " << counts.unknown
            << " without an answer; " << counts.sights << " tasks and " << counts.registers_read << " registers read, "
            << counts.registers_written << " written; " << counts.starts << " commands begun; " << violations.size()
            << " violations" << std::endl;
  print("next submit acknowledged after a fault", waits_);
  print("whole again", repairs_);
  if (HasFailure())
    all_->nodes().print_logs();
}

} // namespace

} // namespace overwatch
