#include "actors/slot_keeper.hpp"
#include "runtime/replication/make_raft_log.hpp"
#include "tests/actors/execution_node.hpp"

#include <caf/event_based_actor.hpp>

#include <numeric>

using namespace std::chrono_literals;

/// Two partitions that lead on one node, with real schedulers, pools and a keeper of the slots.
namespace overwatch::test {

namespace {

/// Two partitions lead on this node, which has a keeper.
class TwoPartitionsTest : public execution_node {
protected:
  TwoPartitionsTest() { replication.partitions = 2; }

  void start_both(uint32_t node_limit, uint32_t slots) {
    start();
    auto keep = [this](auto handle) {
      spawned_.push_back(caf::actor_cast<caf::actor>(handle));
      return handle;
    };
    auto options = scheduling;
    options.partition = 1;
    second = keep(system_.spawn(scheduler, options, links.events));
    auto replicating = replication;
    replicating.partition = 1;
    replica_links below{db.get(), links.journal, links.reader, links.events, links.metrics};
    second_replica = keep(system_.spawn(replica, replicating, below, second, make_raft_log));
    slot_keeper_options keeping;
    keeping.node = "here";
    keeping.places = common.places = std::make_shared<running_limit>(node_limit);
    keeper = keep(system_.spawn(slot_keeper, keeping));
    caf::anon_send(second, node_capacity{"here", node_limit, 4, 8'192});
    add(slots);
  }

  board& add(uint32_t slots) {
    auto& pool = add_pool("here", slots);
    caf::anon_send(pool.handle, caf::subscribe_atom::value, caf::actor_cast<caf::strong_actor_ptr>(keeper));
    settle();
    for (const auto& [partition, scheduler] : {std::pair{partition_id{0}, links.scheduler}, {partition_id{1}, second}}) {
      auto handle = caf::actor_cast<caf::strong_actor_ptr>(scheduler);
      caf::anon_send(keeper, caf::join_atom::value, partition, handle);
      caf::anon_send(pool.handle, leader_in_sight{partition, handle});
    }
    settle();
    return pool;
  }

  task_id submit_to(partition_id partition, std::function<void(task_spec&)> change = [](task_spec&) {}) {
    auto spec = std::make_shared<task_spec>();
    spec->id = {++last_id, uint64_t{partition} << 46};
    spec->name = "task";
    spec->task_type = "noop";
    spec->created_at = time();
    change(*spec);
    propose_request request;
    request.commands.push_back(submit_command{{spec, std::make_shared<const std::string>("{}")}, false});
    auto reply = ask<propose_reply>(partition == 0 ? links.scheduler : second, request);
    EXPECT_FALSE(reply.results.at(0).error);
    EXPECT_EQ(spec->id.partition(), partition);
    return spec->id;
  }
  void submit_many_to(partition_id partition, size_t count) {
    for (size_t i = 0; i < count; ++i)
      submit_to(partition);
  }

  size_t running(partition_id partition, const board& pool) const {
    return static_cast<size_t>(std::count_if(pool.running.begin(), pool.running.end(), [&](const auto& x) {
      return x.context->task().id.partition() == partition;
    }));
  }

  // Ends the oldest of the partition.
  bool end_one(partition_id partition, board& pool) {
    for (size_t i = 0; i < pool.running.size(); ++i)
      if (pool.running[i].context->task().id.partition() == partition) {
        end(pool, i, outcome::completed());
        settle();
        return true;
      }
    return false;
  }

  scheduler_actor second;
  replica_actor second_replica;
  slot_keeper_actor keeper;
  uint64_t last_id = 0;
};

/// One partition on a node whose keeper the test plays.
class PlayedKeeperTest : public execution_node {
protected:
  void start_with(uint32_t slots, uint32_t share) {
    start();
    keeper = caf::actor_cast<caf::strong_actor_ptr>(system_.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[](const pool_slots&) {}, [this](const slot_demand& x) { demands.push_back(x); }};
    }));
    spawned_.push_back(caf::actor_cast<caf::actor>(keeper));
    auto& pool = add_pool("here", slots);
    caf::anon_send(pool.handle, caf::subscribe_atom::value, keeper);
    join(pool, caf::actor_cast<caf::strong_actor_ptr>(links.scheduler));
    say(share);
  }

  void say(uint32_t slots) {
    caf::anon_send(links.scheduler, slot_share{"here", ++said, slots, 100, {{"noop", "noop", slots}}}, keeper);
    settle();
  }

  static bool wants_more(const slot_demand& x) {
    return std::any_of(x.pools.begin(), x.pools.end(), [](const auto& pool) {
      return std::accumulate(pool.demand.begin(), pool.demand.end(), 0u) > pool.busy;
    });
  }

  caf::strong_actor_ptr keeper;
  uint64_t said = 0;
  std::vector<slot_demand> demands;
};

} // namespace

TEST_F(PlayedKeeperTest, HearsNothingOfAPartitionInWhichNothingHappens) {
  start_with(4, 2);
  ASSERT_EQ(demands.size(), 1u) << "the answer to its share";
  EXPECT_TRUE(demands.front().pools.empty());
  pass(60s);
  EXPECT_EQ(demands.size(), 1u);
}

TEST_F(PlayedKeeperTest, HearsOnceThatAnIdlePartitionIsNotIdleAnyMore) {
  start_with(4, 2);
  demands.clear();
  submit("first");
  ASSERT_EQ(demands.size(), 1u);
  EXPECT_EQ(demands.front().busy, 1u);
  submit("second");
  pass(20s);
  EXPECT_EQ(demands.size(), 1u) << "its share is enough";
}

TEST_F(PlayedKeeperTest, HearsAgainThatTasksWaitUntilItSaysSomething) {
  start_with(4, 2);
  for (int i = 0; i < 3; ++i)
    submit("task");
  ASSERT_TRUE(wants_more(demands.back()));
  demands.clear(); // it was lost
  pass(10s);
  EXPECT_GE(demands.size(), 3u);
  EXPECT_LE(demands.size(), 5u);
  EXPECT_TRUE(wants_more(demands.back()));
  say(3);
  demands.clear();
  pass(10s);
  EXPECT_TRUE(demands.empty()) << "nothing waits any more";
}

TEST_F(TwoPartitionsTest, ShareTheSlotsOfAPoolByDemand) {
  start_both(100, 4);
  auto& pool = *boards[0];
  submit_many_to(0, 20);
  EXPECT_EQ(running(0, pool), 4u) << "nobody else wants any";
  submit_many_to(1, 20);
  for (int i = 0; i < 6; ++i) {
    end_one(0, pool);
    ASSERT_LE(pool.running.size(), 4u);
  }
  EXPECT_EQ(running(0, pool), 2u);
  EXPECT_EQ(running(1, pool), 2u);
  while (end_one(1, pool)) {
    ASSERT_LE(pool.running.size(), 4u);
    if (running(0, pool) > 2)
      break;
  }
  pass(1s);
  EXPECT_EQ(running(0, pool), 4u - running(1, pool));
  while (end_one(0, pool) || end_one(1, pool))
    pass(100ms);
  EXPECT_EQ(begun.size(), 40u) << "each began, once";
}

TEST_F(TwoPartitionsTest, StartAtOnceOnTheirIdleShares) {
  start_both(100, 4);
  auto& pool = *boards[0];
  auto shares = [&] {
    submit_to(0);
    submit_to(1);
    return std::pair{running(0, pool), running(1, pool)};
  };
  EXPECT_EQ(shares(), (std::pair<size_t, size_t>{1, 1}));
}

TEST_F(TwoPartitionsTest, RunNoMoreThanTheNodeMayOverAllPools) {
  start_both(5, 4);
  add(4);
  submit_many_to(0, 20);
  submit_many_to(1, 20);
  size_t most = 0;
  for (int i = 0; i < 60; ++i) {
    auto now = boards[0]->running.size() + boards[1]->running.size();
    most = std::max(most, now);
    ASSERT_LE(now, 5u);
    end_one(static_cast<partition_id>(i % 2), *boards[static_cast<size_t>(i / 2 % 2)]);
    advance(100ms);
  }
  EXPECT_EQ(most, 5u);
}

TEST_F(TwoPartitionsTest, SettingChangesWhatTheNodeMayRun) {
  start_both(5, 8);
  auto& pool = *boards[0];
  submit_many_to(0, 20);
  submit_many_to(1, 20);
  pass(1s);
  EXPECT_EQ(pool.running.size(), 5u);
  EXPECT_FALSE(propose(setting_command{"max_concurrent_tasks", "7"}).error);
  pass(2s);
  EXPECT_EQ(pool.running.size(), 7u);
  EXPECT_FALSE(propose(setting_command{"max_concurrent_tasks", "2"}).error);
  pass(1s);
  for (int i = 0; i < 12; ++i) {
    end_one(static_cast<partition_id>(i % 2), pool);
    pass(500ms);
  }
  EXPECT_EQ(pool.running.size(), 2u);
}

TEST_F(TwoPartitionsTest, WhySaysThatTheShareIsUsedUp) {
  start_both(100, 4);
  auto& pool = *boards[0];
  submit_many_to(0, 20);
  submit_many_to(1, 19);
  auto last = submit_to(1);
  for (int i = 0; i < 4; ++i)
    end_one(0, pool);
  EXPECT_EQ(running(1, pool), 2u);
  auto why = ask<why_reply>(second, why_request{last});
  EXPECT_EQ(why.kind, wait_kind::slot);
  EXPECT_EQ(why.data["share"], "2");
  EXPECT_EQ(why.data["slots"], "4");
  EXPECT_NE(why.sentence.find("2 of the 4 slots of noop"), std::string::npos) << why.sentence;
}

TEST_F(TwoPartitionsTest, ShareOfADeadSchedulerIsUsedByTheOther) {
  start_both(100, 4);
  auto& pool = *boards[0];
  caf::anon_send_exit(second, caf::exit_reason::kill);
  settle();
  submit_many_to(0, 10);
  EXPECT_EQ(running(0, pool), 4u);
}

} // namespace overwatch::test
