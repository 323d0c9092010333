#include "runtime/handlers/json_text.hpp"

#include <gmock/gmock.h>

#include <limits>

using namespace overwatch;
using testing::HasSubstr;
namespace json = boost::json;

TEST(JsonTextTest, NumbersReadLikeNumbers) {
  EXPECT_EQ(json_text(json::value(12.5)), "12.5");
  EXPECT_EQ(json_text(json::value(100.0)), "100");
  EXPECT_EQ(json_text(json::value(0.000001)), "0.000001");
  EXPECT_EQ(json_text(json::value(uint64_t{18446744073709551615ULL})), "18446744073709551615");
}

TEST(JsonTextTest, EveryValueIsReadBackAsItWas) {
  json::value value = {{"a\"\n", {1, -2.25, true, nullptr, "\xC3\xA9"}},
                       {"empty", json::object{}},
                       {"none", json::array{}},
                       {"large", 1.5e300},
                       {"small", 5e-324}};
  EXPECT_EQ(json::parse(json_text(value)), value);
}

TEST(JsonTextTest, RoundedHasFewDecimals) {
  EXPECT_DOUBLE_EQ(rounded(12.3456), 12.3);
  EXPECT_DOUBLE_EQ(rounded(12.3456, 3), 12.346);
  EXPECT_DOUBLE_EQ(rounded(std::numeric_limits<double>::infinity()), 0);
}

TEST(JsonTextTest, TimesAreUtcWithMicroseconds) {
  EXPECT_EQ(iso_time(timestamp{std::chrono::microseconds{1'000'000'000'000'042}}), "2001-09-09T01:46:40.000042Z");
}

TEST(JsonTextTest, PayloadMustBeAnObject) {
  json::object payload;
  EXPECT_EQ(parse_payload("", payload), "");
  EXPECT_EQ(parse_payload(R"({"a": 1})", payload), "");
  EXPECT_EQ(payload.at("a"), 1);
  EXPECT_THAT(parse_payload("[1]", payload), HasSubstr("must be a JSON object"));
  EXPECT_THAT(parse_payload("{", payload), HasSubstr("is not JSON"));
}

TEST(JsonTextTest, NumbersAreCheckedAgainstTheirRange) {
  json::object object{{"n", 5}, {"text", "5"}, {"high", 11}};
  double x = 1;
  EXPECT_EQ(read_number(object, "none", "none", 0, 10, x), "");
  EXPECT_DOUBLE_EQ(x, 1);
  EXPECT_EQ(read_number(object, "n", "n", 0, 10, x), "");
  EXPECT_DOUBLE_EQ(x, 5);
  EXPECT_EQ(read_number(object, "high", "a.high", 0, 10, x), "payload.a.high is 11: it must be a number from 0 to 10");
  EXPECT_THAT(read_number(object, "text", "text", 0, 10, x), HasSubstr("must be a number"));
  EXPECT_DOUBLE_EQ(x, 5);
}
