#include "actors/gate_condition.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

constexpr auto start = timestamp{1'800'000'000s};

/// Reads the values second by second; answers with `H` where it holds.
std::string run(const metric_condition& x, const std::vector<std::optional<double>>& values) {
  condition_state state;
  std::string result;
  auto now = start;
  for (const auto& value : values) {
    state = step(x, state, value, now);
    result += state.holding ? 'H' : '-';
    now += 1s;
  }
  return result;
}

metric_condition cpu(comparison side, double threshold, double margin, milliseconds lasting = 0ms) {
  return {"cpu_percent", side, threshold, margin, lasting};
}

} // namespace

TEST(GateConditionTest, HoldsFromTheThresholdOnAndEndsBeyondTheMargin) {
  EXPECT_EQ(run(cpu(comparison::above, 90, 5), {89.9, 90, 95, 88, 85, 84.9, 89.9, 90}), "-HHHH--H");
}

TEST(GateConditionTest, BelowIsTheMirrorImage) {
  EXPECT_EQ(run(cpu(comparison::below, 10, 5), {10.1, 10, 5, 12, 15, 15.1, 10.1, 10}), "-HHHH--H");
}

TEST(GateConditionTest, HasToLast) {
  EXPECT_EQ(run(cpu(comparison::above, 90, 5, 3s), {95, 95, 95, 95, 95}), "---HH");
  EXPECT_EQ(run(cpu(comparison::above, 90, 5, 3s), {95, 95, 95, 89, 95, 95, 95, 95}), "-------H")
    << "the time begins anew";
}

TEST(GateConditionTest, EndsAtOnceThoughItHadToLast) {
  EXPECT_EQ(run(cpu(comparison::above, 90, 5, 2s), {95, 95, 95, 80, 95}), "--H--");
}

TEST(GateConditionTest, ValueThatCannotBeReadLeavesTheState) {
  EXPECT_EQ(run(cpu(comparison::above, 90, 5), {95, std::nullopt, std::nan(""), 80, std::nullopt}), "HHH--");
  EXPECT_EQ(run(cpu(comparison::above, 90, 5, 2s), {95, std::nullopt, 95}), "--H");
}

TEST(GateConditionTest, NoMarginMeansTheThreshold) {
  EXPECT_EQ(run(cpu(comparison::above, 90, 0), {90, 89.99, 90}), "H-H");
}

TEST(GateConditionTest, ClockThatGoesBackDoesNotShortenTheTime) {
  auto x = cpu(comparison::above, 90, 5, 10s);
  auto state = step(x, {}, 95, start);
  state = step(x, state, 95, start - 1h);
  EXPECT_FALSE(step(x, state, 95, start - 1h + 9s).holding);
  EXPECT_TRUE(step(x, state, 95, start - 1h + 10s).holding);
}

TEST(GateConditionTest, ChangesOnlyForAReason) {
  EXPECT_TRUE(rc::check("it begins only beyond the threshold, ends only beyond the margin", [] {
    auto x = cpu(*rc::gen::element(comparison::above, comparison::below), *rc::gen::inRange(-50, 50),
                 *rc::gen::inRange(0, 20), *rc::gen::inRange(0, 4) * 1s);
    condition_state state;
    auto in_a_row = -1;
    auto now = start;
    for (auto value : *rc::gen::container<std::vector<int>>(200, rc::gen::inRange(-70, 70))) {
      auto before = state.holding;
      state = step(x, state, value, now);
      auto over = x.side == comparison::above ? value - x.threshold : x.threshold - value;
      in_a_row = over >= 0 ? in_a_row + 1 : -1;
      if (before)
        RC_ASSERT(state.holding == (over >= -x.margin));
      else
        RC_ASSERT(state.holding == (in_a_row >= 0 && in_a_row * 1s >= x.lasting));
      now += 1s;
    }
  }));
}

} // namespace overwatch
