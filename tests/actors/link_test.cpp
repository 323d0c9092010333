#include "actors/link.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <gtest/gtest.h>

#include <caf/event_based_actor.hpp>


using namespace std::chrono_literals;

namespace overwatch::test {

namespace {

constexpr uint64_t session = 7;
constexpr uint64_t overhead = sizeof(partition_id); ///< that a link counts for each message

struct network_config : caf::actor_system_config {
  network_config() {
    add_node_messages(*this);
    set("scheduler.policy", caf::atom("testing"));
  }
};

} // namespace

/// A link alone; the test plays its membership, the replica here, and the other end.
class LinkTest : public ::testing::Test {
protected:
  LinkTest() : coordinator_{dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())} {
    coordinator_.clock().current_time += std::chrono::hours{1};
    options.node = "b";
    options.window = 1'000;
    options.batch_bytes = 300;
    options.clock = [this] { return time(); };
  }

  ~LinkTest() override {
    for (const auto& x : {caf::actor_cast<caf::actor>(handle), membership_, replica_, remote_})
      if (x)
        caf::anon_send_exit(x, caf::exit_reason::kill);
    settle();
    coordinator_.clock().cancel_all();
  }

  void start() {
    membership_ = system_.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](const link_report& x) { reports.push_back(x); }, [this](const link_stats& x) { stats = x; }};
    });
    replica_ = system_.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](const log_delivery& x) { delivered.push_back(x.bytes); }};
    });
    remote_ = system_.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](const link_batch& x) { sent.push_back(x); }};
    });
    handle = system_.spawn(link, options, caf::actor_cast<membership_reports>(membership_));
    caf::anon_send(handle, local_replicas{{caf::actor_cast<caf::strong_actor_ptr>(replica_)}});
    caf::anon_send(handle, link_session{session, caf::actor_cast<caf::strong_actor_ptr>(remote_)});
    settle();
  }

  void start_up() {
    start();
    say(0);
    sent.clear();
  }

  /// The other end says something.
  void say(uint64_t received, std::vector<log_delivery> deliveries = {}, uint64_t in_session = session) {
    link_batch x;
    x.session = in_session;
    x.received = received;
    x.deliveries = std::move(deliveries);
    x.clock = time();
    caf::anon_send(handle, x);
    settle();
  }

  void give(const std::string& bytes) {
    caf::anon_send(handle, log_delivery{0, bytes});
    settle();
  }

  std::vector<std::string> sent_messages() const {
    std::vector<std::string> result;
    for (const auto& batch : sent)
      for (const auto& x : batch.deliveries)
        result.push_back(x.bytes);
    return result;
  }

  void settle() {
    while (coordinator_.try_run_once())
      continue;
  }

  void advance(caf::timespan d) {
    coordinator_.clock().advance_time(d);
    settle();
  }

  timestamp time() const {
    return timestamp{
      std::chrono::duration_cast<std::chrono::microseconds>(coordinator_.clock().now().time_since_epoch())};
  }

  network_config config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& coordinator_;
  link_options options;
  link_actor handle;
  caf::actor membership_;
  caf::actor replica_;
  caf::actor remote_;
  std::vector<link_report> reports;
  link_stats stats;
  std::vector<std::string> delivered;
  std::vector<link_batch> sent;
};

TEST_F(LinkTest, SessionIsUpWhenTheOtherEndIsHeard) {
  start();
  EXPECT_EQ(sent.size(), 1U); // so that the other end is up, too
  EXPECT_TRUE(reports.empty());
  say(0);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_TRUE(reports[0].up);
  EXPECT_EQ(reports[0].session, session);
  EXPECT_EQ(sent.size(), 2U);
}

TEST_F(LinkTest, MessagesOfOneMomentShareABatch) {
  start_up();
  caf::anon_send(handle, std::vector<log_delivery>{{0, "one"}, {0, "two"}});
  caf::anon_send(handle, log_delivery{0, "three"});
  settle();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent_messages(), (std::vector<std::string>{"one", "two", "three"}));
}

TEST_F(LinkTest, BatchesAreBounded) {
  start_up();
  std::vector<log_delivery> many(7, log_delivery{0, std::string(100, 'x')});
  caf::anon_send(handle, many);
  settle();
  EXPECT_EQ(sent_messages().size(), 7U);
  EXPECT_EQ(sent.size(), 4U); // two fit into 300 bytes
}

TEST_F(LinkTest, WhatThePeerDoesNotTakeIsDroppedAndCounted) {
  start_up();
  for (auto i = 0; i < 20; ++i)
    give(std::string(100 - overhead, 'x'));
  EXPECT_EQ(sent_messages().size(), 10U);
  advance(500ms);
  EXPECT_EQ(stats.dropped, 10U);
  EXPECT_EQ(stats.bytes_sent, 1'000U);
  say(500); // five of them have arrived
  for (auto i = 0; i < 20; ++i)
    give(std::string(100 - overhead, 'x'));
  EXPECT_EQ(sent_messages().size(), 15U);
}

TEST_F(LinkTest, MessageLargerThanTheWindowPassesAlone) {
  start_up();
  give(std::string(5'000, 'x'));
  EXPECT_EQ(sent_messages().size(), 1U);
  give("small");
  EXPECT_EQ(sent_messages().size(), 1U);
  say(5'000 + overhead);
  give("small");
  EXPECT_EQ(sent_messages().size(), 2U);
}

TEST_F(LinkTest, CreditOfMoreThanWasSentIsNotBelieved) {
  start_up();
  say(1'000'000);
  for (auto i = 0; i < 20; ++i)
    give(std::string(100 - overhead, 'x'));
  EXPECT_EQ(sent_messages().size(), 10U);
}

TEST_F(LinkTest, ArrivalIsAcknowledgedBeforeTheWindowIsUsedUp) {
  start_up();
  say(0, {{0, std::string(100 - overhead, 'x')}});
  EXPECT_TRUE(sent.empty()); // the next ping is soon enough
  say(0, {{0, std::string(200 - overhead, 'x')}});
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].received, 300U);
  EXPECT_EQ(delivered.size(), 2U);
}

TEST_F(LinkTest, OtherPartitionsAndSessionsAreIgnored) {
  start_up();
  say(0, {{9, "of a partition that is not here"}});
  say(0, {{0, "of another session"}}, session + 1);
  EXPECT_TRUE(delivered.empty());
}

TEST_F(LinkTest, NothingIsSentBeforeThePeerIsUp) {
  start();
  give("too early");
  say(0);
  EXPECT_TRUE(sent_messages().empty());
}

TEST_F(LinkTest, SilenceEndsTheSession) {
  start_up();
  for (auto i = 0; i < 4; ++i)
    advance(500ms);
  EXPECT_EQ(reports.size(), 1U);
  say(0);
  for (auto i = 0; i < 4; ++i)
    advance(500ms);
  EXPECT_EQ(reports.size(), 1U);
  advance(500ms);
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_FALSE(reports[1].up);
}

// A process that was stopped itself must first look what came meanwhile.
TEST_F(LinkTest, OwnPauseIsNotThePeersSilence) {
  start_up();
  advance(60s);
  EXPECT_EQ(reports.size(), 1U);
}

TEST_F(LinkTest, DeathOfTheOtherEndEndsTheSessionAtOnce) {
  start_up();
  caf::anon_send_exit(remote_, caf::exit_reason::kill);
  settle();
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_FALSE(reports[1].up);
  EXPECT_EQ(reports[1].session, session);
}

TEST_F(LinkTest, NewSessionBeginsWithFullCredit) {
  start_up();
  give(std::string(5'000, 'x'));
  caf::anon_send(handle, link_session{session + 1, caf::actor_cast<caf::strong_actor_ptr>(remote_)});
  settle();
  say(0, {}, session + 1);
  sent.clear();
  give("again");
  EXPECT_EQ(sent_messages(), (std::vector<std::string>{"again"}));
}

TEST_F(LinkTest, RoundTripLeavesOutWhatTheOtherEndHeld) {
  start_up();
  advance(500ms);
  ASSERT_FALSE(sent.empty());
  link_batch x;
  x.session = session;
  x.echo = sent.back().sent_at;
  x.held = 30'000;
  coordinator_.clock().current_time += 50ms;
  x.sent_at = 1;
  x.clock = time() + 1s;
  caf::anon_send(handle, x);
  settle();
  advance(450ms);
  EXPECT_EQ(stats.round_trip, 20ms);
  EXPECT_EQ(stats.clock_offset, 1s + 10ms);
}

} // namespace overwatch::test
