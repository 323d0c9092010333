#include "actors/log_codec.hpp"

#include <gtest/gtest.h>

#include <random>

namespace overwatch {

TEST(LogCodecTest, CommandsAreStoredAsInTheFirstRelease) {
  EXPECT_EQ(encode_entry({9, 300, "batch"}), "\xAC\x02"
                                             "batch");
  log_append x;
  ASSERT_TRUE(decode_entry("\x07"
                           "batch",
                           x));
  EXPECT_EQ(x.term, 7u);
  EXPECT_EQ(x.bytes, "batch");
  EXPECT_EQ(x.kind, entry_kind::command);
}

TEST(LogCodecTest, EveryKindComesBack) {
  for (auto kind : {entry_kind::command, entry_kind::barrier, entry_kind::configuration}) {
    log_append x;
    ASSERT_TRUE(decode_entry(encode_entry({1, 5, "bytes", kind}), x));
    EXPECT_EQ(x.kind, kind);
    EXPECT_EQ(x.term, 5u);
    EXPECT_EQ(x.bytes, "bytes");
  }
}

TEST(LogCodecTest, SnapshotsComeBack) {
  log_snapshot x{77, 5, {60, {{1, "alpha:1", true}, {900'000'000'000, "", false}}}};
  log_snapshot y;
  ASSERT_TRUE(decode_snapshot(encode_snapshot(x), y));
  EXPECT_EQ(y.index, 77u);
  EXPECT_EQ(y.term, 5u);
  EXPECT_EQ(y.configuration.index, 60u);
  ASSERT_EQ(y.configuration.members.size(), 2u);
  EXPECT_EQ(y.configuration.members[0].address, "alpha:1");
  EXPECT_TRUE(y.configuration.members[0].voter);
  EXPECT_EQ(y.configuration.members[1].id, 900'000'000'000u);
  EXPECT_FALSE(y.configuration.members[1].voter);
}

TEST(LogCodecTest, WhatIsCutShortOrBreaksALimitIsRefused) {
  auto bytes = encode_snapshot({77, 5, {60, {{1, "alpha:1", true}, {2, "beta:1", false}}}});
  log_snapshot y;
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_snapshot(bytes.substr(0, size), y)) << size;
  std::vector<log_member> members;
  EXPECT_FALSE(decode_members(encode_members({{1, "a", true}, {1, "b", true}}), members)) << "twice";
  EXPECT_FALSE(decode_members(encode_members({{0, "a", true}}), members)) << "no id";
  EXPECT_FALSE(decode_members(encode_members({{1, std::string(max_member_address + 1, 'a'), true}}), members));
  log_append entry;
  EXPECT_FALSE(decode_entry("", entry));
  EXPECT_FALSE(decode_entry(std::string{"\0\x09\x01", 3}, entry)) << "an unknown kind";
  log_hard_state hard;
  EXPECT_FALSE(decode_hard_state("", hard));
  EXPECT_TRUE(decode_hard_state(encode_hard_state({300, 2}), hard));
  EXPECT_EQ(hard.term, 300u);
}

TEST(LogCodecTest, RandomBytesDoNoHarm) {
  std::mt19937 random{11};
  for (int i = 0; i < 100'000; ++i) {
    std::string bytes(random() % 40, '\0');
    for (auto& c : bytes)
      c = static_cast<char>(random() % 4 == 0 ? random() : random() % 6);
    std::vector<log_member> members;
    if (decode_members(bytes, members)) {
      EXPECT_EQ(encode_members(members), bytes);
    }
    log_snapshot snapshot;
    if (decode_snapshot(bytes, snapshot)) {
      EXPECT_EQ(encode_snapshot(snapshot), bytes);
    }
    log_append entry;
    if (decode_entry(bytes, entry)) {
      EXPECT_GT(entry.term, 0u);
    }
  }
}

} // namespace overwatch
