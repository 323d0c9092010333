#include "tests/actors/played_partition.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace overwatch::test {

class DependenciesTest : public ::testing::Test, public played_partition {};

TEST_F(DependenciesTest, ChildStartsWhenItsParentsHaveCompleted) {
  apply({submit(1), submit(2)});
  apply({submit(3, [](task_spec& x) { x.depends_on = {id_of(1), id_of(2)}; })});
  EXPECT_EQ(status(3), task_status::pending);
  EXPECT_EQ(waits_for(3), "parents");
  EXPECT_EQ(task(3).parents_left, 2u);
  starts(1);
  auto done = outcome(1);
  done.result = std::make_shared<const std::string>("{\"x\":1}");
  apply({done});
  EXPECT_EQ(status(3), task_status::pending);
  starts(2);
  finish(2);
  EXPECT_EQ(status(3), task_status::queued);
  auto started = start(3).changes.at(0);
  ASSERT_EQ(started.parents.size(), 2u);
  EXPECT_EQ(started.parents[0].name, "task 1");
  EXPECT_EQ(*started.parents[0].result, "{\"x\":1}");
}

TEST_F(DependenciesTest, FailedParentDoesWhatTheChildSays) {
  auto child = [](dependency_policy policy) {
    return [=](task_spec& x) {
      x.depends_on = {id_of(1)};
      x.on_dependency_failure = policy;
    };
  };
  apply({submit(1)});
  apply({submit(2, child(dependency_policy::fail)), submit(3, child(dependency_policy::cancel)),
         submit(4, child(dependency_policy::run))});
  apply({cancel_command{id_of(1), "no"}});
  EXPECT_EQ(status(2), task_status::failed);
  EXPECT_EQ(task(2).error.kind, violation::dependency);
  EXPECT_EQ(status(3), task_status::cancelled);
  EXPECT_EQ(status(4), task_status::queued);
  apply({submit(5, child(dependency_policy::fail)), submit(6, child(dependency_policy::cancel)),
         submit(7, child(dependency_policy::run))});
  EXPECT_EQ(status(5), task_status::failed) << "also when the parent ended before";
  EXPECT_EQ(status(6), task_status::cancelled);
  EXPECT_EQ(status(7), task_status::queued);
}

TEST_F(DependenciesTest, UnknownParentIsRefusedByName) {
  auto refused = result(submit(1, [](task_spec& x) { x.depends_on = {id_of(99)}; }));
  EXPECT_EQ(refused.error.code, ec::invalid);
  EXPECT_EQ(refused.error.field, "/depends_on/0");
  EXPECT_FALSE(state->find(id_of(1)));
}

TEST_F(DependenciesTest, ParentThatIsNamedTwiceIsOneParentAlsoAfterACrash) {
  apply({submit(1)});
  apply({submit(2, [](task_spec& x) { x.depends_on = {id_of(1), id_of(1)}; })});
  flush();
  crash();
  starts(1);
  finish(1);
  EXPECT_EQ(status(2), task_status::queued);
}

TEST_F(DependenciesTest, TaskWithTheIdOfARemovedOneHasItsOwnParents) {
  apply({submit(1), submit(2)});
  apply({submit(3, [](task_spec& x) { x.depends_on = {id_of(1)}; })});
  apply({cancel_command{id_of(3), "no"}});
  apply({remove_command{id_of(3)}});
  apply({submit(3, [](task_spec& x) { x.depends_on = {id_of(2)}; })});
  starts(1);
  finish(1);
  EXPECT_EQ(status(3), task_status::pending);
}

TEST_F(DependenciesTest, ScheduledChildWaitsForItsTimeToo) {
  apply({submit(1)});
  apply({submit(2, [](task_spec& x) {
    x.depends_on = {id_of(1)};
    x.scheduled_at = beginning + 1min;
  })});
  starts(1);
  finish(1);
  EXPECT_EQ(status(2), task_status::pending);
  time += 1min;
  apply({promote_command{id_of(2)}});
  EXPECT_EQ(status(2), task_status::queued);
}

TEST_F(DependenciesTest, LongChainOfDependenciesEndsWithItsFirstTask) {
  constexpr uint64_t length = 100'000;
  std::vector<command> commands{submit(1)};
  for (uint64_t n = 2; n <= length; ++n)
    commands.push_back(submit(n, [n](task_spec& x) {
      x.depends_on = {id_of(n - 1)};
      x.on_dependency_failure = n % 2 ? dependency_policy::fail : dependency_policy::cancel;
    }));
  apply(std::move(commands));
  auto entry = apply({cancel_command{id_of(1), "no"}});
  EXPECT_EQ(entry.changes.size(), length);
  EXPECT_EQ(status(length), task_status::cancelled);
  EXPECT_EQ(status(length - 1), task_status::failed);
}

// Places in the queue must not depend on whether the children of a parent came from memory or from the store.
TEST_F(DependenciesTest, ChildrenAreLetGoInOneOrder) {
  auto child = [](task_spec& x) { x.depends_on = {id_of(1)}; };
  apply({submit(1)});
  apply({submit(9, child), submit(5, child), submit(7, child)});
  starts(1);
  flush();
  auto before = [&] { return std::vector{task(5).order, task(7).order, task(9).order}; };
  crash();
  finish(1);
  EXPECT_EQ(before(), (std::vector<uint64_t>{2, 3, 4}));
  played_partition undisturbed;
  undisturbed.apply({submit(1)});
  undisturbed.apply({submit(9, child), submit(5, child), submit(7, child)});
  undisturbed.starts(1);
  undisturbed.finish(1);
  EXPECT_EQ(undisturbed.task(5).order, 2u);
}

} // namespace overwatch::test
