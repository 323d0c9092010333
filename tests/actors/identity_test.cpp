#include "actors/identity.hpp"

#include "actors/keys.hpp"
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

} // namespace overwatch::test
