#include "actors/slot_shares.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <numeric>

namespace overwatch {

namespace {

using shares = std::vector<uint32_t>;

slot_claim wants(uint32_t normal, uint32_t critical = 0, uint32_t background = 0) {
  slot_claim x;
  x.demand = {critical, 0, normal, 0, background};
  return x;
}

uint64_t demand_of(const slot_claim& x, size_t levels = priority_names.size()) {
  return std::accumulate(x.demand.begin(), x.demand.begin() + static_cast<std::ptrdiff_t>(levels), uint64_t{0});
}

uint64_t sum(const shares& x) { return std::accumulate(x.begin(), x.end(), uint64_t{0}); }

struct scene {
  uint32_t total = *rc::gen::inRange<uint32_t>(0, 60);
  std::vector<slot_claim> claims;
  size_t wanting = 0;

  scene() {
    claims.resize(*rc::gen::inRange<size_t>(1, 10));
    for (auto& x : claims) {
      for (auto& n : x.demand)
        n = *rc::gen::weightedOneOf<uint32_t>({{3, rc::gen::just(0u)}, {2, rc::gen::inRange(0u, 30u)}});
      x.busy = *rc::gen::inRange(0u, 12u);
      x.promised = *rc::gen::inRange(0u, 12u);
      wanting += demand_of(x) > 0 ? 1 : 0;
    }
  }
};

} // namespace

// -- what they should come to --------------------------------------------------

TEST(SlotSharesTest, SlotsThatNobodyWantsAreSpread) {
  EXPECT_EQ(fair_shares(16, std::vector<slot_claim>(8)), shares(8, 2));
  EXPECT_EQ(fair_shares(10, std::vector<slot_claim>(4)), (shares{3, 3, 2, 2}));
}

TEST(SlotSharesTest, OneThatIsAloneHasAll) { EXPECT_EQ(fair_shares(10, {wants(0)}), shares{10}); }

TEST(SlotSharesTest, WhoWantsLittleGetsItAndTheOthersShareTheRest) {
  EXPECT_EQ(fair_shares(10, {wants(2), wants(100), wants(7)}), (shares{2, 4, 4}));
}

TEST(SlotSharesTest, HigherPrioritiesComeFirstButLeaveOneToEach) {
  EXPECT_EQ(fair_shares(10, {wants(100), wants(0, 100)}), (shares{1, 9}));
}

TEST(SlotSharesTest, WhereThereAreTooFewTheEarlierOnesComeFirst) {
  EXPECT_EQ(fair_shares(2, {wants(5), wants(5), wants(5)}), (shares{1, 1, 0}));
  EXPECT_EQ(fair_shares(2, {wants(5), wants(5), wants(0, 5)}), (shares{0, 0, 2}));
}

TEST(SlotSharesTest, AllSlotsAreGivenAndNeverMore) {
  EXPECT_TRUE(rc::check([] {
    scene x;
    RC_ASSERT(sum(fair_shares(x.total, x.claims)) == x.total);
  }));
}

TEST(SlotSharesTest, NobodyStarves) {
  EXPECT_TRUE(rc::check([] {
    scene x;
    RC_PRE(x.wanting <= x.total);
    auto fair = fair_shares(x.total, x.claims);
    for (size_t i = 0; i < fair.size(); ++i)
      RC_ASSERT(fair[i] > 0 || demand_of(x.claims[i]) == 0);
  }));
}

TEST(SlotSharesTest, NobodyHasMoreThanItWantsWhileAnotherWantsMore) {
  EXPECT_TRUE(rc::check([] {
    scene x;
    auto fair = fair_shares(x.total, x.claims);
    auto unmet = false;
    for (size_t i = 0; i < fair.size(); ++i)
      unmet = unmet || fair[i] < demand_of(x.claims[i]);
    for (size_t i = 0; i < fair.size(); ++i)
      RC_ASSERT(!unmet || fair[i] <= demand_of(x.claims[i]));
  }));
}

TEST(SlotSharesTest, OfOnePriorityNobodyHasMoreAtTheCostOfOneWithLess) {
  EXPECT_TRUE(rc::check([] {
    scene x;
    for (auto& claim : x.claims)
      claim = wants(static_cast<uint32_t>(demand_of(claim)));
    auto fair = fair_shares(x.total, x.claims);
    for (size_t i = 0; i < fair.size(); ++i)
      for (size_t j = 0; j < fair.size(); ++j)
        RC_ASSERT(fair[i] <= fair[j] + 1 || fair[j] >= demand_of(x.claims[j]));
  }));
}

TEST(SlotSharesTest, LowerPrioritiesGetNothingWhileHigherOnesWant) {
  EXPECT_TRUE(rc::check([] {
    scene x;
    auto fair = fair_shares(x.total, x.claims);
    for (size_t levels = 1; levels < priority_names.size(); ++levels) {
      auto lower = false; // has somebody more than one for what is below?
      for (size_t i = 0; i < fair.size(); ++i)
        lower = lower || fair[i] > std::max<uint64_t>(1, demand_of(x.claims[i], levels));
      for (size_t i = 0; i < fair.size(); ++i)
        RC_ASSERT(!lower || fair[i] >= demand_of(x.claims[i], levels));
    }
  }));
}

// -- on the way there ----------------------------------------------------------

TEST(SlotSharesTest, WhatIsPromisedOrTakenIsNotGivenToAnother) {
  auto first = wants(10);
  first.promised = 10;
  first.busy = 3;
  auto second = wants(10);
  EXPECT_EQ(shares_for_now(10, {first, second}, {5, 5}), (shares{5, 0}));
  first.promised = 5; // it has answered
  EXPECT_EQ(shares_for_now(10, {first, second}, {5, 5}), (shares{5, 5}));
  first.busy = 8;
  EXPECT_EQ(shares_for_now(10, {first, second}, {5, 5}), (shares{5, 2}));
}

TEST(SlotSharesTest, NeverMoreIsGivenThanIsFree) {
  EXPECT_TRUE(rc::check([] {
    scene x;
    auto next = shares_for_now(x.total, x.claims, fair_shares(x.total, x.claims));
    uint64_t before = 0;
    uint64_t after = 0;
    for (size_t i = 0; i < next.size(); ++i) {
      auto committed = std::max(x.claims[i].busy, x.claims[i].promised);
      before += committed;
      after += std::max(committed, next[i]);
    }
    RC_ASSERT(after <= std::max<uint64_t>(before, x.total));
  }));
}

TEST(SlotSharesTest, SharesComeToTheFairOnesAndStayThere) {
  EXPECT_TRUE(rc::check([] {
    scene x;
    auto fair = fair_shares(x.total, x.claims);
    shares next;
    for (int round = 0; round < 3; ++round) { // all answer, and what is above a share ends
      next = shares_for_now(x.total, x.claims, fair);
      for (size_t i = 0; i < next.size(); ++i) {
        x.claims[i].promised = next[i];
        x.claims[i].busy = std::min(x.claims[i].busy, next[i]);
      }
      RC_ASSERT(fair_shares(x.total, x.claims) == fair);
    }
    RC_ASSERT(next == fair);
  }));
}

TEST(SlotSharesTest, ShortMeansThatMoreIsWantedThanThereIs) {
  EXPECT_FALSE(is_short(10, {wants(4), wants(6)}));
  EXPECT_TRUE(is_short(10, {wants(4), wants(6, 1)}));
}

} // namespace overwatch
