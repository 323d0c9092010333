#include "config/checks.hpp"
#include "config/cluster_nodes.hpp"
#include "config/loader.hpp"
#include "tests/config/made_certificates.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <set>

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace overwatch::test {

namespace {

settings three_nodes() {
  settings x;
  x.node.name = "a";
  x.caf.port = 7001;
  x.cluster.nodes = {"a=127.0.0.1:7001", "b=127.0.0.1:7002", "c=localhost:7003"};
  return x;
}

std::vector<std::string> findings_of(const settings& values, bool fatal = true) {
  std::vector<std::string> result;
  for (const auto& x : check_settings(values))
    if (x.fatal == fatal)
      result.push_back(x.name + " " + x.message);
  return result;
}

} // namespace

// -- nodes ---------------------------------------------------------------------

TEST(ClusterChecksTest, WhatMustNotRunTwiceIsStoppedBeforeItStartsElsewhere) {
  settings x;
  x.cluster.lease = x.cluster.adopt_timeout = std::chrono::seconds{7};
  EXPECT_THAT(findings_of(x), ElementsAre(HasSubstr("cluster.lease must be less than cluster.adopt-timeout (7 s)")));
  x.cluster.adopt_timeout = std::chrono::seconds{8};
  EXPECT_THAT(findings_of(x), IsEmpty());
}

TEST(ClusterNodesTest, EntriesAreNameHostAndPort) {
  auto x = read_cluster_node("a-1.x=example.org:7000");
  ASSERT_TRUE(x);
  EXPECT_EQ(x->name, "a-1.x");
  EXPECT_EQ(x->host, "example.org");
  EXPECT_EQ(x->port, 7000);
  EXPECT_EQ(x->address(), "example.org:7000");
  EXPECT_EQ(read_cluster_node("b=[2001:db8::1]:7000")->host, "2001:db8::1");
  EXPECT_EQ(read_cluster_node("b=[2001:db8::1]:7000")->address(), "[2001:db8::1]:7000");
}

TEST(ClusterNodesTest, AnythingElseIsNoEntry) {
  for (const auto* text : {"", "a", "a=", "a=host", "a=host:", "a=host:0", "a=host:65536", "a=host:7000x", "=host:7000",
                           "a b=host:7000", "a=:7000", "a=2001:db8::1:7000", "a=ho st:7000", "a=[]:7000", "a=host:-1"})
    EXPECT_FALSE(read_cluster_node(text)) << text;
  EXPECT_FALSE(read_cluster_node(std::string(max_node_name + 1, 'a') + "=host:7000"));
}

TEST(ClusterNodesTest, OwnAddressIsThatOfTheList) {
  auto values = three_nodes();
  EXPECT_EQ(own_address(values), "127.0.0.1:7001");
  values.cluster.nodes.clear();
  values.caf.address = "::1";
  EXPECT_EQ(own_address(values), "[::1]:7001");
}

TEST(ClusterNodesTest, NodeWithoutANameHasThatOfItsHost) { EXPECT_NE(node_name(settings{}), ""); }

// -- checks --------------------------------------------------------------------

TEST(ClusterChecksTest, ThreeNodesOnOneMachinePass) {
  EXPECT_THAT(findings_of(three_nodes()), IsEmpty());
  EXPECT_THAT(findings_of(three_nodes(), false), IsEmpty());
}

TEST(ClusterChecksTest, OwnNameMustBeAmongThem) {
  auto values = three_nodes();
  values.node.name = "d";
  EXPECT_THAT(findings_of(values), ElementsAre(HasSubstr("cluster.nodes does not name this node, \"d\"")));
}

TEST(ClusterChecksTest, NamesAndAddressesAreUnique) {
  auto values = three_nodes();
  values.cluster.nodes.push_back("b=127.0.0.1:7009");
  EXPECT_THAT(findings_of(values), ElementsAre(HasSubstr("names \"b\" twice")));
  values.cluster.nodes.back() = "d=127.0.0.1:7002";
  EXPECT_THAT(findings_of(values), ElementsAre(HasSubstr("\"b\" and \"d\" have one address")));
}

TEST(ClusterChecksTest, UnreadableEntriesAreNamed) {
  auto values = three_nodes();
  values.cluster.nodes[1] = "b:7002";
  EXPECT_THAT(findings_of(values), ElementsAre(HasSubstr("\"b:7002\" must be name=host:port")));
}

TEST(ClusterChecksTest, PeersNeedAPort) {
  auto values = three_nodes();
  values.caf.port = 0;
  EXPECT_THAT(findings_of(values), ElementsAre(HasSubstr("caf.port must be a port")));
}

TEST(ClusterChecksTest, AnotherPortThanThePeersUseIsAWarning) {
  auto values = three_nodes();
  values.caf.port = 7009;
  EXPECT_THAT(findings_of(values), IsEmpty());
  EXPECT_THAT(findings_of(values, false), ElementsAre(HasSubstr("caf.port is 7009")));
}

TEST(ClusterChecksTest, OtherMachinesNeedCertificates) {
  auto values = three_nodes();
  values.cluster.nodes[1] = "b=10.0.0.2:7000";
  values.cluster.nodes[2] = "c=c.example.org:7000";
  EXPECT_THAT(findings_of(values), ElementsAre(HasSubstr("\"b\" is on another machine (10.0.0.2)"),
                                               HasSubstr("\"c\" is on another machine (c.example.org)")));
}

TEST(ClusterChecksTest, TooManyNodesAreRefused) {
  auto values = three_nodes();
  values.cluster.nodes.resize(1);
  for (size_t i = 1; i <= max_cluster_nodes; ++i)
    values.cluster.nodes.push_back("n" + std::to_string(i) + "=127.0.0.1:" + std::to_string(8000 + i));
  EXPECT_THAT(findings_of(values), ElementsAre(HasSubstr("more than 64")));
}

TEST(ClusterChecksTest, SampleFilesAreValidAndNameEachOther) {
  std::vector<std::string> list;
  std::set<std::string> directories;
  for (const auto* name : {"a", "b", "c"}) {
    auto loaded = load_settings(std::string{CLUSTER_CONFIGS "/"} + name + ".conf", {}, {});
    for (const auto& x : loaded.problems)
      ADD_FAILURE() << x.to_string();
    EXPECT_THAT(loaded.warnings, IsEmpty());
    EXPECT_EQ(loaded.values.node.name, name);
    directories.insert(loaded.values.node.data_dir);
    if (list.empty())
      list = loaded.values.cluster.nodes;
    EXPECT_EQ(loaded.values.cluster.nodes, list);
  }
  EXPECT_EQ(directories.size(), 3U);
}

// -- certificates --------------------------------------------------------------

class ClusterCertificatesTest : public testing::Test {
protected:
  void SetUp() override {
    values.caf.port = 7001;
    use("a");
    values.cluster.ca = files.path("ca.crt");
  }

  void use(const std::string& name) {
    values.cluster.certificate = files.path(name + ".crt");
    values.cluster.key = files.path(name + ".key");
  }

  made_certificates files;
  settings values;
};

TEST_F(ClusterCertificatesTest, OpenAnyAddress) {
  values.caf.address = "0.0.0.0";
  values.node.name = "a";
  values.cluster.nodes = {"a=10.0.0.1:7001", "b=10.0.0.2:7001"};
  EXPECT_THAT(findings_of(values), IsEmpty());
  EXPECT_THAT(findings_of(values, false), IsEmpty());
}

TEST_F(ClusterCertificatesTest, GoTogether) {
  values.cluster.key.clear();
  EXPECT_THAT(findings_of(values), ElementsAre(HasSubstr("cluster.key is missing")));
  values.caf.address = "0.0.0.0";
  EXPECT_THAT(findings_of(values), ElementsAre(HasSubstr("caf.address must be a loopback"), HasSubstr("cluster.key")));
}

TEST_F(ClusterCertificatesTest, MustBeReadable) {
  values.cluster.ca = files.path("nowhere.crt");
  EXPECT_THAT(findings_of(values), ElementsAre(HasSubstr("cluster.ca \"" + values.cluster.ca + "\" cannot be read")));
  values.cluster.ca = files.path("text.crt");
  std::ofstream{values.cluster.ca} << "certainly not";
  EXPECT_THAT(findings_of(values), ElementsAre(HasSubstr("holds no certificate")));
}

TEST_F(ClusterCertificatesTest, KeyMustFit) {
  values.cluster.key = files.path("b.key");
  EXPECT_THAT(findings_of(values), ElementsAre(HasSubstr("is not the key of")));
}

TEST_F(ClusterCertificatesTest, MustComeFromTheAuthority) {
  values.cluster.ca = files.path("other-ca.crt");
  EXPECT_THAT(findings_of(values), ElementsAre(HasSubstr("was not issued by")));
}

TEST_F(ClusterCertificatesTest, ExpiredAndFutureOnesAreRefused) {
  use("expired");
  EXPECT_THAT(findings_of(values), ElementsAre(HasSubstr("has expired on")));
  use("future");
  EXPECT_THAT(findings_of(values), ElementsAre(HasSubstr("is not valid before")));
}

TEST_F(ClusterCertificatesTest, SoonExpiringOnesAreAWarning) {
  use("soon");
  EXPECT_THAT(findings_of(values), IsEmpty());
  EXPECT_THAT(findings_of(values, false), ElementsAre(HasSubstr("expires on")));
}

TEST_F(ClusterCertificatesTest, OpenKeyIsAWarning) {
  std::filesystem::permissions(values.cluster.key, std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);
  EXPECT_THAT(findings_of(values), IsEmpty());
  EXPECT_THAT(findings_of(values, false), ElementsAre(HasSubstr("chmod 600")));
}

} // namespace overwatch::test
