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
