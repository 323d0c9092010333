#include "runtime/replication/raft_message.hpp"

#include "actors/log_codec.hpp"

#include <gtest/gtest.h>

#include <random>

namespace overwatch {

namespace {

raft_envelope message(core_message_kind kind) {
  raft_envelope x;
  x.from = 1;
  x.to = 2;
  x.content.kind = kind;
  x.content.term = 9;
  x.content.index = 70;
  x.content.index_term = 8;
  x.sent_at = log_time{123'456};
  if (kind == core_append) {
    x.content.commit = 65;
    x.entries.push_back({71, 8, "one"});
    x.entries.push_back({72, 9, {}, entry_kind::barrier});
    x.entries.push_back({73, 9, encode_members({{1, "a", true}, {2, "b", false}}), entry_kind::configuration});
  }
  if (kind == core_install)
    x.snapshot = log_snapshot{70, 8, {60, {{1, "a", true}}}};
  return x;
}

constexpr core_message_kind all_kinds[] = {core_append,  core_append_result, core_vote,  core_vote_result,
                                           core_install, core_elect_now,     core_quiet, core_agreed_quiet};

} // namespace

TEST(RaftMessageTest, EveryKindComesBack) {
  for (auto kind : all_kinds) {
    raft_envelope x;
    auto bytes = encode_message(message(kind));
    ASSERT_TRUE(decode_message(bytes, x)) << kind;
    EXPECT_EQ(x.from, 1u);
    EXPECT_EQ(x.to, 2u);
    EXPECT_EQ(x.content.kind, kind);
    EXPECT_EQ(x.content.term, 9u);
    EXPECT_EQ(encode_message(x), bytes);
  }
}

TEST(RaftMessageTest, EntriesHaveTheirPlaceInTheLog) {
  raft_envelope x;
  ASSERT_TRUE(decode_message(encode_message(message(core_append)), x));
  ASSERT_EQ(x.entries.size(), 3u);
  EXPECT_EQ(x.entries[0].index, 71u);
  EXPECT_EQ(x.entries[0].bytes, "one");
  EXPECT_EQ(x.entries[2].index, 73u);
  EXPECT_EQ(x.entries[2].kind, entry_kind::configuration);
  EXPECT_EQ(x.sent_at, log_time{123'456});
}

TEST(RaftMessageTest, ContradictionsAreRefused) {
  auto refused = [](core_message_kind kind, auto change) {
    auto x = message(kind);
    change(x);
    raft_envelope y;
    return !decode_message(encode_message(x), y);
  };
  EXPECT_TRUE(refused(core_vote, [](auto& x) { x.from = 0; }));
  EXPECT_TRUE(refused(core_vote, [](auto& x) { x.to = x.from; }));
  EXPECT_TRUE(refused(core_vote, [](auto& x) { x.content.term = 0; }));
  EXPECT_TRUE(refused(core_vote, [](auto& x) { x.content.index_term = 0; })) << "an entry without a term";
  EXPECT_TRUE(refused(core_append, [](auto& x) { x.content.index_term = 10; })) << "an entry of the future";
  EXPECT_TRUE(refused(core_append, [](auto& x) { x.entries[1].term = 7; })) << "terms that decrease";
  EXPECT_TRUE(refused(core_append, [](auto& x) { x.entries[1].term = 10; })) << "an entry of the future";
  EXPECT_TRUE(refused(core_append, [](auto& x) { x.entries[2].bytes = "?"; })) << "an unreadable configuration";
  EXPECT_TRUE(refused(core_append, [](auto& x) { x.entries[2].bytes = encode_members({{1, "a", false}}); }))
    << "a configuration without a voter";
  EXPECT_TRUE(refused(core_install, [](auto& x) { x.snapshot->term = 10; }));
  EXPECT_TRUE(refused(core_install, [](auto& x) { x.snapshot->configuration.members.clear(); }));
  EXPECT_FALSE(refused(core_append, [](auto& x) { x.entries.clear(); })) << "a heartbeat";
}

TEST(RaftMessageTest, OtherVersionsAreRefused) {
  auto bytes = encode_message(message(core_vote));
  bytes[0] = 2;
  raft_envelope x;
  EXPECT_FALSE(decode_message(bytes, x));
}

TEST(RaftMessageTest, DamagedBytesDoNoHarm) {
  std::mt19937 random{3};
  for (auto kind : all_kinds) {
    auto good = encode_message(message(kind));
    raft_envelope x;
    for (size_t size = 0; size < good.size(); ++size)
      EXPECT_FALSE(decode_message(good.substr(0, size), x)) << kind << " of size " << size;
    for (int i = 0; i < 30'000; ++i) {
      auto bytes = good;
      for (auto changes = random() % 4 + 1; changes > 0; --changes)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      if (!decode_message(bytes, x))
        continue;
      EXPECT_TRUE(x.from > 0 && x.to > 0 && x.from != x.to && x.content.term > 0);
      for (size_t j = 0; j < x.entries.size(); ++j)
        EXPECT_EQ(x.entries[j].index, x.content.index + 1 + j);
    }
  }
}

TEST(RaftMessageTest, RandomBytesDoNoHarm) {
  std::mt19937 random{5};
  raft_envelope x;
  for (int i = 0; i < 200'000; ++i) {
    std::string bytes(random() % 60, '\0');
    for (auto& c : bytes)
      c = static_cast<char>(random() % 3 == 0 ? random() : random() % 7);
    if (!bytes.empty())
      bytes[0] = static_cast<char>(raft_message_version);
    if (decode_message(bytes, x)) {
      EXPECT_NE(x.from, x.to);
    }
  }
}

} // namespace overwatch
