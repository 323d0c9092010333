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

/// A gateway that says of every task which partition it came to, and lists one task of its partition. What is called
/// "refused" is.
gateway_actor play_partition(caf::actor_system& system, partition_id partition, task_id listed) {
  auto handle = system.spawn([=](caf::event_based_actor* self) -> caf::behavior {
    self->set_default_handler(caf::skip);
    return {[=](const submit_request& x) {
              submit_reply reply;
              for (const auto& task : x.tasks) {
                auto id = task.spec->id;
                if (id.is_nil())
                  id = task_id{1, static_cast<uint64_t>(partition) << 46};
                reply.receipts.push_back({id, task_status::queued, false, {}});
                if (task.spec->name == "refused")
                  reply.receipts.back().error = {ec::invalid, "/name", "no"};
              }
              return reply;
            },
            [=](const list_request&) {
              task_page page;
              page.tasks.emplace_back().spec.id = listed;
              return page;
            },
            [=](const stats_request&) {
              stats_reply reply;
              reply.submitted = 1u << partition;
              return reply;
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
    caf::anon_send(router_, leader_report{control_partition, node, node == "own", 1, {}});
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

TEST_F(RouterTest, SubmitThatMayBeStoredIsNotCalledRefused) {
  peer("mute", true, keep(play_silent_gateway(system_, caf::actor_cast<gateway_actor>(gateway_handle))));
  leader("mute");
  auto stored = send<submit_reply>(one_task()); // stored, and the answer is lost
  peer("mute", false, {});
  leader("");
  for (int i = 0; i < 70; ++i)
    advance(100ms);
  ASSERT_TRUE(*stored);
  ASSERT_FALSE(**stored);
  auto fault = describe((**stored).error());
  EXPECT_EQ(fault.code, ec::timed_out) << fault.message;
  EXPECT_NE(fault.message.find("whether it was done is unknown"), std::string::npos) << fault.message;
}

TEST_F(RouterTest, SubmitThatMayBeStoredIsNotRefusedByTheNextLeader) {
  peer("silent", true, keep(play_silent_gateway(system_)));
  auto full = system_.spawn([] {
    return caf::behavior{[](const submit_request&) -> caf::result<submit_reply> {
      return make_error(ec::no_space, "the disk is full");
    }};
  });
  peer("full", true, caf::actor_cast<gateway_actor>(keep(full)));
  leader("full");
  auto refused = send<submit_reply>(one_task());
  ASSERT_TRUE(*refused);
  EXPECT_EQ(describe((**refused).error()).code, ec::no_space);
  leader("silent");
  auto unclear = send<submit_reply>(one_task());
  peer("silent", false, {});
  leader("full");
  advance(1s);
  ASSERT_TRUE(*unclear);
  EXPECT_EQ(describe((**unclear).error()).code, ec::timed_out);
}

TEST_F(RouterTest, KeyThatMayBeWrittenIsNotCalledRefused) {
  peer("mute", true, keep(play_silent_gateway(system_)));
  leader("mute");
  auto written = send<key_record>(put_key_request{"key", "\"value\"", {}});
  peer("mute", false, {});
  leader("");
  for (int i = 0; i < 70; ++i)
    advance(100ms);
  ASSERT_TRUE(*written);
  ASSERT_FALSE(**written);
  EXPECT_EQ(describe((**written).error()).code, ec::timed_out);
}

TEST_F(RouterTest, ReadThatNobodyAnswersIsUnavailable) {
  auto id = submit("task").id;
  peer("mute", true, keep(play_silent_gateway(system_)));
  leader("mute");
  auto found = send<task_record>(get_request{id});
  peer("mute", false, {});
  leader("");
  for (int i = 0; i < 70; ++i)
    advance(100ms);
  ASSERT_TRUE(*found);
  ASSERT_FALSE(**found);
  EXPECT_EQ(describe((**found).error()).code, ec::unavailable);
}

/// A node that is alone with three partitions.
class RouterPartitionsTest : public RouterTest {
protected:
  void SetUp() override {
    RouterTest::SetUp();
    for (partition_id i = 0; i < 3; ++i) {
      auto own = keep(play_partition(system_, i, task_id{i + 10u, 0}));
      caf::anon_send(router_, caf::join_atom::value, i, caf::actor_cast<caf::strong_actor_ptr>(own));
      caf::anon_send(router_, leader_report{i, "own", true, 1, {}});
    }
    settle();
  }

  static submission task(const std::string& name, std::function<void(task_spec&)> change = {}) {
    auto spec = std::make_shared<task_spec>();
    spec->name = name;
    if (change)
      change(*spec);
    return {spec, std::make_shared<const std::string>("{}")};
  }

  /// The partitions that the tasks of a request got.
  std::vector<partition_id> places(std::vector<submission> tasks) {
    auto answer = send<submit_reply>(submit_request{std::move(tasks)});
    std::vector<partition_id> result;
    if (*answer && **answer)
      for (const auto& receipt : (**answer)->receipts)
        result.push_back(receipt.id.partition());
    return result;
  }
};

TEST_F(RouterPartitionsTest, RequestsTakeTurns) {
  std::map<partition_id, int> seen;
  for (int i = 0; i < 6; ++i) {
    auto where = places({task("a"), task("b")});
    ASSERT_EQ(where.size(), 2u);
    EXPECT_EQ(where[0], where[1]) << "one request is one log entry";
    ++seen[where[0]];
  }
  EXPECT_EQ(seen, (std::map<partition_id, int>{{0, 2}, {1, 2}, {2, 2}}));
}

TEST_F(RouterPartitionsTest, PartitionWithoutLeaderIsLeftOut) {
  caf::anon_send(router_, leader_report{1, "", false, 1, {}});
  settle();
  for (int i = 0; i < 6; ++i)
    EXPECT_NE(places({task("a")}).at(0), 1);
}

TEST_F(RouterPartitionsTest, PartsOfARequestAreAnsweredInItsOrder) {
  auto shares = [](task_spec& x) { x.unique_key = "key"; };
  for (int i = 0; i < 3; ++i) {
    auto answer = send<submit_reply>(submit_request{{task("a"), task("shares", shares), task("refused"), task("b")}});
    ASSERT_TRUE(*answer && **answer);
    const auto& receipts = (**answer)->receipts;
    ASSERT_EQ(receipts.size(), 4u);
    EXPECT_EQ(receipts[1].id.partition(), control_partition);
    EXPECT_EQ(receipts[0].id.partition(), receipts[3].id.partition());
    EXPECT_FALSE(receipts[0].error);
    EXPECT_TRUE(receipts[2].error);
    EXPECT_FALSE(receipts[3].error);
  }
}

TEST_F(RouterPartitionsTest, ListsAndCountersArePutTogether) {
  auto page = send<task_page>(list_request{});
  ASSERT_TRUE(*page && **page);
  ASSERT_EQ((**page)->tasks.size(), 3u);
  EXPECT_EQ((**page)->tasks.front().spec.id, (task_id{12, 0})) << "the newest first";
  auto local = send<task_page>(list_request{{}, 2, {}, consistency::local});
  ASSERT_TRUE(*local && **local);
  EXPECT_EQ((**local)->tasks.size(), 2u);
  EXPECT_EQ((**local)->next, (task_id{11, 0}));
  auto stats = send<stats_reply>(stats_request{});
  ASSERT_TRUE(*stats && **stats);
  EXPECT_EQ((**stats)->submitted, 7u);
}

} // namespace overwatch::test
