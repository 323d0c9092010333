#include "actors/snapshotter.hpp"
#include "tests/actors/control_node.hpp"

#include <caf/event_based_actor.hpp>

using namespace std::chrono_literals;

/// The scheduler of node `here` and pools of other nodes, which the test plays.
namespace overwatch::test {

class SchedulerNodesTest : public control_node {
protected:
  SchedulerNodesTest() { scheduling.node = "here"; }

  pool_actor add(const std::string& node, uint32_t slots, std::map<std::string, std::string> labels = {}) {
    caf::anon_send(links.scheduler, node_capacity{node, 1'000, 4, 8'192, std::move(labels)});
    return offer("noop", slots, node);
  }

  void pass(caf::timespan duration) {
    for (; duration > 0s; duration -= 500ms)
      advance(500ms);
  }

  /// The connection to the node breaks.
  void lose(const pool_actor& pool) {
    caf::anon_send_exit(pool, caf::exit_reason::remote_link_unreachable);
    settle();
  }

  /// The pool is reached again, and says that it holds these.
  pool_actor come_back(const std::string& node, uint32_t slots, const std::vector<assignment>& held, bool ended = false) {
    pool_offer x{"noop", node, slots, true};
    for (const auto& one : held)
      x.held.push_back({one.task.spec->id, one.fence, ended, one.task.spec->deadline});
    caf::anon_send(links.scheduler, node_capacity{node, 1'000, 4, 8'192});
    return play(std::move(x));
  }

  /// The test itself is a pool, and says this once more.
  void offer_again(pool_offer& x) {
    ++x.number;
    caf::anon_send(links.scheduler, x, caf::actor_cast<caf::strong_actor_ptr>(self_));
    settle();
  }

  /// What the test has heard as a pool.
  std::vector<assignment_batch> heard() {
    std::vector<assignment_batch> all;
    for (auto more = true; more;)
      self_->receive([&](assignment_batch& x) { all.push_back(std::move(x)); }, caf::after(0s) >> [&] { more = false; });
    return all;
  }

  why_reply why_of(const task_id& id) { return ask<why_reply>(gateway_handle, why_request{id}); }
};

// -- attempts ------------------------------------------------------------------

TEST_F(SchedulerNodesTest, AttemptsOfANodeThatComesBackGoOn) {
  start();
  auto far = add("far", 1);
  auto receipt = submit("one");
  auto running = take_assigned(far);
  ASSERT_EQ(running.size(), 1u);
  lose(far);
  auto near = add("near", 1);
  pass(4s);
  EXPECT_TRUE(take_assigned(near).empty());
  auto why = why_of(receipt.id);
  EXPECT_EQ(why.kind, wait_kind::node);
  EXPECT_EQ(why.data["node"], "far");
  far = come_back("far", 1, running);
  pass(10s);
  EXPECT_TRUE(take_assigned(near).empty());
  finish(running[0]);
  EXPECT_EQ(status_of(receipt.id), task_status::completed);
}

TEST_F(SchedulerNodesTest, AttemptsOfAPoolThatAnswersNothingAreLost) { // its node was removed, the connection lives
  start();
  auto far = add("far", 1);
  auto receipt = submit("one");
  ASSERT_EQ(take_assigned(far).size(), 1u);
  hear_nothing(far, true);
  auto near = add("near", 1);
  pass(10s);
  EXPECT_TRUE(take_assigned(near).empty());
  pass(15s);
  auto again = take_assigned(near);
  ASSERT_EQ(again.size(), 1u);
  finish(again[0]);
  EXPECT_EQ(status_of(receipt.id), task_status::completed);
}

TEST_F(SchedulerNodesTest, AttemptsOfANodeThatStaysAwayAreLost) {
  start();
  auto far = add("far", 1);
  auto receipt = submit("one");
  take_assigned(far);
  auto near = add("near", 1);
  lose(far);
  pass(4500ms);
  EXPECT_TRUE(take_assigned(near).empty());
  pass(1s);
  ASSERT_EQ(take_assigned(near).size(), 1u);
  auto record = get(receipt.id);
  EXPECT_EQ(record.state.error.kind, violation::lost);
  EXPECT_NE(record.state.error.message.find("far"), std::string::npos);
}

TEST_F(SchedulerNodesTest, AttemptsOfANodeThatWasStartedAgainAreLostAtOnce) {
  start();
  auto far = add("far", 1);
  submit("one");
  EXPECT_EQ(take_assigned(far).size(), 1u);
  lose(far);
  far = add("far", 1); // it comes back with nothing
  auto again = take_assigned(far);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].fence.attempt, 2u);
}

TEST_F(SchedulerNodesTest, NewLeaderAdoptsWhatPoolsNameAndWaitsForTheOthers) {
  start();
  auto one = add("a", 1);
  auto two = add("b", 1);
  submit_many(2, [](task_spec&, size_t) {});
  auto on_a = take_assigned(one);
  auto on_b = take_assigned(two);
  ASSERT_EQ(on_a.size() + on_b.size(), 2u);
  crash(memory_store::survival::none);
  start();
  one = come_back("a", 1, on_a);
  two = come_back("b", 1, {}); // it was started again too
  auto again = take_assigned(two);
  ASSERT_EQ(again.size(), 1u) << "lost at once";
  EXPECT_EQ(again[0].task.spec->id, on_b[0].task.spec->id);
  pass(10s);
  EXPECT_TRUE(take_assigned(one).empty());
  finish(on_a[0]);
  EXPECT_EQ(status_of(on_a[0].task.spec->id), task_status::completed);
}

TEST_F(SchedulerNodesTest, PoolsOfOneTypeAndNodeSpeakForThemselvesOnly) {
  start();
  caf::anon_send(links.scheduler, node_capacity{"far", 1'000, 4, 8'192});
  auto named = [&](const std::string& name, const std::vector<assignment>& held) {
    pool_offer x{"noop", "far", 1, true, name};
    for (const auto& one : held)
      x.held.push_back({one.task.spec->id, one.fence, false});
    return play(std::move(x));
  };
  auto one = named("one", {});
  auto receipt = submit("task");
  auto running = take_assigned(one);
  ASSERT_EQ(running.size(), 1u);
  lose(one);
  auto two = named("two", {});
  EXPECT_TRUE(take_assigned(two).empty()) << "it is the other's";
  one = named("one", running);
  finish(running[0]);
  EXPECT_EQ(get(receipt.id).state.fence.attempt, 1u);
  EXPECT_EQ(status_of(receipt.id), task_status::completed);
}

TEST_F(SchedulerNodesTest, AttemptThatTheLogDoesNotHaveIsStopped) {
  start();
  auto far = add("far", 1);
  submit("one");
  auto running = take_assigned(far);
  lose(far);
  pass(6s);
  far = come_back("far", 2, running);
  auto stops = take_stops(far);
  ASSERT_FALSE(stops.empty());
  EXPECT_EQ(stops[0].fence, running[0].fence);
  EXPECT_EQ(stops[0].cause, cancellation::cause::stale);
  EXPECT_EQ(take_assigned(far).size(), 1u) << "the next attempt";
}

TEST_F(SchedulerNodesTest, CancelReachesAnAttemptWhenItsNodeIsBack) {
  start();
  auto far = add("far", 1);
  auto receipt = submit("one");
  auto running = take_assigned(far);
  lose(far);
  ask<task_record>(gateway_handle, cancel_request{receipt.id, "enough"});
  far = come_back("far", 1, running);
  auto stops = take_stops(far);
  ASSERT_FALSE(stops.empty());
  EXPECT_EQ(stops[0].cause, cancellation::cause::cancelled);
}

TEST_F(SchedulerNodesTest, DeadlineReachesAnAttemptWhenItsNodeIsBack) {
  start();
  auto far = add("far", 2);
  auto receipt = submit("one", [&](task_spec& x) { x.deadline = time() + 1h; });
  submit("other", [&](task_spec& x) { x.deadline = time() + 1h; });
  auto running = take_assigned(far);
  ASSERT_EQ(running.size(), 2u);
  lose(far);
  auto later = time() + 2h;
  EXPECT_FALSE(propose(patch_command{receipt.id, {}, {}, later, {}}).error);
  far = come_back("far", 2, running);
  auto changes = take_deadlines(far);
  ASSERT_FALSE(changes.empty());
  for (const auto& x : changes) {
    EXPECT_EQ(x.id, receipt.id) << "the other one is the same as before";
    EXPECT_EQ(x.deadline, later);
  }
}

TEST_F(SchedulerNodesTest, LeaseIsForWhatThePoolHas) {
  start();
  auto far = add("far", 1);
  submit("one");
  auto given = take_assigned(far);
  ASSERT_EQ(given.size(), 1u);
  auto near = add("near", 1);
  auto asked = [&](const pool_actor& pool, const fencing_token& fence) {
    lease_request x{0, 17, {{given[0].task.spec->id, fence}}};
    caf::send_as(caf::actor_cast<caf::actor>(pool), links.scheduler, x);
    settle();
    return take_grants(pool);
  };
  EXPECT_TRUE(asked(near, given[0].fence).empty()) << "it is another pool's";
  EXPECT_TRUE(asked(far, {given[0].fence.epoch, 7}).empty()) << "it is another attempt";
  EXPECT_EQ(take_stops(far).size(), 1u);
  auto answers = asked(far, given[0].fence);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].sent_at, 17);
  EXPECT_EQ(answers[0].lease, scheduler_options{}.lease);
  EXPECT_EQ(answers[0].attempts.at(0).id, given[0].task.spec->id);
}

TEST_F(SchedulerNodesTest, AssignmentThatGotLostIsMadeAgain) {
  start();
  auto far = add("far", 1);
  hear_nothing(far, true);
  auto receipt = submit("one");
  settle();
  hear_nothing(far, false);
  EXPECT_TRUE(take_assigned(far).empty());
  pass(6s);
  auto again = take_assigned(far);
  ASSERT_EQ(again.size(), 1u);
  auto record = get(receipt.id);
  EXPECT_EQ(record.state.lost_in_a_row, 0u) << "nothing counts: no handler was called";
  EXPECT_EQ(record.state.failures, 0u);
}

// -- outcomes ------------------------------------------------------------------

TEST_F(SchedulerNodesTest, PoolThatMissedTheQuestionIsAskedWithAllElseThatItHears) {
  start();
  pool_offer offered{"noop", "far", 1, true};
  caf::anon_send(links.scheduler, node_capacity{"far", 1'000, 4, 8'192});
  offer_again(offered);
  submit("one");
  ASSERT_EQ(heard().size(), 1u) << "what it holds; this gets lost";
  attempt_outcome old; // of an attempt that nobody knows any more
  old.id = {1, 1};
  self_->send(links.scheduler, outcome_batch{{old}});
  settle();
  auto settled = heard();
  ASSERT_EQ(settled.size(), 1u);
  EXPECT_EQ(settled[0].settled.size(), 1u);
  ASSERT_TRUE(settled[0].report) << "having heard this, it does not offer itself again unasked";
  offered.heard = settled[0].mark;
  offer_again(offered);
  auto work = heard();
  ASSERT_EQ(work.size(), 2u);
  EXPECT_EQ(work[1].attempts.size(), 1u);
}

TEST_F(SchedulerNodesTest, PoolThatMissedTheQuestionIsAskedAgain) {
  start();
  pool_offer offered{"noop", "far", 1, true};
  caf::anon_send(links.scheduler, node_capacity{"far", 1'000, 4, 8'192});
  offer_again(offered);
  submit("one");
  ASSERT_EQ(heard().size(), 1u) << "what it holds; this gets lost";
  pass(2s); // it runs nothing, so there is nothing else to tell it
  auto questions = heard();
  ASSERT_FALSE(questions.empty());
  EXPECT_TRUE(questions.back().report);
  offered.heard = questions.back().mark;
  offer_again(offered);
  ASSERT_EQ(heard().back().attempts.size(), 1u);
}

TEST_F(SchedulerNodesTest, PoolThatOffersItselfIsAnsweredWhenThereIsNoWork) {
  start();
  pool_offer offered{"noop", "far", 1, true};
  for (auto expected : {true, false, false}) {
    offer_again(offered);
    auto answers = heard();
    ASSERT_EQ(answers.size(), 1u) << "it offers itself until it is answered";
    EXPECT_EQ(answers[0].report, expected) << "asked once what it holds, and not again";
    offered.heard = answers[0].mark;
  }
}

TEST_F(SchedulerNodesTest, OutcomesCountOnceAndAreSettledEachTime) {
  start();
  auto far = add("far", 1);
  auto receipt = submit("one");
  auto running = take_assigned(far).at(0);
  report(far, outcome_of(running));
  auto settled = take_settled(far);
  ASSERT_EQ(settled.size(), 1u);
  EXPECT_TRUE(settled[0].accepted);
  report(far, outcome_of(running));
  settled = take_settled(far);
  ASSERT_EQ(settled.size(), 1u) << "the message got lost: it says so again";
  EXPECT_TRUE(settled[0].accepted);
  EXPECT_EQ(ask<stats_reply>(links.replica, stats_request{}).completed, 1u);
}

TEST_F(SchedulerNodesTest, OutcomeOfAnAttemptThatWasGivenUpIsNotAccepted) {
  start();
  auto far = add("far", 1);
  auto receipt = submit("one");
  auto running = take_assigned(far).at(0);
  lose(far);
  pass(6s);
  far = come_back("far", 1, {running}, true);
  report(far, outcome_of(running));
  auto settled = take_settled(far);
  ASSERT_EQ(settled.size(), 1u);
  EXPECT_FALSE(settled[0].accepted);
  EXPECT_EQ(get(receipt.id).state.fence.attempt, 2u);
}

// -- placement -----------------------------------------------------------------

TEST_F(SchedulerNodesTest, WorkSpreadsByTheFreePartOfTheSlots) {
  start();
  auto small = add("small", 10);
  auto large = add("large", 30);
  submit_many(20, [](task_spec&, size_t) {});
  EXPECT_EQ(take_assigned(small).size(), 5u);
  EXPECT_EQ(take_assigned(large).size(), 15u);
}

TEST_F(SchedulerNodesTest, TaskWaitsForItsNodeAndStopsNobody) {
  start();
  auto here = add("a", 1, {{"disk", "hdd"}});
  auto placed = submit_many(100, [](task_spec& x, size_t) { x.placement.node = "b"; });
  auto labelled = submit("labelled", [](task_spec& x) { x.placement.labels = {{"disk", "ssd"}}; });
  auto demanding = submit("demanding", [](task_spec& x) { x.resources.cpu = 0.1; });
  auto running = take_assigned(here);
  ASSERT_EQ(running.size(), 1u);
  EXPECT_EQ(running[0].task.spec->id, demanding.id);
  auto reply = why_of(placed[0]);
  EXPECT_EQ(reply.kind, wait_kind::placement);
  EXPECT_EQ(reply.data["node"], "b");
  EXPECT_NE(reply.sentence.find("node b"), std::string::npos) << reply.sentence;
  reply = why_of(labelled.id);
  EXPECT_EQ(reply.kind, wait_kind::placement);
  EXPECT_EQ(reply.data["labels"], "disk=ssd");
  auto other = add("b", 200, {{"disk", "ssd"}});
  EXPECT_EQ(take_assigned(other).size(), 101u);
}

// -- draining ------------------------------------------------------------------

TEST_F(SchedulerNodesTest, DrainedNodeGetsNothingNewAndGivesBackTheRest) {
  start();
  auto far = add("far", 2);
  auto first = submit("first");
  ASSERT_EQ(take_assigned(far).size(), 1u);
  auto until = std::chrono::duration_cast<std::chrono::seconds>((time() + 60s).time_since_epoch()).count();
  EXPECT_FALSE(propose(setting_command{"drain.far", std::to_string(until)}).error);
  auto second = submit("second");
  EXPECT_TRUE(take_assigned(far).empty());
  auto reply = why_of(second.id);
  EXPECT_EQ(reply.kind, wait_kind::placement);
  EXPECT_EQ(reply.data["draining"], "far");
  auto nodes = ask<resources_reply>(links.scheduler, resources_request{}).nodes;
  auto node = std::find_if(nodes.begin(), nodes.end(), [](const auto& x) { return x.node == "far"; });
  ASSERT_NE(node, nodes.end());
  EXPECT_TRUE(node->draining);
  EXPECT_EQ(node->running, 1u);
  pass(50s);
  EXPECT_TRUE(take_stops(far).empty());
  pass(12s);
  auto stops = take_stops(far);
  ASSERT_FALSE(stops.empty());
  EXPECT_EQ(stops[0].id, first.id);
  EXPECT_EQ(stops[0].cause, cancellation::cause::shutdown);
  EXPECT_FALSE(propose(setting_command{"drain.far", ""}).error);
  EXPECT_EQ(take_assigned(far).size(), 1u);
}

TEST_F(SchedulerNodesTest, DrainOutlivesTheLeader) {
  start();
  propose(setting_command{"drain.far", "0"});
  crash(memory_store::survival::none);
  start();
  auto far = add("far", 2);
  submit("one");
  EXPECT_TRUE(take_assigned(far).empty());
}

// -- files that are put back ---------------------------------------------------

class SchedulerRestoreTest : public SchedulerNodesTest {
protected:
  void offer_snapshotter(const std::string& node) {
    snapshotter = system_.spawn([this](snapshotter_actor::pointer) -> snapshotter_actor::behavior_type {
      return {
        [](const capture_request&) { return capture_reply{}; },
        [](const stop_capture&) {},
        [this](const restore_request&) {
          ++restored;
          return restore_reply{{}, true, {0, 1, 0, 0}};
        },
        [](const release_snapshot&) {},
        [](const describe_snapshot&) { return snapshot_files{}; },
        [](const stored_snapshots_request&) { return stored_snapshots{}; },
        [](caf::tick_atom) {},
      };
    });
    spawned_.push_back(caf::actor_cast<caf::actor>(snapshotter));
    caf::anon_send(links.scheduler, snapshotter_offer{node, caf::actor_cast<caf::strong_actor_ptr>(snapshotter), {}});
    settle();
  }

  // A task with files runs on a node that goes away.
  task_id lose_one_with_files() {
    gateway_settings.snapshot_roots = {"/srv"};
    start();
    auto far = add("far", 1);
    offer_snapshotter("far");
    auto receipt = submit("files", [](task_spec& x) {
      x.snapshot.files = {"/srv/data"};
      x.retry.max_attempts = 3;
    });
    EXPECT_EQ(take_assigned(far).size(), 1u);
    near = add("near", 1);
    lose(far);
    caf::anon_send_exit(snapshotter, caf::exit_reason::remote_link_unreachable);
    pass(6s);
    return receipt.id;
  }

  snapshotter_actor snapshotter;
  pool_actor near;
  int restored = 0;
};

TEST_F(SchedulerRestoreTest, RestoreWaitsForTheNodeThatHasTheFiles) {
  auto id = lose_one_with_files();
  EXPECT_TRUE(take_assigned(near).empty());
  auto reply = why_of(id);
  EXPECT_EQ(reply.kind, wait_kind::node);
  EXPECT_EQ(reply.data["node"], "far");
  EXPECT_EQ(restored, 0);
  offer_snapshotter("far");
  pass(2s);
  EXPECT_EQ(restored, 1);
  auto again = take_assigned(near);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].fence.attempt, 2u);
}

TEST_F(SchedulerRestoreTest, RollbackFailsWhenItsNodeStaysAway) {
  scheduling.restore_limit = 60s;
  auto id = lose_one_with_files();
  pass(62s);
  auto record = get(id);
  EXPECT_EQ(record.state.status, task_status::failed);
  EXPECT_EQ(record.state.rollback, rollback_status::failed);
  EXPECT_NE(record.state.rollback_message.find("node far"), std::string::npos) << record.state.rollback_message;
  EXPECT_TRUE(take_assigned(near).empty()) << "another attempt would begin on what it left";
}

} // namespace overwatch::test
