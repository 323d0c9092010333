#include "tests/actors/control_node.hpp"
#include "tests/actors/played_partition.hpp"

#include <caf/event_based_actor.hpp>

using namespace std::chrono_literals;

/// How the scheduler watches over parents in other partitions.
namespace overwatch::test {

class SchedulerParentsTest : public control_node {
protected:
  SchedulerParentsTest() {
    replication.partitions = 3;
    scheduling.router = caf::actor_cast<partition_gateway_actor>(play_router());
    start();
  }

  ~SchedulerParentsTest() override {
    kill_all();
    scheduling.router = nullptr;
    caf::anon_send_exit(router_, caf::exit_reason::kill);
    settle();
  }

  /// Moves time as a clock does, so that what is sent now and then comes in between.
  void pass(caf::timespan duration) {
    for (; duration > 0ns; duration -= 50ms)
      advance(50ms);
  }

  /// The leaders of the other partitions.
  caf::actor play_router() {
    router_ = system_.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](const statuses_request& x) -> caf::result<statuses_reply> {
        questions.push_back(x);
        if (unreachable)
          return make_error(ec::unavailable, "no leader");
        statuses_reply reply;
        for (const auto& id : x.ids)
          if (auto i = others.find(id); i == others.end())
            reply.missing.push_back(id);
          else if (is_terminal(i->second.status))
            reply.ended.push_back(i->second);
        return reply;
      }};
    });
    return router_;
  }

  void other(const task_id& id, task_status status) {
    others[id] = {"parent", id, status, std::make_shared<const std::string>("{\"x\":1}")};
  }

  task_id child_of(std::vector<task_id> parents) {
    return submit("child", [&](task_spec& x) { x.depends_on = std::move(parents); }).id;
  }

  std::vector<statuses_request> questions;
  std::map<task_id, parent_result> others;
  bool unreachable = false;
  caf::actor router_;
};

TEST_F(SchedulerParentsTest, ChildStartsOnceItsParentElsewhereHasCompleted) {
  auto pool = offer("noop", 1);
  other(id_of(7, 1), task_status::running);
  auto id = child_of({id_of(7, 1)});
  ASSERT_EQ(questions.size(), 1u) << "at once";
  EXPECT_EQ(questions[0].partition, 1u);
  EXPECT_EQ(status_of(id), task_status::pending);
  other(id_of(7, 1), task_status::completed);
  pass(250ms);
  auto assigned = take_assigned(pool);
  ASSERT_EQ(assigned.size(), 1u);
  ASSERT_EQ(assigned[0].parents.size(), 1u);
  EXPECT_EQ(*assigned[0].parents[0].result, "{\"x\":1}");
  finish(assigned[0]);
  questions.clear();
  pass(10s);
  EXPECT_TRUE(questions.empty()) << "nothing is waited for";
}

TEST_F(SchedulerParentsTest, ParentThatEndedBeforeIsHeardOfAtOnce) {
  other(id_of(7, 1), task_status::completed);
  other(id_of(8, 2), task_status::failed);
  EXPECT_EQ(status_of(child_of({id_of(7, 1)})), task_status::queued);
  EXPECT_EQ(status_of(child_of({id_of(7, 1), id_of(8, 2)})), task_status::failed);
}

TEST_F(SchedulerParentsTest, MissingParentFailsTheChild) {
  auto record = get(child_of({id_of(99, 1)}));
  EXPECT_EQ(record.state.status, task_status::failed);
  EXPECT_EQ(record.state.error.kind, violation::dependency);
}

TEST_F(SchedulerParentsTest, NobodyAsksForAParentWhoseChildrenHaveAllEnded) {
  other(id_of(7, 1), task_status::running);
  auto ids = std::vector{child_of({id_of(7, 1)}), child_of({id_of(7, 1)})};
  for (const auto& id : ids) {
    questions.clear();
    pass(10s);
    EXPECT_GT(questions.size(), 3u);
    ask<task_record>(gateway_handle, cancel_request{id, "not wanted"});
  }
  questions.clear();
  pass(10s);
  EXPECT_TRUE(questions.empty());
}

TEST_F(SchedulerParentsTest, ManyChildrenAreAskedForTogether) {
  for (uint64_t n = 0; n < 3'000; ++n)
    other(id_of(n, 1), task_status::running);
  auto ids = submit_many(3'000, [](task_spec& x, size_t i) { x.depends_on = {id_of(i, 1)}; });
  questions.clear();
  for (uint64_t n = 0; n < 3'000; ++n)
    other(id_of(n, 1), task_status::completed);
  pass(1s);
  EXPECT_LE(questions.size(), 8u);
  for (const auto& id : ids)
    ASSERT_EQ(status_of(id), task_status::queued);
}

TEST_F(SchedulerParentsTest, PartitionThatCannotBeReachedIsAskedAgain) {
  unreachable = true;
  other(id_of(7, 1), task_status::completed);
  auto id = child_of({id_of(7, 1)});
  EXPECT_EQ(status_of(id), task_status::pending);
  pass(20s);
  EXPECT_EQ(status_of(id), task_status::pending);
  EXPECT_GE(questions.size(), 10u);
  EXPECT_LE(questions.size(), 20u) << "the pauses grow";
  unreachable = false;
  pass(2s);
  EXPECT_EQ(status_of(id), task_status::queued);
}

TEST_F(SchedulerParentsTest, NextLeaderGoesOnWatching) {
  other(id_of(7, 1), task_status::running);
  auto id = child_of({id_of(7, 1)});
  crash(memory_store::survival::none);
  questions.clear();
  start();
  ASSERT_FALSE(questions.empty());
  other(id_of(7, 1), task_status::completed);
  pass(1s);
  EXPECT_EQ(status_of(id), task_status::queued);
}

TEST_F(SchedulerParentsTest, MoreThanFitIntoMemoryAreLoadedAsOthersEnd) {
  kill_all();
  scheduling.parents.window = 10;
  start();
  for (uint64_t n = 0; n < 35; ++n)
    other(id_of(n, 1), task_status::running);
  auto ids = submit_many(35, [](task_spec& x, size_t i) { x.depends_on = {id_of(i, 1)}; });
  for (const auto& x : questions)
    EXPECT_LE(x.ids.size(), 10u);
  for (uint64_t n = 0; n < 35; ++n)
    other(id_of(n, 1), task_status::completed);
  pass(5s);
  for (const auto& id : ids)
    EXPECT_EQ(status_of(id), task_status::queued);
}

TEST_F(SchedulerParentsTest, WhyNamesTheParentsElsewhere) {
  other(id_of(7, 1), task_status::running);
  other(id_of(8, 2), task_status::completed);
  auto id = child_of({id_of(7, 1), id_of(8, 2)});
  auto reply = ask<why_reply>(gateway_handle, why_request{id});
  EXPECT_EQ(reply.kind, wait_kind::dependency);
  EXPECT_EQ(reply.data["elsewhere"], to_string(id_of(7, 1)));
  EXPECT_NE(reply.sentence.find(to_string(id_of(7, 1))), std::string::npos) << reply.sentence;
}

} // namespace overwatch::test
