#include "config/values.hpp"

#include <gtest/gtest.h>

using namespace overwatch;

namespace {

constexpr int64_t hour = 3600;

} // namespace

TEST(ValuesTest, ARefusedValueChangesNothing) {
  uint16_t port = 7;
  EXPECT_EQ(assign_text(&port, {1, 65535, {}, false}, "65536"), "must be a whole number from 1 to 65535, not 65536");
  EXPECT_EQ(assign_text(&port, {1, 65535, {}, false}, "8080x"),
            "must be a whole number from 1 to 65535, not the text \"8080x\"");
  EXPECT_EQ(port, 7);
  EXPECT_EQ(assign_text(&port, {1, 65535, {}, false}, " 8080 "), "");
  EXPECT_EQ(port, 8080);
}

TEST(ValuesTest, ADurationIsANumberOfSecondsOrHasAUnit) {
  std::chrono::seconds wait{1};
  for (auto [text, seconds] : {std::pair{"30", 30}, {"30s", 30}, {"2min", 120}, {"1h", 3600}, {"2000ms", 2}}) {
    EXPECT_EQ(assign_text(&wait, {0, hour, {}, false}, text), "") << text;
    EXPECT_EQ(wait.count(), seconds) << text;
  }
  EXPECT_EQ(assign_text(&wait, {0, hour, {}, false}, "2h"), "must be a duration from 0s to 1h");
  EXPECT_EQ(assign_text(&wait, {0, hour, {}, false}, "250ms"), "must be whole seconds: a duration from 0s to 1h");
  EXPECT_EQ(assign_text(&wait, {0, hour, {}, false}, "-1"), "must be a duration from 0s to 1h");
}

TEST(ValuesTest, ChoicesIgnoreCase) {
  std::string level = "info";
  value_rules rules{0, 0, {"info", "warning"}, false};
  EXPECT_EQ(assign_text(&level, rules, "WARNING"), "");
  EXPECT_EQ(level, "warning");
  EXPECT_EQ(assign_text(&level, rules, "loud"), "must be one of info, warning, not the text \"loud\"");
}

TEST(ValuesTest, ListsAndMapsAreReadFromText) {
  std::vector<std::string> types;
  EXPECT_EQ(assign_text(&types, {0, 0, {}, true}, "resize, scan,"), "");
  EXPECT_EQ(types, (std::vector<std::string>{"resize", "scan"}));
  EXPECT_NE(assign_text(&types, {0, 0, {}, true}, "No Type"), "");
  std::map<std::string, uint32_t> slots;
  EXPECT_EQ(assign_text(&slots, {1, 9, {}, true}, "a.b=3, c=5"), "");
  EXPECT_EQ(slots, (std::map<std::string, uint32_t>{{"a.b", 3}, {"c", 5}}));
  for (auto wrong : {"a", "a=", "a=0", "a=10", "=3", "a=1,a=2", "A=1"})
    EXPECT_NE(assign_text(&slots, {1, 9, {}, true}, wrong), "") << wrong;
  EXPECT_EQ(slots.size(), 2u);
}

TEST(ValuesTest, TextOfAValueReadsBackAsTheValue) {
  std::map<std::string, uint32_t> slots{{"a.b", 3}, {"c", 5}};
  std::map<std::string, uint32_t> again;
  EXPECT_EQ(assign_text(&again, {1, 9, {}, true}, value_text(&slots)), "");
  EXPECT_EQ(again, slots);
  for (auto seconds : {0, 1, 59, 60, 90, 3600, 86'400}) {
    std::chrono::seconds duration{seconds};
    std::chrono::seconds read{-1};
    EXPECT_EQ(assign_text(&read, {0, 24 * hour, {}, false}, value_text(&duration)), "");
    EXPECT_EQ(read, duration);
  }
}

TEST(ValuesTest, TheNearestNameIsSuggestedUnlessAllAreFar) {
  std::vector<std::string> known{"http.port", "http.threads", "log.level"};
  EXPECT_EQ(nearest_name("http.prot", known), "http.port");
  EXPECT_EQ(nearest_name("log.levels", known), "log.level");
  EXPECT_EQ(nearest_name("storage.compression", known), std::nullopt);
  EXPECT_EQ(nearest_name("", known), std::nullopt);
}
