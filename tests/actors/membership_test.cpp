#include "actors/membership.hpp"

#include "tests/support/played_network.hpp"

#include <caf/event_based_actor.hpp>
#include <gmock/gmock.h>

using namespace std::chrono_literals;

namespace overwatch::test {

namespace {

const std::vector<std::string> abc{"a", "b", "c"};

} // namespace

class MembershipTest : public played_network {
protected:
  void start_all(const std::vector<std::string>& names = abc) {
    for (const auto& name : names) {
      add(name, names);
      start(name);
    }
    advance(1s);
  }

  /// Says hello to a node in the name of another one, as if that had dialled.
  failure greet(const std::string& node, const std::string& as, const std::string& instance,
                const std::function<void(hello&)>& change = [](hello&) {}) {
    hello x;
    x.node = as;
    x.member = 1'000'000 + static_cast<member_id>(as.front());
    x.instance = instance;
    x.address = "elsewhere:7000";
    x.session = 17;
    x.link = x.membership = caf::actor_cast<caf::strong_actor_ptr>(self_);
    change(x);
    failure result;
    auto response = self_->request(at(node).handle, caf::infinite, x);
    settle();
    response.receive([](const hello&) {}, [&](const caf::error& error) { result = describe(error); });
    return result;
  }

  /// The same, with other versions of the protocol.
  failure greet(const std::string& node, const std::string& as, uint32_t oldest, uint32_t newest) {
    return greet(node, as, as + "#9", [=](hello& x) {
      x.oldest = oldest;
      x.protocol = newest;
    });
  }

  /// Everyone sees everyone.
  bool meshed(const std::vector<std::string>& names = abc) {
    for (const auto& x : names)
      for (const auto& y : names)
        if (x != y && !sees(x, y))
          return false;
    return true;
  }
};

// -- founding ------------------------------------------------------------------

TEST_F(MembershipTest, NodeWithoutOthersFoundsAtOnce) {
  add("a", {});
  start("a");
  ASSERT_EQ(at("a").identities.size(), 1U);
  EXPECT_TRUE(at("a").identity().settled());
  EXPECT_TRUE(at("a").identity().founder);
}

TEST_F(MembershipTest, FirstFoundsWhenAllAreUpAndTheOthersJoin) {
  start_all();
  EXPECT_TRUE(meshed());
  ASSERT_TRUE(at("a").identity().settled());
  EXPECT_TRUE(at("a").identity().founder);
  for (const auto* name : {"b", "c"}) {
    EXPECT_EQ(at(name).identity().cluster, at("a").identity().cluster) << name;
    EXPECT_EQ(at(name).identity().partitions, 1U) << name;
    EXPECT_FALSE(at(name).identity().founder) << name;
    EXPECT_NE(at(name).identity().member, at("a").identity().member) << name;
  }
}

TEST_F(MembershipTest, NothingIsFoundedWhileANodeIsAway) {
  for (const auto* name : {"a", "b"}) {
    add(name, abc);
    start(name);
  }
  add("c", abc);
  advance(60s);
  EXPECT_FALSE(at("a").identity().settled());
  EXPECT_THAT(status("a").waiting_for, ::testing::StartsWith("c: "));
  EXPECT_THAT(status("b").waiting_for, ::testing::StartsWith("a, the first of cluster.nodes"));
  start("c");
  advance(10s);
  for (const auto& name : abc)
    EXPECT_TRUE(at(name).identity().settled()) << name;
}

TEST_F(MembershipTest, IdentityOutlivesARestart) {
  start_all();
  auto before = at("b").identity();
  kill("b");
  at("b").identities.clear();
  start("b");
  EXPECT_EQ(at("b").identity(), before);
}

TEST_F(MembershipTest, FirstNodeWithALostDiskJoinsItsCluster) {
  start_all();
  auto before = at("a").identity();
  kill("a");
  wipe("a");
  advance(1s);
  at("a").identities.clear();
  start("a");
  advance(6s);
  ASSERT_TRUE(at("a").identity().settled());
  EXPECT_EQ(at("a").identity().cluster, before.cluster);
  EXPECT_NE(at("a").identity().member, before.member);
  EXPECT_FALSE(at("a").identity().founder);
}

TEST_F(MembershipTest, FullDiskDelaysFoundingAndSaysSo) {
  for (const auto& name : abc)
    add(name, abc);
  start("b");
  start("c");
  start("a");
  at("a").db->fill_disk(true);
  advance(500ms);
  EXPECT_THAT(status("a").waiting_for, ::testing::HasSubstr("disk"));
  EXPECT_FALSE(at("a").identity().settled());
  at("a").db->fill_disk(false);
  advance(2s);
  EXPECT_TRUE(at("c").identity().settled());
}

// -- versions ------------------------------------------------------------------

TEST_F(MembershipTest, NodeOfTheNextVersionIsWelcome) {
  add("a", abc);
  start("a");
  EXPECT_EQ(greet("a", "b", protocol_version, protocol_version + 1).code, ec::none);
}

TEST_F(MembershipTest, NodeThatSpeaksNoCommonVersionIsToldWhichOneIsTooOld) {
  add("a", abc);
  start("a");
  auto newer = greet("a", "b", protocol_version + 1, protocol_version + 2);
  EXPECT_EQ(newer.code, ec::conflict);
  EXPECT_THAT(newer.message, ::testing::HasSubstr("\"a\" is too old, upgrade it"));
  auto older = greet("a", "b", 0, oldest_protocol - 1);
  EXPECT_EQ(older.code, ec::conflict);
  EXPECT_THAT(older.message, ::testing::HasSubstr("\"b\" is too old, upgrade it"));
}

// -- up and down ---------------------------------------------------------------

TEST_F(MembershipTest, ReportsCarryWhatThePeerSaidOfItself) {
  start_all();
  const auto* x = at("a").last_report("b");
  ASSERT_TRUE(x);
  EXPECT_EQ(x->member, at("b").identity().member);
  EXPECT_EQ(x->instance, "b#1");
  EXPECT_EQ(x->address, "b:7000");
  EXPECT_EQ(x->cluster, at("a").identity().cluster);
  EXPECT_EQ(x->handles.router, caf::actor_cast<caf::strong_actor_ptr>(at("b").listener));
  auto y = peer("a", "b");
  EXPECT_TRUE(y.up);
  EXPECT_EQ(y.version, "1.0");
  EXPECT_EQ(y.protocol, protocol_version);
  EXPECT_EQ(y.problem, "");
}

TEST_F(MembershipTest, NameThatSortsFirstDials) {
  start_all();
  advance(10s);
  for (const auto* other_way : {"b a", "c a", "c b"})
    EXPECT_EQ(dials.count(other_way), 0U) << other_way;
  EXPECT_GT(dials["a b"], 0U);
}

TEST_F(MembershipTest, KilledPeerIsDownAtOnceAndUpSoonAfterItsRestart) {
  start_all();
  kill("b");
  EXPECT_FALSE(sees("a", "b"));
  EXPECT_FALSE(sees("c", "b"));
  EXPECT_TRUE(sees("a", "c"));
  start("b");
  advance(6s);
  EXPECT_TRUE(meshed());
  EXPECT_EQ(at("a").last_report("b")->instance, "b#2");
}

TEST_F(MembershipTest, SilentPeerIsDownWithinThreeSeconds) {
  start_all();
  for (const auto* other : {"a", "c"}) {
    cut("b", other);
    cut(other, "b");
  }
  advance(3s);
  EXPECT_FALSE(sees("a", "b"));
  EXPECT_FALSE(sees("c", "b"));
  EXPECT_FALSE(sees("b", "a"));
  EXPECT_TRUE(sees("a", "c"));
  EXPECT_THAT(peer("a", "b").problem, ::testing::HasSubstr("nothing was heard"));
  heal();
  advance(20s);
  EXPECT_TRUE(meshed());
}

TEST_F(MembershipTest, BothSidesNoticeACutOfOneDirection) {
  start_all();
  cut("b", "a");
  advance(6s);
  EXPECT_FALSE(sees("a", "b"));
  EXPECT_FALSE(sees("b", "a"));
  heal();
  advance(20s);
  EXPECT_TRUE(meshed());
}

TEST_F(MembershipTest, ShortSilenceIsForgiven) {
  start_all();
  cut("b", "a");
  advance(1900ms);
  heal();
  advance(5s);
  EXPECT_TRUE(sees("a", "b"));
  EXPECT_EQ(std::count_if(at("a").reports.begin(), at("a").reports.end(), [](const auto& x) { return !x.up; }), 0);
}

TEST_F(MembershipTest, DialsLessOftenTheLongerAPeerIsAway) {
  start_all();
  kill("b");
  advance(60s);
  dials.clear();
  advance(60s);
  EXPECT_GE(dials["a b"], 24U);
  EXPECT_LE(dials["a b"], 40U);
}

TEST_F(MembershipTest, OtherSideDialsWhenTheFirstCannot) {
  add("x", {}); // nobody listens there
  add("a", {"a", "b"});
  at("a").options.nodes[1].address = "x:7000";
  add("b", {"a", "b"});
  start("a");
  start("b");
  advance(1500ms);
  EXPECT_FALSE(sees("a", "b"));
  advance(6s);
  EXPECT_TRUE(meshed({"a", "b"}));
}

// Two connections would take turns in replacing each other.
TEST_F(MembershipTest, OfTwoThatGreetEachOtherTheNameThatSortsFirstGoesOn) {
  add("b", abc);
  std::vector<caf::actor> silent;
  for (const auto* other : {"a", "c"}) {
    silent.push_back(system_.spawn([](caf::event_based_actor* self) -> caf::behavior {
      return {[=](const hello&) { return self->make_response_promise<hello>(); }};
    }));
    add(other, abc).handle = caf::actor_cast<membership_actor>(silent.back());
  }
  start("b");
  advance(5'100ms); // it greets both now, and waits for their answers
  ASSERT_GT(dials["b a"], 0U);
  EXPECT_EQ(greet("b", "c", "c#1").code, ec::overloaded);
  EXPECT_EQ(greet("b", "a", "a#1").code, ec::none);
  for (const auto& x : silent)
    caf::anon_send_exit(x, caf::exit_reason::kill);
}

TEST_F(MembershipTest, NewComponentsAreToldWithoutALossOfTheLink) {
  start_all();
  auto reports = at("a").reports.size();
  local_components components;
  components.handles.gateways = {caf::actor_cast<caf::strong_actor_ptr>(at("b").replica)};
  caf::anon_send(at("b").handle, components);
  settle();
  ASSERT_EQ(at("a").reports.size(), reports + 1);
  const auto& x = at("a").reports.back();
  EXPECT_TRUE(x.up);
  EXPECT_FALSE(x.handles.router);
  EXPECT_EQ(x.handles.gateways, components.handles.gateways);
}

TEST_F(MembershipTest, LateSubscriberHearsOfThoseThatAreUp) {
  start_all();
  auto& a = at("a");
  a.reports.clear();
  caf::anon_send(a.handle, caf::subscribe_atom::value, caf::actor_cast<caf::strong_actor_ptr>(a.listener));
  settle();
  EXPECT_EQ(a.reports.size(), 2U);
}

TEST_F(MembershipTest, LogMessagesReachTheReplicaThere) {
  start_all();
  send_log("a", "b", "one");
  send_log("a", "b", "two");
  send_log("b", "a", "three");
  settle();
  ASSERT_EQ(at("b").delivered.size(), 2U);
  EXPECT_EQ(at("b").delivered[0].bytes, "one");
  EXPECT_EQ(at("b").delivered[1].bytes, "two");
  ASSERT_EQ(at("a").delivered.size(), 1U);
  EXPECT_EQ(at("a").delivered[0].bytes, "three");
}

TEST_F(MembershipTest, ClockOffsetIsMeasured) {
  add("b", {"a", "b"});
  at("b").options.clock = [this] { return time() + 3s; };
  add("a", {"a", "b"});
  start("a");
  start("b");
  advance(10s);
  EXPECT_EQ(peer("a", "b").clock_offset, 3s);
  EXPECT_EQ(peer("b", "a").clock_offset, -3s);
}

// -- who may belong ------------------------------------------------------------

TEST_F(MembershipTest, NodeOfAnotherClusterIsRefused) {
  add("a", {});
  add("b", {});
  start("a");
  start("b");
  kill("b");
  at("b").options.nodes = {{"a", "a:7000"}, {"b", "b:7000"}};
  start("b");
  caf::anon_send(at("a").handle, node_roster{{{"b", "b:7000"}}, {}});
  advance(10s);
  EXPECT_FALSE(sees("a", "b"));
  EXPECT_THAT(peer("a", "b").problem, ::testing::HasSubstr("belongs to another cluster"));
}

TEST_F(MembershipTest, UnknownNodeIsRefusedUntilItIsAdded) {
  add("b", {});
  start("b");
  add("a", {"a", "b"});
  start("a");
  advance(10s);
  EXPECT_FALSE(at("a").identity().settled());
  EXPECT_THAT(peer("a", "b").problem, ::testing::HasSubstr("overwatch cluster add a a:7000"));
  caf::anon_send(at("b").handle, node_roster{{{"a", "a:7000"}}, {}});
  advance(10s);
  EXPECT_TRUE(meshed({"a", "b"}));
  EXPECT_EQ(at("a").identity().cluster, at("b").identity().cluster);
}

TEST_F(MembershipTest, RemovedNodeIsHeardWhileAGroupCountsOnIt) {
  start_all();
  auto tell = [&](node_roster x) {
    caf::anon_send(at("a").handle, std::move(x));
    advance(1s);
  };
  tell({{}, {}, 1, {"a", "b"}}); // of two votes, both are needed
  tell({{}, {"b"}, control_partition, {"a", "b"}});
  EXPECT_TRUE(sees("a", "b"));
  tell({{}, {"b"}, control_partition, {"a"}});
  EXPECT_TRUE(sees("a", "b"));
  tell({{}, {}, 1, {"a"}});
  EXPECT_FALSE(sees("a", "b"));
}

TEST_F(MembershipTest, RemovedNodeIsCutOffUntilItIsAddedAgain) {
  start_all();
  for (const auto* name : {"a", "c"})
    caf::anon_send(at(name).handle, node_roster{{}, {"b"}});
  settle();
  EXPECT_FALSE(sees("a", "b"));
  advance(30s);
  EXPECT_FALSE(sees("a", "b"));
  EXPECT_FALSE(sees("b", "c"));
  EXPECT_THAT(peer("b", "a").problem + peer("b", "c").problem, ::testing::HasSubstr("was removed from the cluster"));
  for (const auto* name : {"a", "c"})
    caf::anon_send(at(name).handle, node_roster{{}, {}});
  advance(20s);
  EXPECT_TRUE(meshed());
}

// -- whom peers know -----------------------------------------------------------

TEST_F(MembershipTest, NodeMeetsThoseThatOnlyItsPeersKnow) {
  start_all({"a", "b"});
  add("d", {"a", "d"});
  for (const auto* name : {"a", "b"})
    caf::anon_send(at(name).handle, node_roster{{{"d", "d:7000"}}, {}});
  start("d");
  advance(5s);
  EXPECT_TRUE(meshed({"a", "b", "d"})) << "d was told of a alone";
  for (const auto* name : {"a", "b"}) { // c is only written into files
    kill(name);
    at(name).options.nodes = add("c", abc).options.nodes;
    start(name);
  }
  start("c");
  advance(20s);
  EXPECT_TRUE(meshed({"a", "b", "c", "d"}));
  kill("c");
  wipe("c"); // knows nothing of d, which would have to let it in when it leads
  start("c");
  advance(20s);
  EXPECT_TRUE(meshed({"a", "b", "c", "d"}));
}

TEST_F(MembershipTest, OwnConfigurationCountsMoreThanWhatPeersSay) {
  start_all();
  add("x", {}); // nobody listens there
  kill("b");
  auto said = greet("a", "b", "b#9", [own = at("a").identity()](hello& x) {
    x.cluster = own.cluster;
    x.partitions = own.partitions;
    x.roster = {{"c", "x:7000"}, {"d", "x:7000"}};
  });
  EXPECT_EQ(said.code, ec::none) << said.message;
  EXPECT_EQ(peer("a", "c").address, "c:7000");
  EXPECT_EQ(peer("a", "d").address, "x:7000");
}

TEST_F(MembershipTest, RemovedNodeIsNotLearntAgain) {
  start_all();
  kill("a");
  at("a").options.nodes = {{"a", "a:7000"}, {"b", "b:7000"}}; // c is out, and b was not told yet
  start("a");
  caf::anon_send(at("a").handle, node_roster{{}, {"c"}});
  advance(20s);
  ASSERT_TRUE(sees("a", "b"));
  EXPECT_EQ(status("a").peers.size(), 1U);
}

TEST_F(MembershipTest, WhatWasOnlyHeardIsNotPassedOn) {
  add("z", {});
  start_all({"a", "b"});
  kill("a");
  at("a").options.nodes.push_back({"z", "z:7000"}); // a mistake
  start("a");
  advance(10s);
  EXPECT_EQ(peer("b", "z").address, "z:7000");
  for (const auto* name : {"a", "b"}) { // it is mended, one node after the other
    kill(name);
    at(name).options.nodes = {{"a", "a:7000"}, {"b", "b:7000"}};
    start(name);
    advance(10s);
  }
  EXPECT_EQ(status("a").peers.size(), 1U);
  EXPECT_EQ(status("b").peers.size(), 1U);
}

TEST_F(MembershipTest, NoMoreNodesAreLearntThanAGroupCanHave) {
  start_all({"a", "b"});
  auto own = at("a").identity();
  greet("a", "c", "c#9", [&](hello& x) {
    x.cluster = own.cluster;
    x.partitions = own.partitions;
    for (size_t i = 0; i < 2 * max_members; ++i)
      x.roster.push_back({"n" + std::to_string(i), "b:7000"});
  });
  EXPECT_EQ(status("a").peers.size(), max_members - 1);
}

TEST_F(MembershipTest, SecondNodeOfAnEqualNameIsRefused) {
  start_all();
  EXPECT_THAT(greet("a", "b", "b#17").message, ::testing::HasSubstr("two nodes are called \"b\""));
  EXPECT_TRUE(sees("a", "b"));
}

TEST_F(MembershipTest, WrongNodeAtAnAddressIsNotTakenForTheRightOne) {
  add("a", {"a", "b"});
  at("a").options.nodes[1].address = "c:7000";
  add("c", {"a", "c"});
  start("c");
  start("a");
  advance(3s);
  EXPECT_FALSE(sees("a", "b"));
  EXPECT_NE(peer("a", "b").problem, "");
}

} // namespace overwatch::test
