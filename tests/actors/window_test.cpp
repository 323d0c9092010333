#include "actors/window.hpp"

#include <gtest/gtest.h>

#include <random>

namespace overwatch {

namespace {

using int_window = window<int>;

/// A sorted range of a store and a window over it, the way a scheduler uses them: pages are asked for, read some
/// entries later, and arrive after still more changes.
struct world {
  explicit world(size_t limit, std::set<int> stored) : stored{std::move(stored)}, shown{limit, this->stored.empty()} {}

  void insert(int key) {
    ++applied;
    if (stored.insert(key).second)
      shown.insert(key, applied);
  }

  void erase(int key) {
    ++applied;
    stored.erase(key);
    shown.erase(key);
  }

  void ask() {
    if (!shown.wants_page())
      return;
    asked = true;
    after = shown.page_start();
    size = shown.page_size();
  }

  /// The page as the store has it now.
  void read() {
    page.clear();
    auto i = after ? stored.upper_bound(*after) : stored.begin();
    for (; i != stored.end() && page.size() < size; ++i)
      page.push_back(*i);
    exhausted = i == stored.end();
    page_applied = applied;
    has_page = true;
  }

  void deliver() {
    shown.add_page(page, exhausted, page_applied);
    asked = has_page = false;
  }

  /// Takes the first key as a scheduler does: a key that is gone is refused without harm.
  std::optional<int> take() {
    while (!shown.empty()) {
      auto key = shown.front();
      shown.pop_front();
      ++applied;
      if (stored.erase(key) == 1)
        return key;
    }
    return std::nullopt;
  }

  void load() {
    ask();
    if (asked) {
      read();
      deliver();
    }
  }

  std::set<int> stored;
  int_window shown;
  uint64_t applied = 0;
  bool asked = false;
  bool has_page = false;
  std::optional<int> after;
  size_t size = 0;
  std::vector<int> page;
  bool exhausted = false;
  uint64_t page_applied = 0;
};

} // namespace

TEST(WindowTest, ShowsTheFirstKeysOfTheStore) {
  world x{3, {5, 1, 4, 2, 3}};
  x.load();
  EXPECT_EQ(x.shown.keys(), (std::set{1, 2, 3}));
  EXPECT_TRUE(x.shown.incomplete());
}

TEST(WindowTest, CompleteWindowNeedsNoPage) {
  world x{4, {}};
  x.insert(2);
  x.insert(1);
  EXPECT_FALSE(x.shown.wants_page());
  EXPECT_EQ(x.shown.keys(), (std::set{1, 2}));
}

TEST(WindowTest, AsksForOnePageAtATime) {
  world x{4, {1, 2, 3}};
  EXPECT_TRUE(x.shown.wants_page());
  EXPECT_FALSE(x.shown.wants_page());
  x.shown.page_failed();
  EXPECT_TRUE(x.shown.wants_page());
}

TEST(WindowTest, KeyAddedBeforeTheEndOfAPageOnItsWayIsNotLost) {
  world x{4, {10, 20, 30}};
  x.ask();
  x.read();
  x.insert(15); // behind what is shown, and before the last key of the page that does not have it
  x.deliver();
  std::vector<int> order;
  for (int i = 0; i < 10; ++i) {
    x.load();
    if (auto key = x.take())
      order.push_back(*key);
  }
  EXPECT_EQ(order, (std::vector{10, 15, 20, 30}));
}

TEST(WindowTest, KeysCutOffWhileAPageIsOnItsWayAreNotLost) {
  world x{4, {10, 20, 30, 40, 50, 60}};
  x.load();
  x.take();
  x.take(); // 30 and 40 are shown
  x.ask();
  x.read();
  for (auto key : {1, 2, 3}) // cuts 40 off, which the page does not have
    x.insert(key);
  x.deliver();
  std::vector<int> order;
  for (int i = 0; i < 20; ++i) {
    x.load();
    if (auto key = x.take())
      order.push_back(*key);
  }
  EXPECT_EQ(order, (std::vector{1, 2, 3, 30, 40, 50, 60}));
}

// Whatever happens between asking for a page and its arrival: the first key of the store is the first that comes
// out, as soon as the window is not waiting for a page, and nothing is ever left behind.
TEST(WindowTest, NothingIsLostUnderRandomChanges) {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    std::mt19937 random{seed};
    auto below = [&](unsigned n) { return static_cast<int>(random() % n); };
    std::set<int> stored;
    for (int i = below(30); i > 0; --i)
      stored.insert(below(1000));
    world x{static_cast<size_t>(2 + below(8)), stored};
    auto spread = 1 + static_cast<unsigned>(below(1000));
    for (int step = 0; step < 300; ++step) {
      switch (below(6)) {
        case 0:
        case 1:
          x.insert(below(spread));
          break;
        case 2:
          if (!x.stored.empty()) {
            auto i = x.stored.lower_bound(below(1000));
            x.erase(i == x.stored.end() ? *x.stored.begin() : *i);
          }
          break;
        case 3:
          if (x.asked && !x.has_page)
            x.read();
          else if (x.has_page && below(4) == 0) {
            x.shown.page_failed();
            x.asked = x.has_page = false;
          } else if (x.has_page)
            x.deliver();
          break;
        case 4:
          x.ask();
          break;
        default:
          x.take();
      }
      if (!x.shown.incomplete()) {
        ASSERT_TRUE(std::includes(x.shown.keys().begin(), x.shown.keys().end(), x.stored.begin(), x.stored.end()))
          << "seed " << seed << " step " << step;
      }
      ASSERT_LE(x.shown.size(), 20u) << "seed " << seed;
    }
    if (x.asked) {
      if (!x.has_page)
        x.read();
      x.deliver();
    }
    auto expected = x.stored;
    std::set<int> taken;
    for (int i = 0; i < 2000 && !x.stored.empty(); ++i) {
      x.load();
      if (auto key = x.take()) {
        ASSERT_TRUE(taken.insert(*key).second);
      }
    }
    ASSERT_EQ(taken, expected) << "seed " << seed;
  }
}

} // namespace overwatch
