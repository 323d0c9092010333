#include "messages/task_id.hpp"

#include <gtest/gtest.h>

#include <set>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

const timestamp some_time{1'700'000'000s + 123ms};

} // namespace

TEST(TaskIdTest, IsAUuidOfVersion7) {
  task_id_generator ids{1};
  for (int i = 0; i < 1'000; ++i) {
    auto id = ids.next(some_time + std::chrono::milliseconds{i}, static_cast<partition_id>(i * 65));
    auto text = to_string(id);
    ASSERT_EQ(text.size(), 36u);
    EXPECT_EQ(text[14], '7') << text;
    EXPECT_NE(std::string{"89ab"}.find(text[19]), std::string::npos) << text;
    EXPECT_EQ(id.high >> 16, 1'700'000'000'123u + static_cast<uint64_t>(i));
  }
}

TEST(TaskIdTest, CarriesItsPartition) {
  task_id_generator ids{1};
  for (uint32_t partition = 0; partition <= 0xFFFF; partition += 13)
    EXPECT_EQ(ids.next(some_time, static_cast<partition_id>(partition)).partition(), partition);
  EXPECT_EQ(ids.next(some_time, 0xFFFF).partition(), 0xFFFF);
}

TEST(TaskIdTest, GrowsWithinAMillisecondAndBeyondItsSequence) {
  task_id_generator ids{1};
  auto last = ids.next(some_time, 0);
  for (int i = 0; i < 10'000; ++i) {
    auto id = ids.next(some_time, static_cast<partition_id>(i % 7));
    ASSERT_LT(last, id);
    ASSERT_LT(to_string(last), to_string(id)) << "the text sorts the same way";
    last = id;
  }
}

TEST(TaskIdTest, GrowsAlsoWhenTheClockGoesBack) {
  task_id_generator ids{1};
  auto before = ids.next(some_time, 0);
  auto after = ids.next(some_time - 24h, 0);
  EXPECT_LT(before, after);
  EXPECT_LT(after, ids.next(some_time - 48h, 0));
  EXPECT_LT(after, ids.next(timestamp{-5s}, 0)) << "before 1970";
}

TEST(TaskIdTest, TwoGeneratorsDoNotCollide) {
  std::set<task_id> seen;
  task_id_generator one{1};
  task_id_generator two{2};
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(seen.insert(one.next(some_time, 0)).second);
    EXPECT_TRUE(seen.insert(two.next(some_time, 0)).second);
  }
}

TEST(TaskIdTest, FirstIdAtATimeBoundsThoseOfIt) {
  task_id_generator ids{1};
  auto id = ids.next(some_time, 0xFFFF);
  EXPECT_FALSE(id < first_task_id_at(some_time));
  EXPECT_LT(id, first_task_id_at(some_time + 1ms));
}

TEST(TaskIdTest, TextComesBack) {
  task_id_generator ids{3};
  for (int i = 0; i < 100; ++i) {
    auto id = ids.next(some_time, 5);
    EXPECT_EQ(*parse_task_id(to_string(id)), id);
  }
  EXPECT_EQ(to_string(task_id{0x0123456789abcdef, 0xfedcba9876543210}), "01234567-89ab-cdef-fedc-ba9876543210");
  EXPECT_EQ(*parse_task_id("01234567-89AB-CDEF-FEDC-BA9876543210"), (task_id{0x0123456789abcdef, 0xfedcba9876543210}));
  EXPECT_TRUE(parse_task_id("00000000-0000-0000-0000-000000000000")->is_nil());
}

TEST(TaskIdTest, OtherTextIsRefused) {
  for (auto text : {"", "0123", "01234567-89ab-cdef-fedc-ba987654321", "01234567-89ab-cdef-fedc-ba98765432100",
                    "0123456789abcdeffedcba9876543210", "01234567089ab-cdef-fedc-ba9876543210",
                    "01234567-89ab-cdef-fedc-ba987654321g", "{1234567-89ab-cdef-fedc-ba987654321}",
                    "01234567-89ab-cdef-fedc--a9876543210", " 1234567-89ab-cdef-fedc-ba9876543210"})
    EXPECT_FALSE(parse_task_id(text)) << text;
  std::string text = "01234567-89ab-cdef-fedc-ba9876543210";
  for (size_t i = 0; i < text.size(); ++i)
    for (char c : {'\0', '-', '/', ':', '@', 'G', '`', '\xFF'}) {
      auto damaged = text;
      if (damaged[i] == c)
        continue;
      damaged[i] = c;
      EXPECT_FALSE(parse_task_id(damaged)) << i << ' ' << static_cast<int>(c);
    }
}

} // namespace overwatch
