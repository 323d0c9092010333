#include "actors/fair_clock.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace overwatch {

namespace {

// A queue by places, as the state machine keeps it.
struct fair_queue {
  uint64_t virtual_time = 0;
  uint64_t arrivals = 0;
  std::map<std::string, uint64_t> newest;
  std::set<std::tuple<uint64_t, uint64_t, std::string>> waiting; // place, arrival, flow

  void add(const std::string& flow) {
    auto place = newest[flow] = fair_place(virtual_time, newest[flow]);
    waiting.emplace(place, ++arrivals, flow);
  }
  std::string start() {
    auto [place, arrival, flow] = *waiting.begin();
    waiting.erase(waiting.begin());
    virtual_time = std::max(virtual_time, place);
    return flow;
  }
};

} // namespace

TEST(FairClockTest, FlowsTakeTurnsWhateverTheyHaveWaiting) {
  fair_queue queue;
  for (int i = 0; i < 10'000; ++i)
    queue.add("many");
  for (int i = 0; i < 50; ++i)
    queue.add("few");
  int few = 0;
  for (int started = 1; few < 50; ++started) {
    few += queue.start() == "few" ? 1 : 0;
    ASSERT_GE(few, started / 2) << "the k-th task of the small flow starts in the k-th round";
  }
}

TEST(FairClockTest, OneFlowIsFirstInFirstOut) {
  fair_queue queue;
  for (int i = 0; i < 100; ++i)
    queue.add("only");
  uint64_t last = 0;
  for (int i = 0; i < 100; ++i) {
    auto arrival = std::get<1>(*queue.waiting.begin());
    EXPECT_GT(arrival, last);
    last = arrival;
    queue.start();
  }
}

TEST(FairClockTest, FlowThatWasAwayDoesNotMakeUpForIt) {
  fair_queue queue;
  queue.add("away");
  for (int i = 0; i < 1'000; ++i)
    queue.add("busy");
  for (int i = 0; i < 500; ++i)
    queue.start();
  for (int i = 0; i < 100; ++i)
    queue.add("away");
  int away = 0;
  for (int i = 0; i < 100; ++i)
    away += queue.start() == "away" ? 1 : 0;
  EXPECT_NEAR(away, 50, 1);
}

// Between two flows that both have tasks waiting all the time, the numbers of starts never differ by more than one.
TEST(FairClockTest, FlowsThatWaitAllTheTimeStartEquallyOften) {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    std::mt19937 random{seed};
    auto flows = 2 + random() % 6;
    fair_queue queue;
    for (unsigned flow = 0; flow < flows; ++flow)
      for (auto n = 300 + random() % 50; n > 0; --n)
        queue.add(std::to_string(flow));
    std::map<std::string, int> started;
    for (unsigned i = 0; i < flows * 200; ++i) {
      ++started[queue.start()];
      if (random() % 3 == 0)
        queue.add(std::to_string(random() % flows));
      auto [low, high] = std::minmax_element(started.begin(), started.end(),
                                             [](const auto& x, const auto& y) { return x.second < y.second; });
      ASSERT_LE(high->second - (started.size() == flows ? low->second : 0), 1) << "seed " << seed << " start " << i;
    }
  }
}

} // namespace overwatch
