#include "runtime/rules/text_pattern.hpp"

#include <gtest/gtest.h>

#include <string>

namespace overwatch::test {

namespace {

constexpr uint64_t enough = 1'000'000;

// What matched and what was captured, as `whole|first|second`; `-`: nothing.
std::string match(std::string_view subject, std::string_view pattern, size_t from = 0, bool anchors = true) {
  auto found = find_pattern(subject, pattern, from, anchors, enough);
  if (found.how == pattern_match::status::malformed)
    return found.fault;
  if (found.how != pattern_match::status::found)
    return "-";
  std::string result{subject.substr(found.begin, found.end - found.begin)};
  for (const auto& x : found.captures) {
    result += '|';
    result += x.position ? std::to_string(x.begin + 1) : std::string{subject.substr(x.begin, x.size)};
  }
  return result;
}

} // namespace

TEST(TextPatternTest, FindsWhatLuaFinds) {
  EXPECT_EQ(match("hello world", "o w"), "o w");
  EXPECT_EQ(match("hello world", "(%a+) (%a+)"), "hello world|hello|world");
  EXPECT_EQ(match("key = value", "^(%w+)%s*=%s*(%w+)$"), "key = value|key|value");
  EXPECT_EQ(match("x12y345", "%d+", 3), "345");
  EXPECT_EQ(match("aaa", "a-"), "");
  EXPECT_EQ(match("aaab", "a-b"), "aaab");
  EXPECT_EQ(match("abc", "ax?b"), "ab");
  EXPECT_EQ(match("THE (quick) fox", "%((%a+)%)"), "(quick)|quick");
  EXPECT_EQ(match("THE (quick) fox", "%b()"), "(quick)");
  EXPECT_EQ(match("f(a(b)c)d", "%b()"), "(a(b)c)");
  EXPECT_EQ(match("THE (quick) fox", "%f[%a]%a+%f[%A]", 1), "quick");
  EXPECT_EQ(match("say \"it's\" now", "([\"'])(.-)%1"), "\"it's\"|\"|it's");
  EXPECT_EQ(match("hello", "()ll()"), "ll|3|5");
  EXPECT_EQ(match("a]b-c^", "[]]"), "]");
  EXPECT_EQ(match("a]b-c^", "[a-]+", 2), "-");
  EXPECT_EQ(match("a]b-c^", "[%^]"), "^");
  EXPECT_EQ(match("2026-11-22", "(%d%d%d%d)-(%d%d)-(%d%d)"), "2026-11-22|2026|11|22");
  EXPECT_EQ(match("caf\xC3\xA9", "[\x80-\xFF]+"), "\xC3\xA9");
  EXPECT_EQ(match("abc", "[^%a]"), "-");
  EXPECT_EQ(match("abc", "%u"), "-");
  EXPECT_EQ(match("price: 5$", "%$"), "$");
  EXPECT_EQ(match("5$", "5$$"), "5$") << "the last $ is an anchor, the first a character";
}

TEST(TextPatternTest, AnchorHoldsOnlyWhereItIsOne) {
  EXPECT_EQ(match("abab", "^ab", 1), "-");
  EXPECT_EQ(match("abab", "^ab", 2), "ab");
  EXPECT_EQ(match("a^b", "^b", 0, false), "^b");
}

TEST(TextPatternTest, DeadEndsLeaveNoCaptures) {
  EXPECT_EQ(match("aab", "(a)?b"), "-") << "a question mark behind a capture is a character";
  EXPECT_EQ(match("xay", "x(a-)(a-)y"), "xay||a");
}

TEST(TextPatternTest, MalformedPatternsAreNamed) {
  EXPECT_EQ(match("a", "%"), "malformed pattern (ends with '%')");
  EXPECT_EQ(match("a", "[a"), "malformed pattern (missing ']')");
  EXPECT_EQ(match("a", "[a%"), "malformed pattern (missing ']')");
  EXPECT_EQ(match("a", "(a"), "unfinished capture");
  EXPECT_EQ(match("a", "a)"), "invalid pattern capture");
  EXPECT_EQ(match("a", "%1"), "invalid capture index in the pattern");
  EXPECT_EQ(match("a", "%f"), "missing '[' after '%f' in the pattern");
  EXPECT_EQ(match("a", "%b("), "malformed pattern (missing arguments to '%b')");
}

TEST(TextPatternTest, CostlyPatternsAreGivenUp) {
  std::string subject(1'000, 'a');
  std::string pattern;
  for (int i = 0; i < 30; ++i)
    pattern += "a*";
  auto found = find_pattern(subject, pattern + "b", 0, true, enough);
  EXPECT_EQ(found.how, pattern_match::status::too_costly);
  EXPECT_LE(found.steps, enough);
}

TEST(TextPatternTest, DeepPatternsAreRefused) {
  std::string pattern;
  for (int i = 0; i < 300; ++i)
    pattern += "a?";
  EXPECT_EQ(match(std::string(300, 'a'), pattern), "pattern too complex");
}

TEST(TextPatternTest, BytesOfValueZeroAreBytes) {
  using namespace std::string_view_literals;
  EXPECT_EQ(match("a\0b"sv, "%z"), "-");
  EXPECT_EQ(match("a\0b"sv, "[\0-\x01]b"sv), "\0b"sv);
}

} // namespace overwatch::test
