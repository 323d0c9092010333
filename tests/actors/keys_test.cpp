#include "actors/keys.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

constexpr uint64_t edges[] = {0, 1, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x7FFF'FFFF, 0x8000'0000, 1ULL << 62, ~0ULL};

task_id id_in(partition_id partition, uint64_t n) {
  return {n, 0x8000000000000000ULL | static_cast<uint64_t>(partition) << 46 | (n * 7 & 0xFFFF)};
}

} // namespace

TEST(KeysTest, NumbersSortByValue) {
  for (auto a : edges)
    for (auto b : edges) {
      std::string x;
      std::string y;
      keys::append_u64(x, a);
      keys::append_u64(y, b);
      EXPECT_EQ(x < y, a < b) << a << ' ' << b;
      EXPECT_EQ(keys::read_u64(x), a);
    }
}

TEST(KeysTest, IdsSortAsInMemory) {
  std::mt19937_64 random{1};
  for (int i = 0; i < 1000; ++i) {
    task_id a{random() % 3, random()};
    task_id b{random() % 3, random()};
    std::string x;
    std::string y;
    keys::append_id(x, a);
    keys::append_id(y, b);
    EXPECT_EQ(x < y, a < b);
    EXPECT_EQ(keys::read_id(x), a);
  }
}

TEST(KeysTest, LogEntriesSortByIndexWithinTheirPartition) {
  for (size_t i = 0; i + 1 < std::size(edges); ++i)
    EXPECT_LT(keys::log_entry(3, edges[i]), keys::log_entry(3, edges[i + 1]));
  EXPECT_LT(keys::log_entry(3, ~0ULL), keys::log_entry(4, 0));
  EXPECT_EQ(keys::read_u64(std::string_view{keys::log_entry(3, 77)}.substr(3)), 77u);
}

TEST(KeysTest, ReadyKeysSortByOrderThenId) {
  auto key = [](uint64_t order, uint64_t n) { return keys::ready(id_in(0, n), "noop", priority::normal, order); };
  EXPECT_LT(key(1, 9), key(2, 1));
  EXPECT_LT(key(2, 1), key(2, 2));
  EXPECT_LT(key(255, 1), key(256, 1));
  EXPECT_EQ(keys::order_of(key(1'700'000'000'000'000, 5)), 1'700'000'000'000'000u);
  EXPECT_EQ(keys::id_of(key(1, 5)), id_in(0, 5));
}

TEST(KeysTest, TimersSortByTime) {
  auto key = [](timestamp time, keys::timer_kind kind) { return keys::timer(id_in(0, 1), time, kind); };
  EXPECT_LT(key(timestamp{1us}, keys::timer_kind::deadline), key(timestamp{2us}, keys::timer_kind::eligible));
  EXPECT_LT(key(timestamp{255us}, keys::timer_kind::deadline), key(timestamp{256us}, keys::timer_kind::eligible));
  auto [time, kind] = keys::timer_of(key(timestamp{1'700'000'000s + 3us}, keys::timer_kind::deadline));
  EXPECT_EQ(time, timestamp{1'700'000'000s + 3us});
  EXPECT_EQ(kind, keys::timer_kind::deadline);
  EXPECT_EQ(keys::id_of(key(timestamp{1us}, keys::timer_kind::eligible)), id_in(0, 1));
}

TEST(KeysTest, RangeUntilATimeHasWhatFinishedBefore) {
  auto first = keys::prefix(0, 'f');
  auto last = keys::finished_at(0, timestamp{100us});
  auto inside = keys::finished(id_in(0, 1), timestamp{99us});
  auto outside = keys::finished(id_in(0, 1), timestamp{100us});
  EXPECT_TRUE(first <= inside && inside < last);
  EXPECT_FALSE(outside < last);
}

TEST(KeysTest, PrefixRangeHasItsKeysAndNoOthers) {
  for (auto task_type : {"a", "ab", "a.b", "zz"}) {
    auto first = keys::ready_prefix(1, task_type, priority::low);
    auto last = keys::after_prefix(first);
    for (auto other : {"a", "ab", "a.b", "zz"})
      for (auto importance : {priority::high, priority::low, priority::background})
        for (auto order : edges) {
          auto key = keys::ready(id_in(1, 3), other, importance, order);
          auto same = std::string_view{task_type} == other && importance == priority::low;
          EXPECT_EQ(first <= key && key < last, same) << task_type << ' ' << other;
        }
  }
}

TEST(KeysTest, EndOfAPrefixOfHighBytesCarries) {
  EXPECT_EQ(keys::after_prefix("a"), "b");
  EXPECT_EQ(keys::after_prefix("a\xFF\xFF"), "b");
  EXPECT_LT(keys::hard_state(0xFFFF), keys::after_prefix(keys::prefix(0xFFFF, 'h')));
}

TEST(KeysTest, KindsOfOnePartitionDoNotOverlap) {
  auto id = id_in(2, 5);
  std::vector<std::string> all{keys::log_entry(2, 5),
                               keys::hard_state(2),
                               keys::meta(2),
                               keys::spec(id),
                               keys::state(id),
                               keys::result(id),
                               keys::index(id, "t", task_status::queued),
                               keys::ready(id, "t", priority::high, 5),
                               keys::timer(id, timestamp{5us}, {}),
                               keys::finished(id, timestamp{5us}),
                               keys::expiring(2, keys::expiring_kind::unique_key, "t"),
                               keys::setting(2, "t")};
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
  for (const auto& key : all)
    EXPECT_EQ(key.substr(0, 2), std::string("\0\2", 2));
}

TEST(KeysTest, KeyOfATaskIsInThePartitionOfItsId) {
  for (partition_id partition : {0, 1, 7, 0xFFFF}) {
    auto id = id_in(partition, 3);
    ASSERT_EQ(id.partition(), partition);
    for (const auto& key : {keys::spec(id), keys::state(id), keys::result(id)}) {
      auto begin = key.substr(0, 3);
      EXPECT_EQ(begin, keys::prefix(partition, key[2]));
    }
  }
}

TEST(KeysTest, LogLinesOverwriteTheOnesThatAreTooOld) {
  auto id = id_in(0, 1);
  EXPECT_EQ(keys::log_line(id, 2, 1), keys::log_line(id, 2, 1 + keys::log_slots));
  EXPECT_NE(keys::log_line(id, 2, 1), keys::log_line(id, 2, keys::log_slots));
  EXPECT_NE(keys::log_line(id, 2, 1), keys::log_line(id, 3, 1));
  auto first = keys::log_lines_of(id);
  auto last = keys::after_prefix(first);
  for (uint32_t attempt : {0u, 1u, 70'000u, ~0u}) {
    auto key = keys::log_line(id, attempt, 99);
    EXPECT_TRUE(first <= key && key < last) << attempt;
  }
  EXPECT_LT(keys::log_line(id, 1, 99), keys::log_line(id, 70'000, 1));
}

} // namespace overwatch
