#include "runtime/cli/sse_parser.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace overwatch::cli {

namespace {

std::vector<sse_event> read_all(const std::string& stream, size_t piece) {
  sse_parser parser;
  std::vector<sse_event> result;
  for (size_t from = 0; from < stream.size(); from += piece)
    parser.feed(std::string_view{stream}.substr(from, piece), [&](const sse_event& event) {
      result.push_back(event);
      return true;
    });
  return result;
}

} // namespace

TEST(SseParserTest, ReadsEventsHoweverTheyAreCut) {
  const std::string stream = ": hello\n\nid: 0.1.0\nevent: task_created\ndata: {\"a\":\ndata: 1}\n\n"
                             "id:0.1.1\r\ndata:x\r\n\r\n";
  for (const size_t piece : {1, 2, 3, 7, 1000}) {
    const auto events = read_all(stream, piece);
    ASSERT_EQ(events.size(), 2u) << piece;
    EXPECT_EQ(events[0].id, "0.1.0");
    EXPECT_EQ(events[0].name, "task_created");
    EXPECT_EQ(events[0].data, "{\"a\":\n1}");
    EXPECT_EQ(events[1].id, "0.1.1");
    EXPECT_EQ(events[1].name, "");
    EXPECT_EQ(events[1].data, "x");
  }
}

TEST(SseParserTest, AnUnfinishedEventIsNotTold) { EXPECT_TRUE(read_all("id: 1\ndata: x\n", 4).empty()); }

TEST(SseParserTest, AnEventThatIsTooLongIsDropped) {
  const auto events = read_all("data: " + std::string(sse_parser::max_event_bytes, 'x') + "\n\ndata: y\n\n", 65'536);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].data, "y");
}

TEST(SseParserTest, StopsWhenTold) {
  sse_parser parser;
  int seen = 0;
  EXPECT_FALSE(parser.feed("data: 1\n\ndata: 2\n\n", [&](const sse_event&) { return ++seen < 1; }));
  EXPECT_EQ(seen, 1);
}

} // namespace overwatch::cli
