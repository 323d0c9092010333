#include "actors/peer_rules.hpp"

#include <gmock/gmock.h>

using ::testing::HasSubstr;

namespace overwatch::test {

namespace {

hello hello_of_b() {
  hello x;
  x.version = "0.2.0";
  x.cluster = 77;
  x.partitions = 8;
  x.node = "b";
  x.member = 2;
  x.instance = "b1";
  x.address = "b:7000";
  return x;
}

hello_view view_of_a() {
  hello_view x;
  x.node = "a";
  x.instance = "a1";
  x.identity = {1, 77, 8, true};
  x.known = true;
  return x;
}

} // namespace

TEST(PeerRulesTest, MemberOfTheClusterIsWelcome) { EXPECT_EQ(why_refused(hello_of_b(), view_of_a()), ""); }

TEST(PeerRulesTest, NodeInNoClusterIsWelcome) {
  auto x = hello_of_b();
  x.cluster = x.partitions = 0;
  EXPECT_EQ(why_refused(x, view_of_a()), "");
  auto view = view_of_a();
  view.identity = {1, 0, 0, false};
  EXPECT_EQ(why_refused(x, view), "");
  EXPECT_EQ(why_refused(hello_of_b(), view), "");
}

TEST(PeerRulesTest, AdjacentVersionsOverlap) {
  auto x = hello_of_b();
  x.protocol = protocol_version + 1;
  x.oldest = protocol_version;
  EXPECT_EQ(why_refused(x, view_of_a()), "");
  x.oldest = protocol_version + 1;
  EXPECT_THAT(why_refused(x, view_of_a()), HasSubstr("speaks versions " + std::to_string(protocol_version + 1) + " to "
                                                     + std::to_string(protocol_version + 1) + " of the protocol"));
  EXPECT_THAT(why_refused(x, view_of_a()), HasSubstr("\"a\" is too old, upgrade it"));
}

TEST(PeerRulesTest, OlderThanUnderstoodIsRefused) {
  auto x = hello_of_b();
  x.protocol = x.oldest = oldest_protocol - 1;
  EXPECT_THAT(why_refused(x, view_of_a()), HasSubstr("\"b\" is too old, upgrade it"));
}

TEST(PeerRulesTest, OtherClusterIsRefused) {
  auto x = hello_of_b();
  x.cluster = 78;
  EXPECT_THAT(why_refused(x, view_of_a()), HasSubstr("another cluster"));
}

TEST(PeerRulesTest, OtherNumberOfPartitionsIsRefused) {
  auto x = hello_of_b();
  x.partitions = 1;
  EXPECT_THAT(why_refused(x, view_of_a()), HasSubstr("1 partitions"));
}

TEST(PeerRulesTest, NodeItselfIsNoPeer) {
  auto x = hello_of_b();
  x.instance = "a1";
  EXPECT_THAT(why_refused(x, view_of_a()), HasSubstr("same process"));
}

TEST(PeerRulesTest, OwnNameElsewhereIsRefused) {
  auto x = hello_of_b();
  x.node = "a";
  EXPECT_THAT(why_refused(x, view_of_a()), HasSubstr("two nodes are called \"a\""));
}

TEST(PeerRulesTest, CopiedDataDirectoryIsRefused) {
  auto x = hello_of_b();
  x.member = 1;
  EXPECT_THAT(why_refused(x, view_of_a()), HasSubstr("copy"));
  x.member = 3;
  auto view = view_of_a();
  view.up.push_back({"c", "c1", "c:7000", 3});
  EXPECT_THAT(why_refused(x, view), HasSubstr("copy"));
}

TEST(PeerRulesTest, SecondNodeOfANameIsRefusedWhileTheFirstIsUp) {
  auto view = view_of_a();
  view.up.push_back({"b", "b0", "elsewhere:7000", 2});
  EXPECT_THAT(why_refused(hello_of_b(), view), HasSubstr("at elsewhere:7000 and b:7000"));
  view.up.back().instance = "b1"; // the same one, by a new connection
  EXPECT_EQ(why_refused(hello_of_b(), view), "");
}

TEST(PeerRulesTest, RemovedAndUnknownNamesAreRefusedWithTheWayBack) {
  auto view = view_of_a();
  view.known = false;
  auto new_one = hello_of_b();
  new_one.cluster = 0;
  new_one.partitions = 0;
  EXPECT_THAT(why_refused(new_one, view), HasSubstr("overwatch cluster add b b:7000"));
  view.known = view.removed = true;
  EXPECT_THAT(why_refused(hello_of_b(), view), HasSubstr("was removed"));
}

TEST(PeerRulesTest, UnknownNodeOfTheOwnClusterIsWelcome) { // somebody let it in, and this node may be behind
  auto view = view_of_a();
  view.known = false;
  EXPECT_EQ(why_refused(hello_of_b(), view), "");
  view.identity = {1, 0, 0, false}; // in no cluster itself, it trusts nobody whom it does not know
  EXPECT_NE(why_refused(hello_of_b(), view), "");
}

TEST(PeerRulesTest, OneOfTwoDialsFirst) {
  EXPECT_EQ(dial_patience("a", "b").count(), 0);
  EXPECT_GT(dial_patience("b", "a").count(), 0);
}

TEST(PeerRulesTest, RedialsAreBounded) {
  EXPECT_EQ(redial_delay(1, 0.5), milliseconds{100});
  EXPECT_EQ(redial_delay(2, 0.5), milliseconds{200});
  EXPECT_EQ(redial_delay(100, 0.5), milliseconds{2'000});
  EXPECT_LT(redial_delay(100, 0), redial_delay(100, 0.9));
}

} // namespace overwatch::test
