#include "tests/actors/played_partition.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace overwatch::test {

namespace {

const task_id flow = id_of(1000);

} // namespace

class WorkflowStateTest : public ::testing::Test, public played_partition {
public:
  // Tasks 1, 2 and 3, each after the one before.
  workflow_command chain(bool compensate = false) {
    workflow_command x;
    x.record.id = flow;
    x.record.name = "chain";
    x.record.compensation = compensate ? compensation_status::ready : compensation_status::off;
    for (uint64_t n = 1; n <= 3; ++n) {
      x.record.tasks.push_back({"t" + std::to_string(n), id_of(n), task_status::pending, rollback_status::none, {}});
      x.tasks.push_back(overwatch::test::task(n, [n](task_spec& y) {
        y.workflow = flow;
        if (n > 1)
          y.depends_on = {id_of(n - 1)};
      }));
    }
    return x;
  }
  workflow_record record() const { return state->find_workflow(flow).value(); }
  void complete(uint64_t n) {
    starts(n);
    finish(n);
  }
};

TEST_F(WorkflowStateTest, CompletesWhenAllItsTasksHave) {
  auto stored = apply({chain()});
  EXPECT_EQ(stored.workflows.size(), 1u);
  EXPECT_EQ(record().status, workflow_status::running);
  complete(1);
  flush();
  crash();
  EXPECT_EQ(state->unfinished_workflows().size(), 1u);
  complete(2);
  EXPECT_EQ(record().tasks[1].status, task_status::completed);
  EXPECT_FALSE(record().finished_at);
  time += 1min;
  complete(3);
  EXPECT_EQ(record().status, workflow_status::completed);
  EXPECT_EQ(record().finished_at, beginning + 1min);
  flush();
  crash();
  EXPECT_TRUE(state->unfinished_workflows().empty());
  EXPECT_EQ(record().status, workflow_status::completed);
}

TEST_F(WorkflowStateTest, FirstFailureIsNamedAndEndsWhatDependsOnIt) {
  apply({chain()});
  starts(1);
  finish(1, violation::exception);
  EXPECT_EQ(record().status, workflow_status::failed);
  EXPECT_EQ(record().failed_task, "t1");
  EXPECT_EQ(task(3).error.kind, violation::dependency);
}

TEST_F(WorkflowStateTest, CancelEndsAllThatIsUnfinished) {
  apply({chain()});
  complete(1);
  starts(2);
  apply({cancel_workflow_command{flow, "enough"}});
  EXPECT_TRUE(task(2).cancel_requested);
  EXPECT_EQ(status(3), task_status::cancelled);
  EXPECT_EQ(record().status, workflow_status::running) << "a handler still stops";
  finish(2, violation::exception);
  EXPECT_EQ(record().status, workflow_status::cancelled);
  EXPECT_EQ(record().cancel_reason, "enough");
  EXPECT_EQ(status(1), task_status::completed);
  EXPECT_EQ(code(cancel_workflow_command{flow, "again"}), ec::conflict);
  EXPECT_EQ(code(cancel_workflow_command{id_of(1001), "no"}), ec::not_found);
}

TEST_F(WorkflowStateTest, FailureAsksForCompensation) {
  apply({chain(true)});
  complete(1);
  starts(2);
  EXPECT_EQ(code(compensated_command{flow, true}), ec::conflict) << "not now";
  auto entry = finish(2, violation::exception);
  ASSERT_EQ(entry.workflows.size(), 1u);
  EXPECT_EQ(entry.workflows[0]->compensation, compensation_status::running);
  EXPECT_EQ(status(3), task_status::cancelled);
  EXPECT_FALSE(record().finished_at);
  flush();
  crash();
  EXPECT_EQ(state->unfinished_workflows().size(), 1u) << "the next leader goes on";
  apply({compensated_command{flow, true}});
  EXPECT_EQ(record().compensation, compensation_status::done);
  EXPECT_EQ(record().status, workflow_status::failed);
  EXPECT_TRUE(record().finished_at);
}

TEST_F(WorkflowStateTest, NothingIsCompensatedWithoutAFailure) {
  apply({chain(true)});
  complete(1);
  apply({cancel_workflow_command{flow, "enough"}});
  EXPECT_EQ(record().compensation, compensation_status::off);
  EXPECT_TRUE(record().finished_at);
}

TEST_F(WorkflowStateTest, RollbackOfAMemberIsShown) {
  auto x = chain(true);
  auto spec = std::make_shared<task_spec>(*x.tasks[0].spec);
  spec->snapshot.keys = {"app/"};
  spec->keep_snapshot = 1h;
  x.tasks[0].spec = spec;
  apply({x});
  complete(1);
  starts(2);
  finish(2, violation::exception);
  apply({rollback_command{id_of(1), rollback_status::running, {}}});
  EXPECT_EQ(record().tasks[0].rollback, rollback_status::running);
  apply({rollback_command{id_of(1), rollback_status::done, {}}});
  EXPECT_EQ(record().tasks[0].rollback, rollback_status::done);
}

TEST_F(WorkflowStateTest, AllIsStoredOrNothing) {
  auto unknown = chain();
  auto spec = std::make_shared<task_spec>(*unknown.tasks[2].spec);
  spec->depends_on.push_back(id_of(99));
  unknown.tasks[2].spec = spec;
  auto refused = result(unknown);
  EXPECT_EQ(refused.error.field, "/tasks/2/depends_on");
  EXPECT_FALSE(state->find(id_of(1)));
  EXPECT_FALSE(state->find_workflow(flow));
  apply({submit(9, [](task_spec& x) { x.unique_key = "u"; })});
  auto taken = chain();
  spec = std::make_shared<task_spec>(*taken.tasks[1].spec);
  spec->unique_key = "u";
  taken.tasks[1].spec = spec;
  EXPECT_EQ(result(taken).error.field, "/tasks/1/unique_key");
  EXPECT_FALSE(state->find(id_of(1)));
  EXPECT_EQ(code(chain()), ec::none);
}

TEST_F(WorkflowStateTest, SecondSubmitFindsTheFirst) {
  apply({chain()});
  auto again = result(chain());
  EXPECT_TRUE(again.existing);
  EXPECT_EQ(state->stats().submitted, 3u);
}

TEST_F(WorkflowStateTest, GoesWithTheLastOfItsTasks) {
  auto nothing = [&] {
    flush();
    return stored_keys();
  };
  apply({submit(9), cancel_command{id_of(9), "no"}, remove_command{id_of(9)}}); // its flow's place is kept
  auto before = nothing();
  apply({chain()});
  apply({cancel_workflow_command{flow, "no"}});
  flush();
  for (uint64_t n = 1; n <= 3; ++n) {
    EXPECT_TRUE(state->find_workflow(flow));
    apply({remove_command{id_of(n)}});
  }
  EXPECT_FALSE(state->find_workflow(flow));
  EXPECT_EQ(nothing(), before);
  EXPECT_EQ(code(chain()), ec::none) << "its id is free again";
}

} // namespace overwatch::test
