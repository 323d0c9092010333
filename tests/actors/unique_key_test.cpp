#include "tests/support/deterministic_node.hpp"

using namespace std::chrono_literals;

namespace overwatch::test {

class UniqueKeyTest : public deterministic_node {};

TEST_F(UniqueKeyTest, UniqueKeyReturnsTheFirstTaskWhileItIsUnfinished) {
  start();
  auto pool = offer("noop", 1);
  auto keyed = [](task_spec& x) { x.unique_key = "nightly"; };
  auto first = submit("one", keyed);
  auto second = submit("two", keyed);
  EXPECT_TRUE(second.existing);
  EXPECT_EQ(second.id, first.id);
  finish(take_assigned(pool).at(0));
  auto third = submit("three", keyed);
  EXPECT_FALSE(third.existing);
  EXPECT_NE(third.id, first.id);
}

TEST_F(UniqueKeyTest, UniqueKeyWithDurationIsHeldForIt) {
  start();
  auto pool = offer("noop", 1);
  auto keyed = [](task_spec& x) {
    x.unique_key = "nightly";
    x.unique_for = 60s;
  };
  auto first = submit("one", keyed);
  finish(take_assigned(pool).at(0));
  EXPECT_EQ(submit("two", keyed).id, first.id);
  crash(memory_store::survival::none);
  start();
  EXPECT_EQ(submit("two", keyed).id, first.id);
  advance(61s);
  EXPECT_NE(submit("three", keyed).id, first.id);
}

TEST_F(UniqueKeyTest, SameIdIsStoredOnce) {
  start();
  auto id = task_id_generator{5}.next(time(), 0);
  auto with_id = [&](task_spec& x) { x.id = id; };
  EXPECT_FALSE(submit("one", with_id).existing);
  EXPECT_TRUE(submit("one", with_id).existing);
  EXPECT_EQ(ask<stats_reply>(gateway_handle, stats_request{}).submitted, 1u);
}

} // namespace overwatch::test
