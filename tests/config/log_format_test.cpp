#include "config/log_format.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

using namespace overwatch;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr std::chrono::system_clock::time_point moment{std::chrono::microseconds{1'795'318'245'123'456}};

std::string json(std::string_view message, const log_fields& fields = {}) {
  return json_line({moment, severity::info, "scheduler", message, fields});
}

std::string text(std::string_view message, const log_fields& fields = {}, bool colours = false) {
  return text_line({moment, severity::warning, "http", message, fields}, colours);
}

} // namespace

TEST(LogFormatTest, JsonHasTimeLevelComponentMessageAndFields) {
  log_fields fields{{"task", "018f"}, {"attempt", 3}, {"again", true}};
  EXPECT_EQ(json("started", fields),
            "{\"time\":\"2026-11-22T03:30:45.123456Z\",\"level\":\"info\",\"component\":\"scheduler\","
            "\"message\":\"started\",\"task\":\"018f\",\"attempt\":3,\"again\":true}");
}

TEST(LogFormatTest, EveryByteSequenceIsValidJsonOnOneLine) {
  for (int first = 0; first < 256; ++first)
    for (int second = 0; second < 256; ++second) {
      std::string value{static_cast<char>(first), static_cast<char>(second), '"', '\n'};
      auto line = json(value, {{value, value}});
      boost::json::error_code failure;
      auto parsed = boost::json::parse(line, failure);
      ASSERT_FALSE(failure) << first << ' ' << second << ": " << line;
      ASSERT_EQ(line.find('\n'), std::string::npos);
    }
}

TEST(LogFormatTest, EscapesReadBackAsTheValue) {
  std::string value = "a\"b\\c\n\t\x1b[31m \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80";
  auto parsed = boost::json::parse(json(value)).as_object();
  EXPECT_EQ(std::string{parsed.at("message").as_string()}, value);
}

TEST(LogFormatTest, AFieldCannotTakeTheNameOfAnotherPart) {
  auto parsed = boost::json::parse(json("m", {{"level", "x"}})).as_object();
  EXPECT_EQ(parsed.at("level").as_string(), "info");
  EXPECT_EQ(parsed.at("level_").as_string(), "x");
}

TEST(LogFormatTest, TextIsAlignedAndQuotesWhatHasBlanks) {
  EXPECT_THAT(text("slow client", {{"peer", "::1"}, {"reason", "no data"}, {"bytes", 7}}),
              testing::EndsWith(" warning http       slow client peer=::1 reason=\"no data\" bytes=7"));
}

TEST(LogFormatTest, NothingInTextEndsALineOrControlsATerminal) {
  auto line = text("a\nb\x1b[2J\x7f\xC2\x9B", {{"x", "1\r\n2026 error"}, {"y", "a\" z=\"b"}});
  for (unsigned char c : line)
    EXPECT_TRUE(c >= 0x20 && c != 0x7F);
  EXPECT_THAT(line, HasSubstr("a\\nb\\u001b[2J\\u007f\\u009b"));
  EXPECT_THAT(line, HasSubstr("x=\"1\\r\\n2026 error\""));
  EXPECT_THAT(line, HasSubstr("y=\"a\\\" z=\\\"b\""));
}

TEST(LogFormatTest, ColoursOnlyWhenWanted) {
  EXPECT_THAT(text("m", {{"a", 1}}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(text("m", {{"a", 1}}, true), HasSubstr("\x1b[33mwarning\x1b[0m"));
}

TEST(LogFormatTest, LongMessagesAndFieldsAreCutAndStayValid) {
  std::string message(100'000, 'x');
  std::string wide;
  for (int i = 0; i < 20'000; ++i)
    wide += "\xE2\x82\xAC";
  log_fields fields(1000, log_field{"name", wide});
  auto line = json(message, fields);
  EXPECT_LT(line.size(), log_limits::message_bytes + log_limits::fields_bytes + 512);
  EXPECT_THAT(line, HasSubstr("x...\""));
  boost::json::error_code failure;
  boost::json::parse(line, failure);
  EXPECT_FALSE(failure);
  EXPECT_LT(text(message, fields).size(), log_limits::message_bytes + log_limits::fields_bytes + 512);
}
