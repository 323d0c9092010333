// kill -9 at any system call of the replacement of a range, and of the start that follows.

#include "tests/storage/temporary_directory.hpp"
#include "tests/storage/traced_kill.hpp"
#include "tests/storage/written_entries.hpp"

#include <gtest/gtest.h>

#include <random>

namespace overwatch::test {

namespace {

constexpr int rounds = 40;
constexpr uint64_t seed = 20261122;

using rows = std::map<std::string, std::string>;

rows rows_of(const store_reader& x) {
  rows result;
  for (auto i = x.scan(key_space::state, replaced_range.first, replaced_range.last); i->valid(); i->next())
    result.emplace(i->key(), i->value());
  return result;
}

int number_in(const store_reader& x, key_space space, const std::string& key) {
  auto value = x.get(space, key);
  return value ? std::stoi(*value) : 0;
}

/// All or nothing of one replacement.
void check(const store_reader& x, int begun) {
  auto number = number_in(x, key_space::log, "generation");
  EXPECT_GE(number, begun - 1);
  EXPECT_LE(number, begun);
  EXPECT_EQ(number_in(x, key_space::state, "generation"), number);
  auto found = rows_of(x);
  if (found.count("m/after") > 0) {
    EXPECT_EQ(found["m/after"], std::to_string(number));
  }
  if (number_in(x, key_space::log, "after") == begun) {
    EXPECT_EQ(number, begun) << "it had returned";
  }
  // Of a write without a checkpoint before the crash, everything or nothing is left.
  if (found.count("m/before") > 0) {
    EXPECT_EQ(found["m/before"], std::to_string(begun)) << "replaced by none";
    EXPECT_EQ(number, begun - 1);
  }
  found.erase("m/after");
  found.erase("m/before");
  EXPECT_EQ(found, number == 0 ? rows{} : generation(number));
  EXPECT_EQ(x.get(key_space::log, "old " + std::to_string(begun)).has_value(), number == begun - 1);
}

} // namespace

TEST(ReplacementCrashTest, AKillLeavesTheOldOrTheNewContentAndNoFiles) {
  temporary_directory directory{place_in_memory()};
  auto data = directory.inside("data");
  open_small(data);
  auto run = [&](int number, uint64_t calls) {
    return run_and_kill_at({data, "replacement", std::to_string(number)}, calls);
  };
  auto calls = run(1, whole_run);
  if (!calls)
    GTEST_SKIP() << "no process may be traced here";
  check(*open_small(data), 1);
  std::mt19937_64 random{seed};
  int kept = 0;
  int replaced = 0;
  for (int number = 2, round = 0; round < rounds; ++round) {
    auto at = 1 + random() % *calls;
    ASSERT_TRUE(run(number, at));
    if (round % 2 == 0) { // a second crash, while it starts
      ASSERT_TRUE(run_and_kill_at({data, "open"}, 1 + random() % (2 * *calls)));
    }
    auto x = open_small(data);
    if (number_in(*x, key_space::log, "begun") != number)
      continue; // killed before it began: only by the time that counting starts
    check(*x, number);
    EXPECT_FALSE(std::filesystem::exists(data + "/staging/1")) << "nothing is left";
    (number_in(*x, key_space::log, "generation") == number ? replaced : kept) += 1;
    ASSERT_FALSE(testing::Test::HasFailure()) << "round " << round << ", killed at call " << at << " of " << *calls;
    number = number_in(*x, key_space::log, "generation") + 1;
    write_batch again;
    again.erase(key_space::log, "old " + std::to_string(number));
    again.erase(key_space::state, "m/before");
    ASSERT_EQ(x->write(again, true), store_result::done);
    ASSERT_EQ(x->checkpoint(), store_result::done);
  }
  EXPECT_GT(kept, rounds / 20) << "some kills came before the plan";
  EXPECT_GT(replaced, rounds / 4) << "some behind it";
}

} // namespace overwatch::test
