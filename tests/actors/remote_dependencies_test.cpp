#include "tests/actors/played_partition.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace std::chrono_literals;

/// Tasks whose parents are in other partitions.
namespace overwatch::test {

namespace {

parent_result ended(uint64_t n, task_status status, const char* result = nullptr) {
  return {"parent " + std::to_string(n), id_of(n, 1), status,
          result ? std::make_shared<const std::string>(result) : nullptr};
}

} // namespace

class RemoteDependenciesTest : public ::testing::Test, public played_partition {
public:
  RemoteDependenciesTest() : played_partition{0, 2} {}

  submit_command child(uint64_t n, std::vector<task_id> parents, dependency_policy policy = dependency_policy::fail) {
    return submit(n, [&](task_spec& x) {
      x.depends_on = std::move(parents);
      x.on_dependency_failure = policy;
    });
  }
};

TEST_F(RemoteDependenciesTest, ChildWaitsUntilItsPartitionHears) {
  apply({submit(1)});
  apply({child(2, {id_of(1), id_of(7, 1), id_of(8, 1)})});
  EXPECT_EQ(waits_for(2), "parents");
  EXPECT_EQ(task(2).parents_left, 3u);
  EXPECT_EQ(state->remote_parents({}, 10), (std::vector{id_of(7, 1), id_of(8, 1)}));
  EXPECT_EQ(state->remote_parents({}, 1), std::vector{id_of(7, 1)});
  EXPECT_EQ(state->remote_parents(id_of(7, 1), 10), std::vector{id_of(8, 1)});
  starts(1);
  finish(1);
  apply({parents_ended_command{{ended(7, task_status::completed, "{\"x\":7}")}, {}}});
  EXPECT_EQ(status(2), task_status::pending);
  apply({parents_ended_command{{ended(8, task_status::completed)}, {}}});
  EXPECT_EQ(status(2), task_status::queued);
  EXPECT_TRUE(state->remote_parents({}, 10).empty());
  auto started = start(2).changes.at(0);
  ASSERT_EQ(started.parents.size(), 3u);
  EXPECT_EQ(started.parents[1].name, "parent 7");
  EXPECT_EQ(*started.parents[1].result, "{\"x\":7}");
  EXPECT_EQ(started.parents[2].status, task_status::completed);
  EXPECT_FALSE(started.parents[2].result);
}

TEST_F(RemoteDependenciesTest, FailedParentDoesWhatTheChildSays) {
  apply({child(2, {id_of(7, 1)}, dependency_policy::fail), child(3, {id_of(7, 1)}, dependency_policy::cancel),
         child(4, {id_of(7, 1)}, dependency_policy::run)});
  apply({parents_ended_command{{ended(7, task_status::cancelled)}, {}}});
  EXPECT_EQ(status(2), task_status::failed);
  EXPECT_EQ(task(2).error.kind, violation::dependency);
  EXPECT_EQ(status(3), task_status::cancelled);
  EXPECT_EQ(status(4), task_status::queued);
  EXPECT_EQ(start(4).changes.at(0).parents.at(0).status, task_status::cancelled);
}

TEST_F(RemoteDependenciesTest, MissingParentFailsTheChildAndItsChildren) {
  apply({child(2, {id_of(7, 1)}, dependency_policy::run)});
  apply({child(3, {id_of(2)})});
  apply({parents_ended_command{{}, {id_of(7, 1)}}});
  EXPECT_EQ(task(2).error.kind, violation::dependency);
  EXPECT_NE(task(2).error.message.find("there is no task " + to_string(id_of(7, 1))), std::string::npos);
  EXPECT_EQ(status(3), task_status::failed);
}

TEST_F(RemoteDependenciesTest, PartitionThatDoesNotExistHasNoParents) {
  auto refused = result(child(1, {id_of(7, 2)}));
  EXPECT_EQ(refused.error.code, ec::invalid);
  EXPECT_EQ(refused.error.field, "/depends_on/0");
}

TEST_F(RemoteDependenciesTest, NobodyElseSettlesOwnTasks) {
  apply({submit(1)});
  apply({child(2, {id_of(1)})});
  apply({parents_ended_command{{{"", id_of(1), task_status::completed, nullptr}}, {}}});
  apply({parents_ended_command{{}, {id_of(1)}}});
  apply({child(3, {id_of(7, 1)}), parents_ended_command{{ended(7, task_status::running)}, {}}});
  EXPECT_EQ(status(2), task_status::pending);
  EXPECT_EQ(status(3), task_status::pending) << "it has not ended";
}

TEST_F(RemoteDependenciesTest, SaidTwiceIsSaidOnce) {
  apply({child(2, {id_of(7, 1), id_of(7, 1), id_of(8, 1)})});
  EXPECT_EQ(task(2).parents_left, 2u);
  for (int i = 0; i < 2; ++i)
    apply({parents_ended_command{{ended(7, task_status::completed), ended(7, task_status::failed)}, {id_of(7, 1)}}});
  EXPECT_EQ(task(2).parents_left, 1u);
  EXPECT_EQ(status(2), task_status::pending);
}

TEST_F(RemoteDependenciesTest, ParentThatNobodyWaitsForIsNotWatched) {
  apply({child(2, {id_of(7, 1), id_of(8, 1)}), child(3, {id_of(7, 1)})});
  auto entry = apply({cancel_command{id_of(2), "not wanted"}});
  EXPECT_EQ(entry.forsaken_parents, std::vector{id_of(8, 1)});
  EXPECT_EQ(state->remote_parents({}, 10), std::vector{id_of(7, 1)});
  flush();
  crash();
  EXPECT_EQ(state->remote_parents({}, 10), std::vector{id_of(7, 1)}) << "it is the same in the store";
  entry = apply({cancel_command{id_of(3), "not wanted"}, child(4, {id_of(7, 1)})});
  EXPECT_TRUE(entry.forsaken_parents.empty()) << "another one waits for it";
  entry = apply({cancel_command{id_of(4), "not wanted"}});
  EXPECT_EQ(entry.forsaken_parents, std::vector{id_of(7, 1)});
  flush();
  crash();
  EXPECT_TRUE(state->remote_parents({}, 10).empty());
}

TEST_F(RemoteDependenciesTest, WorkflowMayHaveParentsElsewhere) {
  workflow_command x;
  x.record.id = id_of(50);
  auto member = child(2, {id_of(7, 1)});
  auto spec = std::make_shared<task_spec>(*member.task.spec);
  spec->workflow = x.record.id;
  x.record.tasks.push_back({"only", id_of(2), task_status::pending, rollback_status::none, {}});
  x.tasks.push_back({spec, member.task.payload});
  EXPECT_FALSE(result(x).error);
  EXPECT_EQ(status(2), task_status::pending);
}

TEST_F(RemoteDependenciesTest, CrashForgetsNothing) {
  apply({child(2, {id_of(7, 1), id_of(8, 1)})});
  flush();
  apply({parents_ended_command{{ended(7, task_status::completed, "7")}, {}}});
  crash();
  EXPECT_EQ(state->remote_parents({}, 10), std::vector{id_of(8, 1)});
  flush();
  crash();
  EXPECT_EQ(state->remote_parents({}, 10), std::vector{id_of(8, 1)}) << "now from the store";
  apply({parents_ended_command{{ended(8, task_status::completed, "8")}, {}}});
  flush();
  crash();
  auto started = start(2).changes.at(0);
  ASSERT_EQ(started.parents.size(), 2u);
  EXPECT_EQ(*started.parents[0].result, "7");
  EXPECT_EQ(*started.parents[1].result, "8");
}

TEST_F(RemoteDependenciesTest, ResultsGoWithTheChild) {
  auto kept = [&] {
    size_t count = 0;
    auto first = keys::prefix(0, 'h');
    for (auto i = db.scan(key_space::state, first, keys::after_prefix(first)); i->valid(); i->next())
      ++count;
    return count;
  };
  apply({child(2, {id_of(7, 1)})});
  apply({parents_ended_command{{ended(7, task_status::completed, "7")}, {}}});
  flush();
  EXPECT_EQ(kept(), 1u);
  starts(2);
  finish(2);
  flush();
  EXPECT_EQ(kept(), 0u);
}

// What this node's store has of another partition may be old: it must not decide anything.
TEST_F(RemoteDependenciesTest, StoreOfAnotherPartitionIsNotLookedAt) {
  partition_state other{db, 1, 2};
  auto parent = std::make_shared<task_spec>(*overwatch::test::task(7).spec);
  parent->id = id_of(7, 1);
  other.apply({time, {submit_command{{parent, std::make_shared<const std::string>("{}")}, true}}}, 1);
  write_batch batch;
  other.flush(batch);
  db.write(batch, false);
  EXPECT_FALSE(state->find(id_of(7, 1)));
  EXPECT_EQ(code(cancel_command{id_of(7, 1), "no"}), ec::not_found);
}

TEST_F(RemoteDependenciesTest, PartitionSaysWhatBecameOfItsTasks) {
  apply({submit(1), submit(2), submit(3)});
  starts(1);
  auto done = outcome(1);
  done.result = std::make_shared<const std::string>("{\"x\":1}");
  apply({done, cancel_command{id_of(2), "no"}});
  apply({submit(4)});
  apply({cancel_command{id_of(4), "no"}});
  apply({remove_command{id_of(4)}});
  for (int i = 0; i < 2; ++i) { // from memory, then from the store
    auto reply = state->statuses({id_of(1), id_of(2), id_of(3), id_of(4), id_of(99)});
    ASSERT_EQ(reply.ended.size(), 2u);
    EXPECT_EQ(reply.ended[0].name, "task 1");
    EXPECT_EQ(*reply.ended[0].result, "{\"x\":1}");
    EXPECT_EQ(reply.ended[1].status, task_status::cancelled);
    EXPECT_FALSE(reply.ended[1].result);
    EXPECT_EQ(reply.missing, (std::vector{id_of(4), id_of(99)}));
    flush();
    crash();
  }
}

TEST_F(RemoteDependenciesTest, AnswersAreBounded) {
  std::vector<task_id> ids;
  for (uint64_t n = 1; n <= 6; ++n) {
    apply({submit(n)});
    starts(n);
    auto done = outcome(n);
    done.result = std::make_shared<const std::string>(task_limits::result_bytes, 'x');
    apply({done});
    ids.push_back(id_of(n));
  }
  auto reply = state->statuses(ids);
  EXPECT_EQ(reply.ended.size(), max_statuses_bytes / task_limits::result_bytes);
  EXPECT_TRUE(reply.missing.empty()) << "the others are asked for again";
}

// Replicas agree whether they ran through, crashed, or read their children from the store.
TEST_F(RemoteDependenciesTest, ReplicasAgreeWhateverTheyWentThrough) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random{seed};
    auto below = [&](uint64_t n) { return random() % n; };
    played_partition steady{0, 3};
    played_partition shaken{0, 3};
    for (int step = 0; step < 60; ++step) {
      auto n = 1 + below(12);
      auto parent = [&] {
        return below(3) == 0 ? id_of(1 + below(12)) : id_of(1 + below(5), static_cast<partition_id>(1 + below(2)));
      };
      command next = promote_command{id_of(n)};
      switch (below(7)) {
      case 0:
      case 1: {
        std::vector<task_id> parents;
        for (auto count = below(4); count > 0; --count)
          parents.push_back(parent());
        next = child(n, parents, static_cast<dependency_policy>(below(3)));
        break;
      }
      case 2:
      case 3: {
        parents_ended_command x;
        for (auto count = below(3); count > 0; --count) {
          auto id = parent();
          x.ended.push_back({"p", id, static_cast<task_status>(below(task_status_names.size())),
                             below(2) ? std::make_shared<const std::string>("1") : nullptr});
        }
        if (below(4) == 0)
          x.missing.push_back(parent());
        next = x;
        break;
      }
      case 4:
        next = start_command{id_of(n), "here", "noop"};
        break;
      case 5:
        next = cancel_command{id_of(n), "no"};
        break;
      case 6:
        if (auto known = steady.state->find(id_of(n)); known && known->state.status == task_status::running)
          next = steady.outcome(n);
        else
          next = remove_command{id_of(n)};
        break;
      }
      auto first = steady.apply({next});
      auto second = shaken.apply({next});
      ASSERT_EQ(first.changes.size(), second.changes.size()) << seed << ", step " << step;
      for (size_t i = 0; i < first.changes.size(); ++i)
        ASSERT_EQ(first.changes[i].parents.size(), second.changes[i].parents.size()) << seed << ", step " << step;
      ASSERT_EQ(steady.state->remote_parents({}, 100), shaken.state->remote_parents({}, 100))
        << seed << ", step " << step;
      if (below(4) == 0)
        shaken.flush();
      if (below(4) == 0)
        shaken.crash();
    }
    EXPECT_EQ(steady.digest(), shaken.digest()) << seed;
  }
}

} // namespace overwatch::test
