#include "tests/snapshots/random_tree.hpp"
#include "tests/snapshots/scratch.hpp"

#include <rapidcheck.h>

namespace overwatch::test {

namespace {

constexpr unsigned max_entries = 60;
constexpr unsigned max_changes = 60;

/// True when the property holds for as many cases as RC_PARAMS says (100 unless told otherwise).
template <class Property>
bool holds(const std::string& name, Property property) {
  return rc::check(name, property);
}

/// The trees of a case, new each time.
struct damaged_tree {
  scratch at{scratch::place::memory};
  snapshot_store store{at.options()};
  std::string path = at.data("/tree");
  random_tree content;

  explicit damaged_tree(uint64_t seed) : content{path, seed} { content.build(1 + seed % max_entries); }
};

} // namespace

TEST(RandomTest, RestoredTreeIsWhatItWas) {
  EXPECT_TRUE(holds("a damaged tree comes back", [](uint64_t seed, uint16_t changes) {
    damaged_tree x{seed};
    auto before = image_of(x.path);
    auto captured = x.store.capture("one", {{x.path}, {}}, {});
    RC_ASSERT(captured.error.message == "");
    RC_ASSERT(difference(before, image_of(x.path)) == "");
    x.content.damage(changes % max_changes);
    auto restored = x.store.restore("one", {});
    RC_ASSERT(restored.error.message == "");
    RC_ASSERT(difference(before, image_of(x.path)) == "");
    auto again = x.store.restore("one", {}).counts;
    RC_ASSERT(again.rewritten + again.removed + again.recreated == 0u);
  }));
}

TEST(RandomTest, InterruptedRestoreCanBeRunAgain) {
  EXPECT_TRUE(holds("a restore that was stopped somewhere goes on", [](uint64_t seed, uint16_t steps) {
    damaged_tree x{seed};
    auto before = image_of(x.path);
    RC_ASSERT(x.store.capture("one", {{x.path}, {}}, {}).error.message == "");
    x.content.damage(20);
    auto left = steps % 50;
    x.store.restore("one", [&] { return --left < 0; });
    x.content.damage(steps % 3); // and it was damaged again meanwhile
    RC_ASSERT(x.store.restore("one", {}).error.message == "");
    RC_ASSERT(difference(before, image_of(x.path)) == "");
  }));
}

} // namespace overwatch::test
