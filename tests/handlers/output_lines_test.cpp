#include "runtime/handlers/output_lines.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

using namespace overwatch;
using testing::ElementsAre;

namespace {

std::vector<std::string> lines_of(line_splitter& splitter, const std::vector<std::string>& pieces) {
  std::vector<std::string> result;
  auto keep = [&result](output_line line) { result.emplace_back(line.text); };
  for (const auto& piece : pieces)
    splitter.feed(piece, keep);
  splitter.finish(keep);
  return result;
}

} // namespace

TEST(OutputLinesTest, LinesMayComeInPieces) {
  line_splitter splitter{100};
  EXPECT_THAT(lines_of(splitter, {"one\ntw", "o\n", "\nthr", "e", "e"}), ElementsAre("one", "two", "", "three"));
}

TEST(OutputLinesTest, CarriageReturnIsPartOfTheEnd) {
  line_splitter splitter{100};
  EXPECT_THAT(lines_of(splitter, {"one\r\ntwo\r", "\n\r\n"}), ElementsAre("one", "two", ""));
}

TEST(OutputLinesTest, LongLineIsCutAndCounted) {
  for (const auto& pieces : {std::vector<std::string>{std::string(10, 'x') + "\nnext\n"},
                             std::vector<std::string>{std::string(7, 'x'), std::string(3, 'x'), "\nnext\n"}}) {
    line_splitter splitter{4};
    std::vector<std::pair<std::string, uint64_t>> lines;
    for (const auto& piece : pieces)
      splitter.feed(piece, [&](output_line line) { lines.emplace_back(line.text, line.size); });
    EXPECT_THAT(lines, ElementsAre(std::pair{"xxxx", 10u}, std::pair{"next", 4u}));
  }
}

TEST(OutputLinesTest, InvalidUtf8IsReplaced) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(valid_utf8("a\xFFz", 100), "a" + bad + "z");
  EXPECT_EQ(valid_utf8("\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80", 100), "\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
  EXPECT_EQ(valid_utf8("\xC0\x80", 100), bad + bad) << "overlong";
  EXPECT_EQ(valid_utf8("\xED\xA0\x80", 100), bad + bad + bad) << "surrogate";
  EXPECT_EQ(valid_utf8("\xF4\x90\x80\x80", 100), bad + bad + bad + bad) << "above U+10FFFF";
  EXPECT_EQ(valid_utf8("\xE2\x82", 100), bad + bad) << "truncated";
  EXPECT_EQ(valid_utf8(std::string_view{"\0", 1}, 100), std::string(1, '\0'));
}

TEST(OutputLinesTest, CutFallsBetweenCharacters) {
  EXPECT_EQ(valid_utf8("ab\xE2\x82\xAC", 4), "ab");
  EXPECT_EQ(valid_utf8("ab\xE2\x82\xAC", 5), "ab\xE2\x82\xAC");
  EXPECT_EQ(valid_utf8("abc", 2), "ab");
}

TEST(OutputLinesTest, ProgressLines) {
  auto line = parse_progress_line("::progress 40 half way");
  ASSERT_TRUE(line);
  EXPECT_DOUBLE_EQ(line->percent, 40);
  EXPECT_EQ(line->message, "half way");
  line = parse_progress_line("::progress  12.5%");
  ASSERT_TRUE(line);
  EXPECT_DOUBLE_EQ(line->percent, 12.5);
  EXPECT_EQ(line->message, "");
}

TEST(OutputLinesTest, OtherLinesAreNoProgress) {
  for (auto text : {"", "::progress", "::progress ", "::progress x", "::progress 4x", "::progress nan",
                    "::progress inf", " ::progress 4", "::progressive 4"})
    EXPECT_FALSE(parse_progress_line(text)) << text;
}
