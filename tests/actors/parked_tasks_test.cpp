#include "actors/parked_tasks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace overwatch {

namespace {

task_id id_of(uint64_t n) { return {n << 16 | 0x7000, 0x8000000000000000ULL}; }

std::vector<uint64_t> numbers(const std::vector<std::pair<task_id, std::string>>& taken) {
  std::vector<uint64_t> result;
  for (const auto& [id, reason] : taken)
    result.push_back(id.high >> 16);
  return result;
}

} // namespace

TEST(ParkedTasksTest, NobodyIsLetGoBeforeTheReasonGoes) {
  parked_tasks parked;
  parked.insert("concurrency:a", {1, id_of(1)}, 1);
  EXPECT_TRUE(parked.take(10).empty());
  parked.release("concurrency:b", 1);
  EXPECT_TRUE(parked.take(10).empty());
}

TEST(ParkedTasksTest, FreedNameLetsTheFirstOneGo) {
  parked_tasks parked;
  parked.insert("concurrency:a", {7, id_of(1)}, 1);
  parked.insert("concurrency:a", {5, id_of(2)}, 2);
  parked.release("concurrency:a", 1);
  EXPECT_EQ(numbers(parked.take(10)), std::vector<uint64_t>{2});
  EXPECT_TRUE(parked.take(10).empty());
  parked.release("concurrency:a", 1);
  EXPECT_EQ(numbers(parked.take(10)), std::vector<uint64_t>{1});
  EXPECT_FALSE(parked.waits_for("concurrency:a"));
}

TEST(ParkedTasksTest, OpenedGateLetsAllGoInPieces) {
  parked_tasks parked;
  for (uint64_t n = 0; n < 1'000; ++n)
    parked.insert("gate:g", {n, id_of(n)}, n + 1);
  parked.release("gate:g", parked_tasks::all);
  std::set<uint64_t> gone;
  for (int i = 0; i < 10; ++i)
    for (auto n : numbers(parked.take(100)))
      gone.insert(n);
  EXPECT_EQ(gone.size(), 1'000u);
  EXPECT_EQ(parked.reasons(), 0u);
}

TEST(ParkedTasksTest, TaskThatIsParkedAgainStopsTheOthers) {
  parked_tasks parked;
  for (uint64_t n = 0; n < 10; ++n)
    parked.insert("concurrency:a", {n, id_of(n)}, n + 1);
  parked.release("concurrency:a", 3);
  EXPECT_EQ(parked.take(1).size(), 1u);
  parked.insert("concurrency:a", {0, id_of(0)}, 20);
  EXPECT_TRUE(parked.take(10).empty());
}

TEST(ParkedTasksTest, OtherPlaceSaysNothingAboutTheReason) {
  parked_tasks parked;
  parked.insert("concurrency:a", {5, id_of(1)}, 1);
  parked.insert("concurrency:a", {6, id_of(2)}, 2);
  parked.release("concurrency:a", 1);
  parked.erase("concurrency:a", {6, id_of(2)});
  parked.move("concurrency:a", {1, id_of(2)}, 3);
  EXPECT_EQ(numbers(parked.take(10)), std::vector<uint64_t>{2});
}

// A store with what is parked, behind a window that is read in pages that come late. Whenever a
// reason is gone and somebody waits for it, somebody is let go in the end.
namespace {

struct played_store {
  struct row {
    parked_tasks::place place;
    uint64_t index;
  };
  std::map<std::string, std::set<parked_tasks::place>> waiting;
  uint64_t applied = 0;

  parked_page page(const parked_request& x) const {
    parked_page result;
    result.reason = x.reason;
    result.applied = applied;
    result.exhausted = true;
    auto found = waiting.find(x.reason);
    if (found == waiting.end())
      return result;
    auto i = x.after ? found->second.upper_bound(*x.after) : found->second.begin();
    for (; i != found->second.end(); ++i) {
      if (result.tasks.size() == x.limit) {
        result.exhausted = false;
        break;
      }
      result.tasks.push_back(*i);
    }
    return result;
  }
};

} // namespace

TEST(ParkedTasksTest, NoWakeUpIsLost) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random{seed};
    const std::vector<std::string> reasons{"gate:g", "concurrency:a", "concurrency:b"};
    played_store db;
    auto next_id = uint64_t{1};
    auto add = [&](parked_tasks* parked, const std::string& reason) {
      parked_tasks::place place{random() % 1'000, id_of(next_id++)};
      ++db.applied;
      db.waiting[reason].insert(place);
      if (parked)
        parked->insert(reason, place, db.applied);
    };
    for (auto n = random() % 400; n > 0; --n)
      add(nullptr, reasons[random() % reasons.size()]);
    parked_tasks parked;
    for (const auto& [reason, tasks] : db.waiting)
      parked.expect(reason);
    std::vector<parked_page> on_their_way;
    // What is let go leaves the store if it is still there; else the next one is asked for, as the scheduler does.
    auto take = [&] {
      size_t gone = 0;
      for (const auto& [id, reason] : parked.take(1 + random() % 50)) {
        ++db.applied;
        auto& tasks = db.waiting[reason];
        auto found = std::find_if(tasks.begin(), tasks.end(), [&, &id = id](const auto& x) { return x.second == id; });
        if (found == tasks.end()) {
          parked.release(reason, 1);
        } else {
          tasks.erase(found);
          ++gone;
        }
      }
      return gone;
    };
    auto serve = [&](bool all) {
      for (const auto& wanted : parked.wanted_pages())
        on_their_way.push_back(db.page(wanted)); // what is applied from now on is not in it
      while (!on_their_way.empty() && (all || random() % 2)) {
        if (random() % 10)
          parked.add_page(on_their_way.back());
        else
          parked.page_failed(on_their_way.back().reason);
        on_their_way.pop_back();
      }
    };
    for (int step = 0; step < 300; ++step) {
      const auto& reason = reasons[random() % reasons.size()];
      switch (random() % 5) {
        case 0:
          add(&parked, reason);
          break;
        case 1: { // it is cancelled
          auto& tasks = db.waiting[reason];
          if (tasks.empty())
            break;
          auto gone = std::next(tasks.begin(), static_cast<std::ptrdiff_t>(random() % tasks.size()));
          if (random() % 2)
            parked.erase(reason, *gone); // else the window keeps it, and it is let go without harm
          tasks.erase(gone);
          ++db.applied;
          break;
        }
        case 2:
          parked.release(reason, reason == "gate:g" ? parked_tasks::all : 1);
          break;
        case 3:
          take();
          break;
        default:
          serve(false);
      }
    }
    for (const auto& reason : reasons) {
      auto left = db.waiting[reason].size();
      for (size_t released = 0; released < left; ++released) {
        auto before = db.waiting[reason].size();
        if (before == 0)
          break;
        parked.release(reason, 1);
        for (int i = 0; i < 200 && db.waiting[reason].size() == before; ++i) {
          take();
          serve(true);
        }
        ASSERT_LT(db.waiting[reason].size(), before) << "seed " << seed << ": nobody was let go for " << reason;
      }
      parked.release(reason, parked_tasks::all);
      for (int i = 0; i < 50; ++i) {
        take();
        serve(true);
      }
      ASSERT_TRUE(db.waiting[reason].empty()) << "seed " << seed;
    }
    ASSERT_EQ(parked.reasons(), 0u) << "seed " << seed << ": nothing is kept for reasons that nobody waits for";
  }
}

} // namespace overwatch
