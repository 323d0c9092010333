// What replicated logs store, and what their members send each other.

#include "actors/log_codec.hpp"
#include "runtime/replication/raft_log.hpp"
#include "runtime/replication/raft_message.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace overwatch::fuzz {

namespace {

const std::vector<log_member> members{{1, "alpha:1", true}, {2, "beta:1", true}, {900'000'000'000, "c", false}};

std::vector<std::string> messages() {
  std::vector<std::string> result;
  for (auto kind : {core_append, core_append_result, core_vote, core_vote_result, core_install, core_elect_now,
                    core_quiet, core_agreed_quiet}) {
    raft_envelope x;
    x.from = 2;
    x.to = 1;
    x.content.kind = kind;
    x.content.term = 9;
    x.content.index = 70;
    x.content.index_term = 8;
    x.sent_at = log_time{123'456};
    if (kind == core_append) {
      x.content.commit = 65;
      x.entries = {{71, 8, "one"},
                   {72, 9, {}, entry_kind::barrier},
                   {73, 9, encode_members(members), entry_kind::configuration}};
    }
    if (kind == core_install)
      x.snapshot = log_snapshot{70, 8, {60, members}};
    result.push_back(encode_message(x));
  }
  return result;
}

} // namespace

TEST(LogFuzzTest, Entries) {
  damage(
    "an entry",
    {encode_entry({1, 300, "bytes of a command"}), encode_entry({1, 7, {}, entry_kind::barrier}),
     encode_entry({1, 7, encode_members(members), entry_kind::configuration})},
    [](const std::string& bytes) {
      log_append x;
      return decode_entry(bytes, x);
    },
    500); // the bytes of a command are not its concern
}

TEST(LogFuzzTest, Members) {
  damage("members", {encode_members(members), encode_members({})}, [](const std::string& bytes) {
    std::vector<log_member> x;
    if (!decode_members(bytes, x))
      return false;
    EXPECT_EQ(encode_members(x), bytes);
    EXPECT_LE(x.size(), max_members);
    return true;
  });
}

TEST(LogFuzzTest, Snapshots) {
  damage("a snapshot", {encode_snapshot({77, 5, {60, members}}), encode_snapshot({1, 1, {1, {{1, "", true}}}})},
         [](const std::string& bytes) {
           log_snapshot x;
           if (!decode_snapshot(bytes, x))
             return false;
           EXPECT_EQ(encode_snapshot(x), bytes);
           return true;
         });
}

TEST(LogFuzzTest, HardStates) {
  damage("a term and a vote", {encode_hard_state({300, 2}), encode_hard_state({0, 0})}, [](const std::string& bytes) {
    log_hard_state x;
    return decode_hard_state(bytes, x);
  });
}

TEST(LogFuzzTest, MessagesBetweenMembers) {
  damage("a message", messages(), [](const std::string& bytes) {
    raft_envelope x;
    if (!decode_message(bytes, x))
      return false;
    raft_envelope y;
    EXPECT_TRUE(decode_message(encode_message(x), y));
    return true;
  });
}

TEST(LogFuzzTest, OffersOfStates) {
  raft_log_options options;
  options.id = 1;
  options.initial_members = {{1, "a", true}};
  raft_log leader{options};
  auto update = leader.start(log_time{0}, log_start{});
  for (int i = 0; i < 5; ++i) {
    while (!update.append.empty())
      update = leader.persisted(update.append.back().index);
    log_update next;
    leader.propose("a command", next);
    update = std::move(next);
  }
  log_update added;
  ASSERT_EQ(leader.add_member({2, "b", false}, added), log_answer::accepted);
  leader.persisted(update.append.back().index);
  leader.persisted(added.append.back().index);
  auto offer = leader.snapshot_offer(2, 4);
  ASSERT_TRUE(offer);
  mutation damaged{1};
  int needed = 0;
  for (int i = 0; i < rounds / 10; ++i) {
    raft_log_options learner;
    learner.id = 2;
    learner.read_entries = [](auto, auto, auto) { return std::vector<log_append>{}; };
    raft_log log{learner};
    log.start(log_time{0}, log_start{});
    needed += log.receive_snapshot(log_time{1}, i == 0 ? *offer : damaged({*offer})).install ? 1 : 0;
  }
  EXPECT_GT(needed, 0) << "the valid one is";
  EXPECT_LT(needed, rounds / 20);
}

} // namespace overwatch::fuzz
