#include "runtime/cli/table.hpp"

#include <gtest/gtest.h>
#include <sstream>

namespace overwatch::cli {

namespace {

struct printed {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
};

template <class T>
std::string print(const T& what, size_t width, bool colours = false) {
  printed streams;
  what.print(console{streams.in, streams.out, streams.err, colours, colours, width});
  return streams.out.str();
}

table two_tasks() {
  table result{{{"ID", false, true}, {"NAME"}, {"TOOK", true, true}}};
  result.add({"0001", "a short name", "1.25 s"});
  result.add({"0002", "a name that is much longer than the others", "12 ms"});
  return result;
}

} // namespace

TEST(TableTest, ColumnsAreAligned) {
  EXPECT_EQ(print(two_tasks(), 0), "ID    NAME                                          TOOK\n"
                                   "0001  a short name                                1.25 s\n"
                                   "0002  a name that is much longer than the others   12 ms\n");
}

TEST(TableTest, TheWidestColumnGivesWay) {
  EXPECT_EQ(print(two_tasks(), 30), "ID    NAME                TOOK\n"
                                    "0001  a short name      1.25 s\n"
                                    "0002  a name that is …   12 ms\n");
}

TEST(TableTest, FixedColumnsAreNeverCut) {
  EXPECT_NE(print(two_tasks(), 5).find("0002  a nam…   12 ms"), std::string::npos);
}

TEST(TableTest, TaskDataCannotDriveTheTerminal) {
  table evil{{{"NAME"}}};
  evil.add({"\x1b]0;owned\x07\nsecond"});
  EXPECT_EQ(print(evil, 0), "NAME\n\\x1b]0;owned\\x07\\nsecond\n");
}

TEST(TableTest, ColoursOnlyWhereTheyAreShown) {
  table result{{{"STATUS"}}};
  result.add({{"failed", colour::red}});
  EXPECT_EQ(print(result, 0, false).find('\x1b'), std::string::npos);
  EXPECT_NE(print(result, 0, true).find("\x1b[31mfailed\x1b[0m"), std::string::npos);
}

TEST(TableTest, MissingCellsAreEmpty) {
  table result{{{"A"}, {"B"}}};
  result.add({"x"});
  EXPECT_EQ(print(result, 0), "A  B\nx\n");
}

TEST(FactListTest, ValuesStandUnderEachOther) {
  fact_list facts;
  facts.add("id", "1");
  facts.add("nothing", "");
  facts.add("description", "text\x1b");
  EXPECT_EQ(print(facts, 0), "id           1\ndescription  text\\x1b\n");
}

TEST(FactListTest, LongValuesGoOnInTheNextLine) {
  fact_list facts;
  facts.add("name", "0123456789abcdefghij");
  EXPECT_EQ(print(facts, 16), "name  0123456789\n      abcdefghij\n");
  EXPECT_EQ(print(facts, 17), "name  0123456789a\n      bcdefghij\n");
}

} // namespace overwatch::cli
