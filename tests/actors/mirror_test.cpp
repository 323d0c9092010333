#include "actors/mirror.hpp"
#include "tests/actors/played_partition.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <gtest/gtest.h>

namespace overwatch::test {

using namespace std::chrono_literals;

namespace {

/// The states of three partitions, and what lies between them.
struct played_cluster {
  std::vector<std::unique_ptr<played_partition>> partitions;
  std::set<partition_id> without_leader;
  bool unreadable = false; ///< the replica of the control partition
  bool answers_get_lost = false;
  std::vector<mirror_request> requests;

  played_cluster() {
    for (partition_id i = 0; i < 3; ++i)
      partitions.push_back(std::make_unique<played_partition>(i, 3));
  }
};

caf::behavior played_replica(caf::event_based_actor* self, played_cluster* cluster, caf::actor* watcher) {
  return {
    [=](caf::subscribe_atom, const caf::strong_actor_ptr& who) { *watcher = caf::actor_cast<caf::actor>(who); },
    [=](const control_state_request&) -> caf::result<control_state> {
      if (cluster->unreadable)
        return make_error(ec::unavailable, "starting");
      return cluster->partitions[0]->state->mirrored();
    },
    [=](const group_request&) { return group_status{}; },
    [=](const applied_ptr& x) { self->send(*watcher, x); },
  };
}

caf::behavior played_router(caf::event_based_actor* self, played_cluster* cluster) {
  return {
    [=](const mirror_request& x) -> caf::result<mirror_reply> {
      cluster->requests.push_back(x);
      if (cluster->without_leader.count(x.partition))
        return make_error(ec::unavailable, "no leader");
      auto code = cluster->partitions[x.partition]->code(x.news);
      if (!cluster->answers_get_lost)
        return mirror_reply{code == ec::none};
      self->make_response_promise(); // nobody delivers it
      return caf::delegated<mirror_reply>{};
    },
  };
}

} // namespace

class MirrorTest : public ::testing::Test {
protected:
  struct config : caf::actor_system_config {
    config() {
      add_node_messages(*this);
      set("scheduler.policy", caf::atom("testing"));
    }
  };

  MirrorTest() {
    coordinator_.clock().current_time += 1h;
    router_ = system_.spawn(played_router, &cluster);
    replica_ = system_.spawn(played_replica, &cluster, &watcher_);
  }

  ~MirrorTest() override {
    stop();
    for (const auto& x : {router_, replica_})
      caf::anon_send_exit(x, caf::exit_reason::kill);
    watcher_ = nullptr;
    settle();
    coordinator_.clock().cancel_all();
  }

  void run_mirror() {
    mirror_options options;
    options.partitions = 3;
    mirror_ = system_.spawn(mirror, options, caf::actor_cast<replica_actor>(replica_),
                            caf::actor_cast<partition_gateway_actor>(router_));
    settle();
  }

  void stop() {
    if (mirror_)
      caf::anon_send_exit(mirror_, caf::exit_reason::kill);
    mirror_ = nullptr;
    settle();
  }

  void settle() {
    while (coordinator_.try_run_once()) {
    }
  }

  void advance(caf::timespan duration) {
    for (; duration > 0ns; duration -= 50ms) {
      coordinator_.clock().advance_time(50ms);
      settle();
    }
  }

  /// The control partition applies it.
  void control(std::vector<command> commands) {
    auto entry = std::make_shared<const applied_entry>(cluster.partitions[0]->apply(std::move(commands)));
    caf::anon_send(replica_, applied_ptr{entry});
    settle();
  }

  auto ask_to_settle() {
    auto response = self_->request(mirror_, caf::infinite, settle_request{}); // time stands still here
    settle();
    return response;
  }

  template <class Response>
  bool is_answered(Response&) {
    return self_->has_next_message();
  }

  template <class Response>
  failure take(Response& response) {
    failure fault;
    response.receive([](uint64_t) {}, [&](caf::error& why) { fault = describe(why); });
    return fault;
  }

  std::string setting(partition_id partition, const std::string& key) {
    const auto& settings = cluster.partitions[partition]->state->settings();
    auto i = settings.find(key);
    return i == settings.end() ? "" : i->second;
  }

  bool is_closed(partition_id partition, const std::string& name) {
    const auto* row = cluster.partitions[partition]->state->documents().find(document_kind::gate, name);
    gate_record gate;
    return row && decode(*row->value, gate) && !gate.open;
  }

  played_cluster cluster;
  config config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& coordinator_ = dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  caf::scoped_actor self_{system_, true};
  caf::actor router_;
  caf::actor replica_;
  caf::actor watcher_;
  mirror_actor mirror_;
};

TEST_F(MirrorTest, WhatWasThereBeforeReachesAllPartitions) {
  control({gate("g", false), setting_command{"retention", "60"}});
  run_mirror();
  for (partition_id i = 1; i < 3; ++i) {
    EXPECT_TRUE(is_closed(i, "g"));
    EXPECT_EQ(setting(i, "retention"), "60");
  }
  EXPECT_EQ(cluster.requests.size(), 2u);
}

TEST_F(MirrorTest, OnlyNewsAreSent) {
  control({gate("g", false), setting_command{"retention", "60"}});
  run_mirror();
  cluster.requests.clear();
  control({setting_command{"retention", ""}});
  ASSERT_EQ(cluster.requests.size(), 2u);
  EXPECT_EQ(cluster.requests[0].news.values.size(), 1u);
  EXPECT_EQ(setting(1, "retention"), "");
  EXPECT_TRUE(is_closed(2, "g"));
  control({key("users", "1"), submit(1)});
  EXPECT_EQ(cluster.requests.size(), 2u) << "nothing of this is for the others";
}

TEST_F(MirrorTest, SettleIsAnsweredWhenAllPartitionsHaveIt) {
  run_mirror();
  cluster.without_leader = {2};
  control({gate("g", false)});
  EXPECT_TRUE(is_closed(1, "g"));
  auto response = ask_to_settle();
  EXPECT_FALSE(is_answered(response));
  advance(1s);
  EXPECT_FALSE(is_answered(response));
  cluster.without_leader.clear();
  advance(300ms);
  EXPECT_TRUE(is_closed(2, "g"));
  ASSERT_TRUE(is_answered(response));
  EXPECT_FALSE(take(response));
}

TEST_F(MirrorTest, SettleNamesThePartitionsThatLack) {
  run_mirror();
  cluster.without_leader = {2};
  control({gate("g", false)});
  auto response = ask_to_settle();
  advance(5500ms);
  ASSERT_TRUE(is_answered(response));
  auto fault = take(response);
  EXPECT_EQ(fault.code, ec::unavailable);
  EXPECT_NE(fault.message.find("partition 2 does not have it yet"), std::string::npos) << fault.message;
  cluster.without_leader.clear();
  advance(300ms);
  EXPECT_TRUE(is_closed(2, "g")) << "it follows by itself";
}

TEST_F(MirrorTest, SettleAsksForNothingThatComesLater) {
  run_mirror();
  control({gate("g", false)});
  cluster.answers_get_lost = true;
  control({gate("h", false)});
  cluster.answers_get_lost = false;
  auto later = ask_to_settle();
  EXPECT_FALSE(is_answered(later)) << "nobody has said that h has come";
  advance(11s);
  ASSERT_TRUE(is_answered(later));
  EXPECT_EQ(take(later).code, ec::unavailable);
  auto now = ask_to_settle();
  ASSERT_TRUE(is_answered(now)) << "it was sent again, and was there";
  EXPECT_FALSE(take(now));
}

TEST_F(MirrorTest, StartsWhenItsReplicaCannotAnswerYet) {
  control({gate("g", false)});
  cluster.unreadable = true;
  run_mirror();
  auto response = ask_to_settle();
  EXPECT_FALSE(is_answered(response));
  cluster.unreadable = false;
  advance(300ms);
  ASSERT_TRUE(is_answered(response));
  EXPECT_FALSE(take(response));
  EXPECT_TRUE(is_closed(2, "g"));
}

TEST_F(MirrorTest, PartitionThatLacksWhatWasBeforeIsToldAll) {
  control({gate("g", false)});
  run_mirror();
  cluster.partitions[1] = std::make_unique<played_partition>(partition_id{1}, 3u); // as from an older backup
  control({gate("h", false)});
  EXPECT_TRUE(is_closed(1, "g"));
  EXPECT_TRUE(is_closed(1, "h"));
}

TEST_F(MirrorTest, NextLeaderBringsWhatIsMissing) {
  control({lead_command{1, "a"}});
  run_mirror();
  cluster.without_leader = {1, 2};
  control({gate("g", false), setting_command{"retention", "60"}});
  control({setting_command{"retention", ""}});
  stop();
  cluster.without_leader.clear();
  control({lead_command{2, "b"}});
  run_mirror();
  EXPECT_TRUE(is_closed(1, "g"));
  EXPECT_EQ(setting(2, "retention"), "");
  for (const auto& late : std::vector<mirror_request>{cluster.requests})
    if (late.news.mark.epoch == 1)
      cluster.partitions[late.partition]->apply({late.news}); // of the one before
  EXPECT_EQ(setting(1, "retention"), "");
  EXPECT_EQ(setting(2, "retention"), "");
  EXPECT_TRUE(is_closed(2, "g"));
}

TEST_F(MirrorTest, OnePartitionHasNobodyToTell) {
  mirror_options options;
  mirror_ = system_.spawn(mirror, options, caf::actor_cast<replica_actor>(replica_),
                          caf::actor_cast<partition_gateway_actor>(router_));
  settle();
  control({gate("g", false)});
  auto response = ask_to_settle();
  ASSERT_TRUE(is_answered(response));
  EXPECT_FALSE(take(response));
  EXPECT_TRUE(cluster.requests.empty());
}

} // namespace overwatch::test
