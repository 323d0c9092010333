#include "tests/actors/played_partition.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace overwatch::test {

namespace {

spec_change cached(std::string key, milliseconds ttl) {
  return [=](task_spec& x) { x.cache = {key, ttl}; };
}

} // namespace

class CacheTest : public ::testing::Test, public played_partition {
public:
  void complete(uint64_t n, std::string result) {
    starts(n);
    auto x = outcome(n);
    x.result = std::make_shared<const std::string>(std::move(result));
    apply({x});
  }
  std::string result_of(uint64_t n) const { return state->find(id_of(n))->result; }
};

TEST_F(CacheTest, FreshResultCompletesASubmitAtOnce) {
  apply({submit(1, cached("k", 1min))});
  complete(1, "{\"x\":1}");
  auto entry = apply({submit(2, cached("k", 1min))});
  EXPECT_EQ(entry.results.at(0).status, task_status::completed);
  ASSERT_EQ(entry.changes.size(), 2u);
  EXPECT_EQ(entry.changes[0].kind, change_kind::created);
  EXPECT_EQ(entry.changes[1].kind, change_kind::ended);
  EXPECT_EQ(result_of(2), "{\"x\":1}");
  EXPECT_EQ(task(2).cached_from, id_of(1));
  EXPECT_EQ(task(2).fence.attempt, 0u);
}

TEST_F(CacheTest, ResultIsFreshAsLongAsBothSay) {
  apply({submit(1, cached("k", 1min))});
  complete(1, "1");
  time += 30s;
  EXPECT_EQ(result(submit(2, cached("k", 30s))).status, task_status::queued) << "too old for this one";
  EXPECT_EQ(result(submit(3, cached("k", 31s))).status, task_status::completed);
  time += 30s;
  EXPECT_EQ(result(submit(4, cached("k", 1h))).status, task_status::queued) << "it was made for a minute";
}

TEST_F(CacheTest, CachedResultIsNotMadeFreshByBeingUsed) {
  apply({submit(1, cached("k", 1min))});
  complete(1, "1");
  time += 50s;
  apply({submit(2, cached("k", 1min))});
  time += 50s;
  EXPECT_EQ(result(submit(3, cached("k", 1min))).status, task_status::queued);
}

TEST_F(CacheTest, OtherKeysFailuresAndNoResultsAreNotUsed) {
  apply({submit(1, cached("k", 1h)), submit(2, cached("failed", 1h)), submit(3, cached("nothing", 1h))});
  complete(1, "1");
  starts(2);
  auto failed = outcome(2, violation::exception);
  failed.result = std::make_shared<const std::string>("2");
  apply({failed});
  starts(3);
  finish(3);
  EXPECT_EQ(result(submit(4, cached("other", 1h))).status, task_status::queued);
  EXPECT_EQ(result(submit(5, cached("failed", 1h))).status, task_status::queued);
  EXPECT_EQ(result(submit(6, cached("nothing", 1h))).status, task_status::queued);
}

TEST_F(CacheTest, ResultOfAFailedAttemptIsNotUsed) {
  apply({submit(1, cached("k", 1h))});
  starts(1);
  auto half = outcome(1, violation::exception, time);
  half.result = std::make_shared<const std::string>("half");
  apply({half});
  starts(1);
  finish(1);
  EXPECT_EQ(result(submit(2, cached("k", 1h))).status, task_status::queued);
}

TEST_F(CacheTest, SurvivesACrashAndTheRemovalOfItsTask) {
  apply({submit(1, cached("k", 1h))});
  complete(1, "1");
  apply({remove_command{id_of(1)}});
  flush();
  crash();
  apply({submit(2, cached("k", 1h))});
  EXPECT_EQ(result_of(2), "1");
}

TEST_F(CacheTest, ChildOfACachedTaskStarts) {
  apply({submit(1, cached("k", 1h))});
  complete(1, "1");
  apply({submit(2, cached("k", 1h)), submit(3, [](task_spec& x) { x.depends_on = {id_of(2)}; })});
  EXPECT_EQ(status(3), task_status::queued);
  EXPECT_EQ(*start(3).changes.at(0).parents.at(0).result, "1");
}

} // namespace overwatch::test
