#include "actors/refounding.hpp"

#include "actors/group_plan.hpp"
#include "actors/keys.hpp"
#include "actors/log_codec.hpp"
#include "actors/node_document.hpp"
#include "tests/actors/played_partition.hpp"

#include <gmock/gmock.h>

using ::testing::HasSubstr;

namespace overwatch::test {

namespace {

constexpr partition_id here = 0;

/// The store of node a (member 1), in a cluster with b: what is behind the flush is in the log only, and the last
/// entry is not committed anywhere yet.
class RefoundingTest : public ::testing::Test {
protected:
  RefoundingTest() {
    write_batch batch;
    batch.put(key_space::log, keys::node_identity(), encode_identity({1, 77, 1, false}));
    batch.put(key_space::log, keys::hard_state(here), encode_hard_state({9, 2}));
    batch.put(key_space::log, keys::log_snapshot(here), encode_snapshot({1, 3, {1, members_}}));
    old_.db.write(batch, true);
    old_.state->skip(1); // as a received state begins
    old_.flush();
  }

  void log(std::vector<command> commands) {
    command_batch batch{beginning, commands};
    old_.apply(std::move(commands));
    append({old_.state->applied(), 8, encode_batch(batch)});
  }

  void append(const log_append& x) {
    write_batch batch;
    batch.put(key_space::log, keys::log_entry(here, x.index), encode_entry(x));
    old_.db.write(batch, true);
  }

  caf::expected<node_identity> refound(bool of_member = true) {
    return overwatch::refound(old_.db, {of_member, beginning, [next = uint64_t{1'000}]() mutable { return next++; }});
  }

  std::vector<log_member> members_{{1, member_address("a", "h:1"), true}, {2, member_address("b", "h:2"), true}};
  played_partition old_;
};

} // namespace

TEST_F(RefoundingTest, EverythingInTheLogIsThereUnderAnotherIdentity) {
  log({submit(1), key("colour", "blue")});
  old_.start(1);
  append({old_.state->applied(), 8, encode_batch({beginning, {start_command{id_of(1), "here", "noop"}}})});
  old_.flush();
  log({submit(2)});
  auto made = refound();
  ASSERT_TRUE(made) << describe(made.error()).message;
  EXPECT_EQ(*made, (node_identity{1'000, 1'001, 1, true}));
  EXPECT_EQ(decode_identity(*old_.db.get(key_space::log, keys::node_identity())), *made);
  partition_state now{old_.db, here};
  EXPECT_EQ(now.find(id_of(1))->state.status, task_status::running);
  EXPECT_EQ(now.find(id_of(2))->state.status, task_status::queued);
  EXPECT_TRUE(now.documents().find(document_kind::key, "colour"));
}

TEST_F(RefoundingTest, LogBeginsAnewBehindTheOldOneInANewTerm) {
  log({submit(1)});
  append({old_.state->applied() + 1, 8, encode_members(members_), entry_kind::configuration});
  ASSERT_TRUE(refound());
  log_snapshot snapshot;
  ASSERT_TRUE(decode_snapshot(*old_.db.get(key_space::log, keys::log_snapshot(here)), snapshot));
  EXPECT_EQ(snapshot.index, old_.state->applied() + 2);
  EXPECT_EQ(snapshot.term, 10U);
  ASSERT_EQ(snapshot.configuration.members.size(), 1U);
  EXPECT_EQ(snapshot.configuration.members[0].id, 1'000U);
  log_hard_state hard_state;
  ASSERT_TRUE(decode_hard_state(*old_.db.get(key_space::log, keys::hard_state(here)), hard_state));
  EXPECT_EQ(hard_state.term, 10U);
  EXPECT_EQ(hard_state.vote, 0U);
  EXPECT_FALSE(old_.db.scan(key_space::log, keys::log_entry(here, 0), keys::end_of_log(here))->valid());
  EXPECT_EQ((partition_state{old_.db, here}.applied()), snapshot.index);
}

TEST_F(RefoundingTest, WhatWasSaidOfTheOldNodesIsForgotten) {
  log({put_command{document_kind::node, "c", encode(node_document{{}, true}), {}}, setting_command{"drain.b", "0"},
       setting_command{"retention", "60"}});
  ASSERT_TRUE(refound());
  partition_state now{old_.db, here};
  EXPECT_FALSE(now.documents().find(document_kind::node, "c"));
  EXPECT_EQ(now.settings(), (std::map<std::string, std::string>{{"retention", "60"}}));
}

TEST_F(RefoundingTest, CopyOfAMemberIsRefusedUnlessItIsMeant) {
  log({submit(1)});
  auto refused = refound(false);
  ASSERT_FALSE(refused);
  auto why = describe(refused.error());
  EXPECT_EQ(why.code, ec::conflict);
  EXPECT_THAT(why.message, HasSubstr("of node a, which was in one cluster with b."));
  EXPECT_THAT(why.message, HasSubstr("--new-cluster"));
  members_.pop_back();
  append({old_.state->applied() + 1, 8, encode_members(members_), entry_kind::configuration});
  EXPECT_TRUE(refound(false)) << "it was alone in the end";
}

TEST_F(RefoundingTest, NodeThatLacksAPartitionIsNoSource) {
  write_batch batch;
  batch.put(key_space::log, keys::node_identity(), encode_identity({1, 77, 2, false}));
  old_.db.write(batch, true);
  log({submit(1)});
  auto refused = refound();
  ASSERT_FALSE(refused);
  EXPECT_EQ(describe(refused.error()).code, ec::not_found);
}

TEST_F(RefoundingTest, GapInTheLogIsDamage) {
  log({submit(1)});
  append({old_.state->applied() + 2, 8, encode_batch({beginning, {submit(2)}})});
  auto refused = refound();
  ASSERT_FALSE(refused);
  EXPECT_EQ(describe(refused.error()).code, ec::internal);
}

} // namespace overwatch::test
