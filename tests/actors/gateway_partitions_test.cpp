#include "tests/actors/control_node.hpp"
#include "tests/actors/played_partition.hpp"

#include <caf/event_based_actor.hpp>

using namespace std::chrono_literals;

/// What a gateway answers the other partitions, and what it asks the mirror of the control partition.
namespace overwatch::test {

/// A node that leads partition 1 of 2.
class GatewayPartitionsTest : public control_node {
protected:
  GatewayPartitionsTest() {
    replication.partition = 1;
    replication.partitions = 2;
    scheduling.partition = 1;
    start();
  }

  bool tell(mirror_command news) {
    return ask<mirror_reply>(gateway_handle, mirror_request{1, std::move(news)}).complete;
  }
};

TEST_F(GatewayPartitionsTest, WhatTheControlPartitionSaysHoldsHere) {
  auto pool = offer("noop", 5);
  gate_record closed;
  closed.open = false;
  EXPECT_TRUE(tell({{1, 5},
                    {},
                    {{mirrored_kind::gate, "g", encode(closed)},
                     {mirrored_kind::setting, "slots.noop", "3"},
                     {mirrored_kind::setting, "dispatch", "stopped"}}}));
  auto status = ask<scheduler_status>(links.scheduler, scheduler_status_request{});
  EXPECT_FALSE(status.dispatching);
  EXPECT_EQ(status.settings.at("slots.noop"), "3");
  EXPECT_TRUE(resized(pool).empty()) << "the control partition's scheduler says it to the pools of all nodes";
  EXPECT_EQ(ask<document_page>(links.replica, documents_request{document_kind::gate, {}, {}, 10}).documents.size(), 1u);
}

TEST_F(GatewayPartitionsTest, SaysWhenItHasToBeToldAll) {
  EXPECT_FALSE(tell({{1, 5}, 3, {}}));
  EXPECT_TRUE(tell({{1, 5}, {}, {}}));
  EXPECT_TRUE(tell({{1, 6}, 5, {}}));
}

TEST_F(GatewayPartitionsTest, SaysWhatBecameOfItsTasks) {
  auto put = [&](uint64_t n) {
    auto submitted = task(n, [&](task_spec& x) { x.id = id_of(n, 1); });
    EXPECT_FALSE(propose(submit_command{submitted, true}).error);
  };
  put(1);
  put(2);
  propose(cancel_command{id_of(1, 1), "no"});
  auto reply = ask<statuses_reply>(gateway_handle, statuses_request{1, {id_of(1, 1), id_of(2, 1), id_of(3, 1)}});
  ASSERT_EQ(reply.ended.size(), 1u);
  EXPECT_EQ(reply.ended[0].status, task_status::cancelled);
  EXPECT_EQ(reply.missing, std::vector{id_of(3, 1)});
}

/// A node that leads the control partition, with a mirror that the test plays.
class GatewayMirrorTest : public control_node {
protected:
  GatewayMirrorTest() {
    start();
    auto mirror = system_.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {
        [this, self](const settle_request&) {
          held.push_back(self->make_response_promise());
          return caf::delegated<uint64_t>{};
        },
        [this](caf::flush_atom) {
          for (auto& promise : std::exchange(held, {}))
            if (fault)
              promise.deliver(make_error(fault));
            else
              promise.deliver(uint64_t{1});
        },
      };
    });
    spawned_.push_back(mirror);
    links.mirror = caf::actor_cast<mirror_actor>(mirror);
    caf::anon_send(gateway_handle, links);
    settle();
  }

  template <class Reply, class Request>
  void is_answered_with_the_mirror(Request request) {
    for (auto code : {ec::none, ec::unavailable}) {
      fault.code = code;
      auto response = self_->request(gateway_handle, caf::infinite, request); // time stands still here
      settle();
      EXPECT_FALSE(self_->has_next_message()) << "the others do not have it yet";
      ASSERT_EQ(held.size(), 1u);
      caf::anon_send(caf::actor_cast<caf::actor>(links.mirror), caf::flush_atom::value);
      settle();
      response.receive([&](const Reply&) { EXPECT_EQ(code, ec::none); },
                       [&](const caf::error& why) { EXPECT_EQ(describe(why).code, code); });
    }
  }

  std::vector<caf::response_promise> held;
  failure fault;
};

TEST_F(GatewayMirrorTest, SettingsAreAnsweredWhenAllPartitionsHaveThem) {
  settings_request change;
  change.set["retention"] = "60";
  is_answered_with_the_mirror<settings_reply>(change);
  is_answered_with_the_mirror<dispatch_reply>(dispatch_request{false, false});
  is_answered_with_the_mirror<dispatch_reply>(dispatch_request{true, false});
}

TEST_F(GatewayMirrorTest, ReadingWaitsForNobody) {
  EXPECT_FALSE(ask<settings_reply>(gateway_handle, settings_request{}).values.count("nothing"));
  EXPECT_TRUE(held.empty());
}

} // namespace overwatch::test
