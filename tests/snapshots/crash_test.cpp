#include "tests/snapshots/killed_call.hpp"
#include "tests/snapshots/random_tree.hpp"
#include "tests/snapshots/scratch.hpp"

#include <random>

/// kill -9 between any two system calls of a capture, a drop and a restore.
namespace overwatch::test {

namespace {

constexpr unsigned entries = 25;
constexpr unsigned changes = 25;
constexpr unsigned rounds = 150;
constexpr uint64_t seed = 20261122;

} // namespace

class CrashTest : public SnapshotFixture {
protected:
  CrashTest() : SnapshotFixture{scratch::place::memory} { content_.build(entries); }

  static void require(const failure& error) {
    if (error)
      throw std::runtime_error{error.message};
  }

  /// Kills `body` before a random call of those that a whole run makes; false where tracing is forbidden.
  bool kill_somewhere(const std::function<void()>& body, uint64_t calls) {
    return run_and_kill(body, 1 + random_() % calls).has_value();
  }

  random_tree content_{tree(), seed};
  std::mt19937_64 random_{seed};
};

TEST_F(CrashTest, CaptureIsCompleteOrDoesNotCount) {
  auto body = [&] { require(store->capture("one", {{tree()}, {}}, {}).error); };
  auto calls = run_and_kill(body, whole_run);
  if (!calls)
    GTEST_SKIP() << "no process may be traced here";
  ASSERT_EQ(store->list("").size(), 1u);
  store->drop("one");
  auto before = image_of(tree());
  unsigned complete = 0;
  for (unsigned i = 0; i < rounds; ++i) {
    ASSERT_TRUE(kill_somewhere(body, *calls));
    ASSERT_EQ(difference(before, image_of(tree())), "");
    complete += store->list("").empty() ? 0 : 1;
    if (i % 2 == 0) { // a start; otherwise the next capture finds what is there
      ASSERT_EQ(store->remove_leftovers().message, "");
      ASSERT_EQ(image_of(at.store()).count("/one.partial"), 0u);
    }
    if (store->list("").empty())
      capture();
    content_.damage(changes);
    restore();
    ASSERT_EQ(difference(before, image_of(tree())), "") << "round " << i;
    store->drop("one");
  }
  EXPECT_LT(complete, rounds / 2) << "most kills came before the end";
}

TEST_F(CrashTest, RestoreCanBeKilledAnywhere) {
  auto before = image_of(tree());
  capture();
  content_.damage(changes);
  auto body = [&] { require(store->restore("one", {}).error); };
  auto calls = run_and_kill(body, whole_run);
  if (!calls)
    GTEST_SKIP() << "no process may be traced here";
  ASSERT_EQ(difference(before, image_of(tree())), "");
  unsigned unfinished = 0;
  for (unsigned i = 0; i < rounds; ++i) {
    content_.damage(changes);
    for (unsigned again = 0; again <= i % 3; ++again) // the node dies a few times in a row
      ASSERT_TRUE(kill_somewhere(body, *calls));
    unfinished += difference(before, image_of(tree())).empty() ? 0 : 1;
    restore();
    ASSERT_EQ(difference(before, image_of(tree())), "") << "round " << i;
  }
  EXPECT_GT(unfinished, rounds / 10) << "many kills came in the middle";
}

TEST_F(CrashTest, ReplacedFileIsOldOrRightAtEveryMoment) {
  remove_all(tree());
  make_directory(tree());
  write_file(tree("/file"), std::string(100'000, 'a'));
  capture();
  auto body = [&] { require(store->restore("one", {}).error); };
  for (uint64_t call = 1;; ++call) {
    write_file(tree("/file"), std::string(100'000, 'b'));
    auto made = run_and_kill(body, call);
    if (!made)
      GTEST_SKIP() << "no process may be traced here";
    auto found = read_file(tree("/file"));
    ASSERT_TRUE(found == std::string(100'000, 'a') || found == std::string(100'000, 'b')) << "call " << call;
    if (*made < call)
      break;
  }
  EXPECT_EQ(read_file(tree("/file")), std::string(100'000, 'a'));
}

TEST_F(CrashTest, DropIsDoneOrCanBeRepeated) {
  capture();
  auto body = [&] { require(store->drop("one")); };
  auto before = image_of(tree());
  for (uint64_t call = 1;; ++call) {
    if (store->list("").empty())
      capture();
    auto made = run_and_kill(body, call);
    if (!made)
      GTEST_SKIP() << "no process may be traced here";
    if (!store->list("").empty()) { // then it is whole
      content_.damage(5);
      restore();
      ASSERT_EQ(difference(before, image_of(tree())), "");
    }
    if (*made < call)
      break;
  }
  EXPECT_TRUE(store->list("").empty());
  ASSERT_EQ(store->remove_leftovers().message, "");
  EXPECT_EQ(image_of(at.store()).size(), 1u) << "only the directory itself";
}

} // namespace overwatch::test
