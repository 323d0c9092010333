#include "messages/event.hpp"

#include <gtest/gtest.h>

#include <set>

namespace overwatch {

TEST(EventCursorTest, TextComesBack) {
  for (event_cursor x : {event_cursor{0, 0, 0}, event_cursor{3, 17, 2}, event_cursor{0xFFFF, ~0ULL, ~0ULL}}) {
    auto read = parse_event_cursor(to_string(x));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, x);
  }
  EXPECT_EQ(to_string(event_cursor{3, 17, 2}), "3.17.2");
}

TEST(EventCursorTest, OtherTextIsRefused) {
  for (auto text : {"", ".", "..", "1", "1.2", "1.2.", ".1.2", "1..2", "1.2.3.", "1.2.3.4", "1.2.x", "-1.2.3", " 1.2.3",
                    "1.2.3 ", "65536.1.1", "1.18446744073709551616.1", "0x1.2.3", "+1.2.3"})
    EXPECT_FALSE(parse_event_cursor(text)) << text;
}

TEST(EventCursorTest, OrderIsThatOfTheLog) {
  EXPECT_LT((event_cursor{0, 1, 9}), (event_cursor{0, 2, 0}));
  EXPECT_LT((event_cursor{0, 2, 0}), (event_cursor{0, 2, 1}));
  EXPECT_FALSE((event_cursor{0, 2, 1}) < (event_cursor{0, 2, 1}));
}

TEST(EventPositionTest, TextComesBack) {
  for (const auto& x : {event_position{{{0, 12, 0}}}, event_position{{{0, 12, 0}, {1, 7, 3}, {9, 0, ~0ULL}}},
                        event_position{{{5, 1, 2}}}}) {
    auto read = parse_event_position(to_string(x));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, x);
  }
  EXPECT_EQ(to_string(event_position{{{0, 12, 0}}}), "0.12.0") << "with one partition, as its cursor";
  EXPECT_EQ(to_string(event_position{{{0, 12, 0}, {1, 7, 3}}}), "0.12.0-1.7.3");
}

TEST(EventPositionTest, OtherTextIsRefused) {
  for (auto text :
       {"", "-", "0.1.2-", "-0.1.2", "0.1.2--1.1.2", "0.1.2-0.1.3", "1.1.2-0.1.2", "0.1.2,1.1.2", "0.1.2-1.1"})
    EXPECT_FALSE(parse_event_position(text)) << text;
}

TEST(EventPositionTest, PartitionsAreBounded) {
  event_position x;
  for (size_t i = 0; i < max_position_partitions; ++i)
    x.advance({static_cast<partition_id>(i), 1, 1});
  EXPECT_TRUE(x.valid());
  EXPECT_TRUE(parse_event_position(to_string(x)));
  x.advance({max_position_partitions, 1, 1});
  EXPECT_FALSE(x.valid());
  EXPECT_FALSE(parse_event_position(to_string(x)));
}

TEST(EventPositionTest, AdvancesOnlyForward) {
  event_position x;
  for (event_cursor cursor : {event_cursor{3, 5, 1}, event_cursor{1, 2, 0}, event_cursor{3, 4, 9},
                              event_cursor{3, 5, 2}, event_cursor{2, 1, 0}})
    x.advance(cursor);
  EXPECT_TRUE(x.valid());
  EXPECT_EQ(to_string(x), "1.2.0-2.1.0-3.5.2");
  EXPECT_EQ(*x.find(3), (event_cursor{3, 5, 2}));
  EXPECT_EQ(x.find(0), nullptr);
  EXPECT_EQ(x.find(4), nullptr);
}

TEST(EventPositionTest, OrderIsChecked) {
  EXPECT_TRUE(event_position{}.valid());
  EXPECT_FALSE((event_position{{{1, 1, 1}, {0, 1, 1}}}.valid()));
  EXPECT_FALSE((event_position{{{1, 1, 1}, {1, 1, 2}}}.valid()));
}

TEST(EventKindTest, EveryKindHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (size_t i = 0; i <= static_cast<size_t>(event_kind::workflow_finished); ++i) {
    auto kind = static_cast<event_kind>(i);
    EXPECT_TRUE(names.insert(name_of(kind)).second) << name_of(kind);
    EXPECT_EQ(*parse_name<event_kind>(event_kind_names, name_of(kind)), kind);
  }
  EXPECT_EQ(names.size(), event_kind_names.size());
  EXPECT_FALSE(parse_name<event_kind>(event_kind_names, "task"));
}

} // namespace overwatch
