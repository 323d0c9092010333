#include "actors/slot_keeper.hpp"
#include "tests/support/deterministic_node.hpp"

#include <caf/event_based_actor.hpp>

#include <numeric>

using namespace std::chrono_literals;

namespace overwatch::test {

namespace {

/// A keeper between pools and schedulers that the test plays. These start what they may as soon as they hear of it.
class SlotKeeperTest : public deterministic_node {
protected:
  struct work_of_type {
    uint32_t busy = 0;
    uint32_t ready = 0;
    priority importance = priority::normal;
  };
  struct played_scheduler {
    caf::actor handle;
    slot_share share;
    std::map<std::string, work_of_type> work;
    bool deaf = false;
    uint32_t heard = 0; // shares
    uint64_t demands = 0;

    uint32_t busy() const {
      return std::accumulate(work.begin(), work.end(), 0u, [](auto sum, const auto& x) { return sum + x.second.busy; });
    }
    uint32_t share_of(const std::string& type) const {
      for (const auto& x : share.pools)
        if (x.task_type == type)
          return x.slots;
      return 0;
    }
  };

  void start_keeper(uint32_t node_limit, const std::map<std::string, uint32_t>& slots, partition_id partitions) {
    slot_keeper_options options;
    options.node = "here";
    options.places = places = std::make_shared<running_limit>(node_limit);
    keeper = system_.spawn(slot_keeper, options);
    spawned_.push_back(caf::actor_cast<caf::actor>(keeper));
    for (const auto& [type, count] : slots)
      set_slots(type, count);
    for (partition_id x = 0; x < partitions; ++x)
      lead(x);
  }

  void set_slots(const std::string& type, uint32_t count) {
    auto& pool = pools[type];
    if (!pool) {
      pool = system_.spawn([](caf::event_based_actor*) -> caf::behavior { return {[](caf::flush_atom) {}}; });
      spawned_.push_back(pool);
    }
    limits[type] = count;
    caf::anon_send(keeper, pool_slots{type, type, count, caf::actor_cast<pool_actor>(pool)});
    settle();
  }

  void lead(partition_id x) {
    auto& played = schedulers[x];
    played = {};
    played.handle = system_.spawn([this, x](caf::event_based_actor*) -> caf::behavior {
      return {[this, x](const slot_share& share, const caf::strong_actor_ptr&) {
        auto& own = schedulers.at(x);
        if (own.deaf)
          return;
        own.share = share;
        ++own.heard;
        go_on(x);
        tell(x);
      }};
    });
    spawned_.push_back(played.handle);
    join(x, caf::actor_cast<caf::strong_actor_ptr>(played.handle));
  }

  void join(partition_id x, const caf::strong_actor_ptr& scheduler) {
    caf::anon_send(keeper, caf::join_atom::value, x, scheduler);
    settle();
  }

  void go_on(partition_id x) {
    auto& own = schedulers.at(x);
    for (auto& [type, work] : own.work)
      while (work.ready > 0 && work.busy < own.share_of(type) && own.busy() < own.share.slots) {
        ++work.busy;
        --work.ready;
      }
    uint32_t all = 0;
    for (const auto& [type, slots] : limits) {
      uint32_t busy = 0;
      for (auto& [number, scheduler] : schedulers)
        busy += scheduler.work[type].busy;
      EXPECT_LE(busy, std::max(slots, before[type])) << type;
      before[type] = busy;
      all += busy;
    }
    EXPECT_LE(all, std::max(places->limit(), before[""]));
    before[""] = all;
  }

  void tell(partition_id x) {
    auto& own = schedulers.at(x);
    slot_demand demand{x, ++own.demands, own.share.number, own.busy(), {}};
    for (const auto& [type, work] : own.work) {
      if (work.busy + work.ready == 0)
        continue;
      std::vector<uint32_t> counts(priority_names.size());
      counts[static_cast<size_t>(work.importance)] = work.busy + work.ready;
      demand.pools.push_back({type, type, work.busy, counts});
    }
    caf::send_as(own.handle, keeper, demand);
  }

  void want(partition_id x, uint32_t count, const std::string& type = "noop", priority importance = priority::normal) {
    schedulers.at(x).work[type].ready += count;
    schedulers.at(x).work[type].importance = importance;
    go_on(x);
    tell(x);
    settle();
  }

  void finish(partition_id x, uint32_t count, const std::string& type = "noop") {
    schedulers.at(x).work[type].busy -= count;
    go_on(x);
    tell(x);
    settle();
  }

  void pass(caf::timespan duration) {
    for (; duration > 0s; duration -= 100ms)
      advance(100ms);
  }

  std::vector<uint32_t> shares() const {
    std::vector<uint32_t> result;
    for (const auto& [number, x] : schedulers)
      result.push_back(x.share_of("noop"));
    return result;
  }

  std::shared_ptr<running_limit> places;
  slot_keeper_actor keeper;
  std::map<std::string, caf::actor> pools;
  std::map<std::string, uint32_t> limits;
  std::map<std::string, uint32_t> before; // what ran; a limit that shrinks stops nothing
  std::map<partition_id, played_scheduler> schedulers;
};

using numbers = std::vector<uint32_t>;

} // namespace

TEST_F(SlotKeeperTest, EachPartitionHasAShareBeforeItAsks) {
  start_keeper(100, {{"noop", 16}}, 8);
  EXPECT_EQ(shares(), numbers(8, 2));
}

TEST_F(SlotKeeperTest, OneThatWantsGetsWhatNobodyElseDoes) {
  start_keeper(100, {{"noop", 16}}, 8);
  want(3, 20);
  EXPECT_EQ(schedulers[3].work["noop"].busy, 16u);
}

TEST_F(SlotKeeperTest, ShareGoesOverAsAttemptsEnd) {
  start_keeper(100, {{"noop", 10}}, 2);
  want(0, 100);
  EXPECT_EQ(schedulers[0].work["noop"].busy, 10u);
  want(1, 100);
  EXPECT_EQ(schedulers[1].work["noop"].busy, 0u);
  for (uint32_t ended = 1; ended <= 5; ++ended) {
    finish(0, 1);
    EXPECT_EQ(schedulers[1].work["noop"].busy, ended);
  }
  for (int i = 0; i < 10; ++i) {
    finish(0, 1);
    finish(1, 1);
  }
  EXPECT_EQ(shares(), (numbers{5, 5})) << "and there it stays";
}

TEST_F(SlotKeeperTest, HigherPriorityGetsMore) {
  start_keeper(100, {{"noop", 10}}, 2);
  want(0, 100, "noop", priority::background);
  want(1, 100, "noop", priority::critical);
  for (int i = 0; i < 20 && schedulers[0].work["noop"].busy > 1; ++i)
    finish(0, 1);
  EXPECT_EQ(shares(), (numbers{1, 9}));
}

TEST_F(SlotKeeperTest, NodeLimitIsDividedOverAllPools) {
  start_keeper(10, {{"noop", 10}, {"other", 10}}, 2);
  want(0, 100, "noop");
  want(1, 100, "other");
  for (int i = 0; i < 20; ++i)
    finish(0, 1);
  EXPECT_EQ(schedulers[0].busy(), 5u);
  EXPECT_EQ(schedulers[1].busy(), 5u);
  places->set_limit(4);
  pass(600ms);
  for (int i = 0; i < 8; ++i)
    for (partition_id x : {0, 1})
      if (schedulers[x].busy() > 0)
        finish(x, 1, x == 0 ? "noop" : "other");
  EXPECT_EQ(schedulers[0].busy(), 2u);
  EXPECT_EQ(schedulers[1].busy(), 2u);
}

TEST_F(SlotKeeperTest, NodeSlotsThatAPoolHasNoUseForGoToAnother) {
  start_keeper(6, {{"noop", 2}, {"other", 10}}, 2);
  want(0, 100, "noop");
  want(1, 100, "other");
  pass(1s);
  EXPECT_EQ(schedulers[0].busy(), 2u);
  EXPECT_EQ(schedulers[1].busy(), 4u);
}

TEST_F(SlotKeeperTest, PartitionsTakeTurnsWhereThereAreFewerSlots) {
  start_keeper(100, {{"noop", 1}}, 4);
  std::map<partition_id, int> ran;
  for (partition_id x = 0; x < 4; ++x)
    want(x, 1'000);
  for (int step = 0; step < 200; ++step) {
    for (partition_id x = 0; x < 4; ++x)
      if (schedulers[x].busy() > 0) {
        ++ran[x];
        finish(x, 1);
        break;
      }
    advance(100ms);
  }
  for (partition_id x = 0; x < 4; ++x)
    EXPECT_GE(ran[x], 30) << "partition " << x << " of 200 steps";
}

TEST_F(SlotKeeperTest, LongAttemptsTakeTurnsToo) {
  start_keeper(100, {{"noop", 1}}, 3);
  for (partition_id x = 0; x < 3; ++x)
    want(x, 100);
  std::map<partition_id, int> ran;
  for (int i = 0; i < 9; ++i) {
    pass(3s);
    for (partition_id x = 0; x < 3; ++x)
      if (schedulers[x].busy() > 0) {
        ++ran[x];
        finish(x, 1);
        break;
      }
  }
  for (partition_id x = 0; x < 3; ++x)
    EXPECT_EQ(ran[x], 3) << "partition " << x;
}

TEST_F(SlotKeeperTest, ShareThatGotLostIsSaidAgain) {
  start_keeper(100, {{"noop", 4}}, 2);
  schedulers[1].deaf = true;
  set_slots("noop", 8);
  EXPECT_EQ(shares(), (numbers{4, 2}));
  schedulers[1].deaf = false;
  pass(3s);
  EXPECT_EQ(shares(), (numbers{4, 4}));
}

TEST_F(SlotKeeperTest, NobodyGetsWhatOneThatDoesNotAnswerMayStillUse) {
  start_keeper(100, {{"noop", 10}}, 2);
  schedulers[0].deaf = true;
  want(1, 100);
  pass(10s);
  EXPECT_EQ(schedulers[1].busy(), 5u);
  schedulers[0].deaf = false;
  pass(3s);
  EXPECT_EQ(schedulers[1].busy(), 10u);
}

TEST_F(SlotKeeperTest, DemandThatGotLostIsAskedFor) {
  start_keeper(100, {{"noop", 4}}, 2);
  want(0, 1);
  schedulers[0].work["noop"].ready = 3; // it says nothing of it
  pass(6s);
  EXPECT_EQ(schedulers[0].busy(), 4u);
}

TEST_F(SlotKeeperTest, OneThatHadNothingIsAskedInTheEndToo) {
  start_keeper(100, {{"noop", 4}}, 2);
  schedulers[0].work["noop"].ready = 4; // it says nothing of it
  pass(61s);
  EXPECT_EQ(schedulers[0].busy(), 4u);
}

TEST_F(SlotKeeperTest, SchedulerThatGoesAwayLeavesItsShareButForWhatRuns) {
  start_keeper(100, {{"noop", 10}}, 2);
  want(0, 2);
  want(1, 100);
  EXPECT_EQ(schedulers[1].busy(), 8u);
  schedulers[0].work["noop"].ready = 10;
  join(0, nullptr);
  pass(5s);
  EXPECT_EQ(schedulers[1].busy(), 8u);
  finish(0, 2); // its new leader will say so; the one that led is not heard any more
  EXPECT_EQ(schedulers[1].busy(), 8u);
  lead(0);
  EXPECT_EQ(schedulers[1].busy(), 10u);
}

TEST_F(SlotKeeperTest, NothingIsSaidWhileNothingChanges) {
  start_keeper(100, {{"noop", 16}}, 8);
  want(1, 1);
  auto heard = [&] { return std::pair{schedulers[0].heard, schedulers[1].heard}; };
  auto before = heard();
  pass(59s);
  auto after = heard();
  EXPECT_EQ(after.first, before.first) << "it has and wants nothing";
  EXPECT_LE(after.second - before.second, 12u) << "but the question every 5 s";
}

TEST_F(SlotKeeperTest, SharesStandStillWhileDemandDoes) {
  start_keeper(100, {{"noop", 10}}, 3);
  for (partition_id x = 0; x < 3; ++x)
    want(x, 1'000);
  for (int i = 0; i < 20; ++i)
    finish(0, 1);
  auto settled = shares();
  for (int step = 0; step < 100; ++step) {
    auto x = static_cast<partition_id>(step % 3);
    if (schedulers[x].busy() > 0)
      finish(x, 1);
    advance(100ms);
    ASSERT_EQ(shares(), settled);
  }
}

} // namespace overwatch::test
