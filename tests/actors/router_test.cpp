#include "actors/router.hpp"

#include "tests/support/deterministic_node.hpp"

#include <caf/event_based_actor.hpp>

using namespace std::chrono_literals;

namespace overwatch::test {

namespace {

/// A gateway that takes requests and never answers. What is submitted reaches `behind`, if there is one.
gateway_actor play_silent_gateway(caf::actor_system& system, gateway_actor behind = {}) {
  auto handle = system.spawn([behind](caf::event_based_actor* self) -> caf::behavior {
    self->set_default_handler(caf::skip);
    return {[=](submit_request& x) -> caf::result<submit_reply> {
      if (behind)
        caf::anon_send(behind, std::move(x));
      return self->make_response_promise<submit_reply>();
    }};
  });
  return caf::actor_cast<gateway_actor>(handle);
}

} // namespace

/// A router before a gateway that was never connected; the real node is its peer "there".
class RouterTest : public deterministic_node {
protected:
  void SetUp() override {
    start();
    own_ = keep(system_.spawn(gateway, gateway_settings));
    router_options options;
    options.node = "own";
    options.clock = [this] { return time(); };
    router_ = keep(system_.spawn(router, options));
    caf::anon_send(router_, caf::join_atom::value, control_partition, caf::actor_cast<caf::strong_actor_ptr>(own_));
    settle();
    front_ = caf::actor_cast<gateway_actor>(router_);
  }

  void TearDown() override {
    for (const auto& x : kept_)
      caf::anon_send_exit(x, caf::exit_reason::kill);
    own_ = nullptr;
    router_ = nullptr;
    front_ = nullptr;
    kept_.clear();
    settle();
  }

  template <class Handle>
  Handle keep(Handle x) {
    kept_.push_back(caf::actor_cast<caf::actor>(x));
    return x;
  }

  void peer(const std::string& node, bool up, const gateway_actor& handle) {
    peer_report x;
    x.node = node;
    x.up = up;
    x.handles.gateways = {caf::actor_cast<caf::strong_actor_ptr>(handle)};
    caf::anon_send(router_, std::move(x));
    settle();
  }

  void leader(const std::string& node) {
    caf::anon_send(router_, leader_report{control_partition, node, node == "own", 1});
    settle();
  }

  template <class Reply, class Request>
  std::shared_ptr<std::optional<caf::expected<Reply>>> send(const Request& x) {
    auto answer = std::make_shared<std::optional<caf::expected<Reply>>>();
    system_.spawn([=, front = front_](caf::event_based_actor* client) {
      client->request(front, caf::infinite, x)
        .then([=](Reply& reply) { answer->emplace(std::move(reply)); },
              [=](caf::error& why) { answer->emplace(std::move(why)); });
    });
    settle();
    return answer;
  }

  static submit_request one_task() {
    auto spec = std::make_shared<task_spec>();
    spec->name = "one";
    spec->task_type = "noop";
    return submit_request{{{spec, std::make_shared<const std::string>("{}")}}};
  }

  gateway_state::interface own_;
  router_state::interface router_;
  gateway_actor front_;
  std::vector<caf::actor> kept_;
};

TEST_F(RouterTest, NodeThatIsAloneAnswersByItself) {
  auto answer = send<submit_reply>(one_task());
  ASSERT_TRUE(*answer);
  ASSERT_FALSE(**answer);
  EXPECT_EQ(describe((**answer).error()).code, ec::not_leader) << "of its own gateway, which has no components yet";
}

TEST_F(RouterTest, FollowerAsksTheNodeThatLeads) {
  peer("there", true, caf::actor_cast<gateway_actor>(gateway_handle));
  leader("there");
  auto stored = send<submit_reply>(one_task());
  ASSERT_TRUE(*stored && **stored);
  auto id = (**stored)->receipts.at(0).id;
  EXPECT_FALSE((**stored)->receipts.at(0).existing);
  auto found = send<task_record>(get_request{id});
  ASSERT_TRUE(*found && **found);
  EXPECT_EQ((**found)->spec.name, "one");
  auto local = send<task_record>(get_request{id, consistency::local});
  ASSERT_TRUE(*local);
  EXPECT_FALSE(**local) << "the own gateway has nothing";
}

TEST_F(RouterTest, RequestsWaitForALeader) {
  peer("there", true, caf::actor_cast<gateway_actor>(gateway_handle));
  leader("");
  auto stored = send<submit_reply>(one_task());
  advance(2s);
  EXPECT_FALSE(*stored);
  leader("there");
  ASSERT_TRUE(*stored && **stored);
}

TEST_F(RouterTest, LongWithoutLeaderIsSaid) {
  peer("there", false, {});
  leader("");
  auto stored = send<submit_reply>(one_task());
  for (int i = 0; i < 70; ++i)
    advance(100ms);
  ASSERT_TRUE(*stored);
  ASSERT_FALSE(**stored);
  auto fault = describe((**stored).error());
  EXPECT_EQ(fault.code, ec::unavailable);
  EXPECT_NE(fault.message.find("partition 0 has had no leader for 5 s"), std::string::npos) << fault.message;
  EXPECT_NE(fault.message.find("not there"), std::string::npos) << fault.message;
}

TEST_F(RouterTest, ReadsAreRepeatedWhenTheConnectionIsLost) {
  auto id = submit("task").id;
  peer("mute", true, keep(play_silent_gateway(system_)));
  peer("there", true, caf::actor_cast<gateway_actor>(gateway_handle));
  leader("mute");
  auto found = send<task_record>(get_request{id});
  EXPECT_FALSE(*found);
  peer("mute", false, {});
  leader("there");
  ASSERT_TRUE(*found && **found);
}

TEST_F(RouterTest, ChangesWithUnknownOutcomeAreNot) {
  auto id = submit("task").id;
  peer("mute", true, keep(play_silent_gateway(system_)));
  leader("mute");
  auto cancelled = send<task_record>(cancel_request{id, "why not"});
  peer("mute", false, {});
  ASSERT_TRUE(*cancelled);
  ASSERT_FALSE(**cancelled);
  EXPECT_EQ(describe((**cancelled).error()).code, ec::timed_out);
}

TEST_F(RouterTest, RepeatedSubmitIsNotDoubled) {
  auto real = caf::actor_cast<gateway_actor>(gateway_handle);
  peer("mute", true, keep(play_silent_gateway(system_, real)));
  peer("there", true, real);
  leader("mute");
  auto stored = send<submit_reply>(one_task()); // stored, and the answer is lost
  EXPECT_FALSE(*stored);
  peer("mute", false, {});
  leader("there");
  ASSERT_TRUE(*stored && **stored);
  EXPECT_FALSE((**stored)->receipts.at(0).existing) << "for the client it is new";
  EXPECT_EQ(ask<stats_reply>(gateway_handle, stats_request{}).submitted, 1u);
}

} // namespace overwatch::test
