#include "runtime/cli/text.hpp"

#include <gtest/gtest.h>

namespace overwatch::cli {

TEST(TextTest, ControlCharactersBecomeEscapes) {
  EXPECT_EQ(printable("plain ä 漢 😀"), "plain ä 漢 😀");
  EXPECT_EQ(printable("\x1b[2J\x07"), "\\x1b[2J\\x07");
  EXPECT_EQ(printable("a\nb\tc\rd\x7f"), "a\\nb\\tc\\rd\\x7f");
  EXPECT_EQ(printable(std::string_view{"\0x", 2}), "\\x00x");
}

TEST(TextTest, EightBitControlsAndBrokenUtf8BecomeEscapes) {
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\x9b31m");
  EXPECT_EQ(printable("\x9b"), "\\x9b");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");          // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80"); // surrogate
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");          // cut
  EXPECT_EQ(printable("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80");
}

TEST(TextTest, MarksThatTurnTheDirectionBecomeEscapes) {
  EXPECT_EQ(printable("a\u202e"
                      "b"),
            "a\\u202eb");
  EXPECT_EQ(printable("\u2066\u2028"), "\\u2066\\u2028");
}

TEST(TextTest, WidthCountsColumns) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("äöü"), 3u);
  EXPECT_EQ(display_width("漢字"), 4u);
  EXPECT_EQ(display_width("e\u0301"), 1u);
  EXPECT_EQ(display_width("😀"), 2u);
}

TEST(TextTest, CutKeepsWholeCharacters) {
  EXPECT_EQ(cut("abcdef", 6), "abcdef");
  EXPECT_EQ(cut("abcdef", 4), "abc…");
  EXPECT_EQ(cut("漢字漢字", 4), "漢…");
  EXPECT_EQ(cut("abc", 0), "");
  EXPECT_EQ(front_columns("漢字", 3), "漢");
}

TEST(TextTest, PadFillsColumns) {
  EXPECT_EQ(pad("ä", 3), "ä  ");
  EXPECT_EQ(pad("ä", 3, true), "  ä");
  EXPECT_EQ(pad("abc", 2), "abc");
}

TEST(TextTest, DurationsHaveThreeDigits) {
  EXPECT_EQ(format_duration(0), "0 us");
  EXPECT_EQ(format_duration(0.00048), "480 us");
  EXPECT_EQ(format_duration(0.012), "12 ms");
  EXPECT_EQ(format_duration(0.9996), "1.00 s");
  EXPECT_EQ(format_duration(1.25), "1.25 s");
  EXPECT_EQ(format_duration(59.9), "59.9 s");
  EXPECT_EQ(format_duration(59.97), "1m 00s");
  EXPECT_EQ(format_duration(123), "2m 03s");
  EXPECT_EQ(format_duration(3900), "1h 05m");
  EXPECT_EQ(format_duration(3 * 86'400 + 4 * 3600), "3d 04h");
  EXPECT_EQ(format_duration(-2), "-2.00 s");
}

TEST(TextTest, BytesAndCountsAreReadable) {
  EXPECT_EQ(format_bytes(512), "512 B");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(3.2 * 1024 * 1024 * 1024), "3.2 GiB");
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1'234'567), "1,234,567");
}

TEST(TextTest, DurationsAreRead) {
  EXPECT_EQ(parse_duration("250ms"), milliseconds{250});
  EXPECT_EQ(parse_duration("30s"), milliseconds{30'000});
  EXPECT_EQ(parse_duration("1h30m"), milliseconds{5'400'000});
  EXPECT_EQ(parse_duration("2d"), milliseconds{172'800'000});
  EXPECT_EQ(parse_duration("1.5"), milliseconds{1500});
  for (const auto* bad : {"", "m", "5x", "-5s", "5s3", "1..5s", "5 s", "999999999d", "s5"})
    EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
}

TEST(TextTest, TimesGoBothWays) {
  const timestamp time{std::chrono::microseconds{1'795'323'976'000'042}};
  EXPECT_EQ(format_time(time), "2026-11-22T05:06:16.000042Z");
  EXPECT_EQ(parse_api_time("2026-11-22T05:06:16.000042Z"), time);
  EXPECT_EQ(short_time("2026-11-22T05:06:16.000042Z"), "2026-11-22 05:06:16");
  EXPECT_EQ(short_time("soon"), "soon");
  EXPECT_EQ(parse_api_time("soon"), std::nullopt);
}

TEST(TextTest, DelaysCountFromNow) {
  const timestamp time{std::chrono::microseconds{1'795'323'976'000'000}};
  EXPECT_EQ(parse_time("+5m", time), "2026-11-22T05:11:16.000000Z");
  EXPECT_EQ(parse_time("2026-11-23T00:00:00Z", time), "2026-11-23T00:00:00Z");
  EXPECT_EQ(parse_time("+soon", time), std::nullopt);
}

TEST(TextTest, PairsAndUrls) {
  EXPECT_EQ(parse_pair("a=b=c"), (std::pair<std::string, std::string>{"a", "b=c"}));
  EXPECT_EQ(parse_pair("=b"), std::nullopt);
  EXPECT_EQ(parse_pair("ab"), std::nullopt);
  EXPECT_EQ(percent_encode("a b/ä&~"), "a%20b%2F%C3%A4%26~");
}

} // namespace overwatch::cli
