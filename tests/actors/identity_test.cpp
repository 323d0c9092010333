#include "actors/identity.hpp"

#include "actors/keys.hpp"
#include "actors/log_codec.hpp"
#include "tests/support/memory_store.hpp"

#include <gtest/gtest.h>

namespace overwatch::test {

namespace {

std::function<uint64_t()> counting(uint64_t from) {
  return [next = from]() mutable { return next++; };
}

} // namespace

TEST(IdentityTest, BytesKeepAllFields) {
  node_identity x{~uint64_t{0} >> 1, 5, 8, true};
  EXPECT_EQ(decode_identity(encode_identity(x)), x);
  EXPECT_EQ(decode_identity(encode_identity({7, 0, 0, false})), (node_identity{7, 0, 0, false}));
}

TEST(IdentityTest, DamagedBytesAreNoIdentity) {
  auto bytes = encode_identity({1'000, 2'000, 8, true});
  EXPECT_FALSE(decode_identity(""));
  EXPECT_FALSE(decode_identity(bytes.substr(0, 1)));
  EXPECT_FALSE(decode_identity(bytes.substr(0, 2)));
  EXPECT_FALSE(decode_identity(bytes.substr(0, 5))); // a cluster without partitions
  bytes[0] = 2; // a newer format
  EXPECT_FALSE(decode_identity(bytes));
}

TEST(IdentityTest, NumbersAreNeverZeroOrNegative) {
  EXPECT_EQ(identity_number(0), 1U);
  EXPECT_EQ(identity_number(uint64_t{1} << 63), 1U);
  EXPECT_EQ(identity_number(~uint64_t{0}), ~uint64_t{0} >> 1);
}

TEST(IdentityTest, NodeThatIsAloneFoundsAndStaysWhoItIs) {
  memory_store db;
  auto x = open_identity(db, true, 8, counting(100));
  ASSERT_TRUE(x);
  EXPECT_EQ(*x, (node_identity{100, 101, 8, true}));
  auto crashed = db.lose_unsynced(memory_store::survival::none);
  EXPECT_EQ(*open_identity(*crashed, true, 4, counting(200)), *x);
  EXPECT_EQ(*open_identity(*crashed, false, 4, counting(200)), *x);
}

TEST(IdentityTest, NodeWithPeersBeginsInNoCluster) {
  memory_store db;
  auto x = open_identity(db, false, 8, counting(100));
  ASSERT_TRUE(x);
  EXPECT_FALSE(x->settled());
  EXPECT_EQ(open_identity(db, false, 8, counting(200))->member, x->member);
}

TEST(IdentityTest, StoreFromBeforeClustersIsAClusterOfOnePartition) {
  memory_store db;
  write_batch batch;
  batch.put(key_space::log, keys::log_entry(0, 1), "entry");
  ASSERT_EQ(db.write(batch, true), store::write_result::done);
  auto x = open_identity(db, false, 8, counting(100));
  ASSERT_TRUE(x);
  EXPECT_TRUE(x->settled());
  EXPECT_TRUE(x->founder);
  EXPECT_EQ(x->partitions, 1U);
}

TEST(IdentityTest, UnreadableIdentityIsNotReplaced) {
  memory_store db;
  write_batch batch;
  batch.put(key_space::log, keys::node_identity(), "\x09 of a later version");
  ASSERT_EQ(db.write(batch, true), store::write_result::done);
  EXPECT_FALSE(open_identity(db, true, 1, counting(100)));
  EXPECT_EQ(db.get(key_space::log, keys::node_identity()), "\x09 of a later version");
}

TEST(IdentityTest, FullDiskIsTold) {
  memory_store db;
  db.fill_disk(true);
  auto x = open_identity(db, true, 1, counting(100));
  ASSERT_FALSE(x);
  EXPECT_EQ(describe(x.error()).code, ec::no_space);
}

// -- the name ------------------------------------------------------------------

namespace {

/// The store of member 1, whose log says that these are all.
std::unique_ptr<memory_store> store_of(const std::vector<log_member>& members) {
  auto db = std::make_unique<memory_store>();
  write_batch batch;
  batch.put(key_space::log, keys::log_snapshot(control_partition), encode_snapshot({5, 1, {4, {{1, "old h:1", true}}}}));
  batch.put(key_space::log, keys::log_entry(control_partition, 6),
            encode_entry({6, 1, encode_members(members), entry_kind::configuration}));
  db->write(batch, true);
  return db;
}

const std::vector<log_member> three{{1, "a h:1", true}, {2, "b h:2", true}, {3, "c h:3", false}};

} // namespace

TEST(IdentityTest, MemberKeepsItsName) {
  auto db = store_of(three);
  EXPECT_FALSE(check_name(*db, {1, 7, 1, true}, "a"));
  auto why = describe(check_name(*db, {1, 7, 1, true}, "z"));
  EXPECT_EQ(why.code, ec::conflict);
  for (const auto* part : {"\"a\"", "\"z\"", "with b, c", "overwatch cluster remove a", "empty data directory"})
    EXPECT_NE(why.message.find(part), std::string::npos) << part << " is not in: " << why.message;
}

TEST(IdentityTest, OnlyAFounderThatIsAloneMayBeRenamed) {
  auto alone = store_of({{1, "a h:1", true}});
  EXPECT_FALSE(check_name(*alone, {1, 7, 1, true}, "z"));
  auto why = describe(check_name(*alone, {1, 7, 1, false}, "z")); // the last one of a cluster that others founded
  EXPECT_NE(why.message.find("overwatch restore"), std::string::npos) << why.message;
}

TEST(IdentityTest, NodeThatIsNoMemberYetMayBeCalledAnything) {
  EXPECT_FALSE(check_name(memory_store{}, {1, 0, 0, false}, "z"));
  EXPECT_FALSE(check_name(*store_of(three), {9, 7, 1, false}, "z"));
}

TEST(IdentityTest, DamagedLogIsNoReasonToGuess) {
  auto db = store_of(three);
  write_batch batch;
  batch.put(key_space::log, keys::log_snapshot(control_partition), "?");
  db->write(batch, true);
  EXPECT_EQ(describe(check_name(*db, {1, 7, 1, true}, "a")).code, ec::internal);
}

} // namespace overwatch::test
