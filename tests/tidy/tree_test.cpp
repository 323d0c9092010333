#include "tests/tidy/rules.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

/// Every rule over the whole tree.
namespace overwatch::tidy {

namespace {

const files& tree() {
  static const files result = read_tree(OVERWATCH_SOURCE_DIR);
  return result;
}

/// One line per finding, in the form that editors jump to.
std::string list(const findings& found) {
  std::ostringstream out;
  for (const auto& x : found)
    out << OVERWATCH_SOURCE_DIR << '/' << x << '\n';
  return out.str();
}

} // namespace

TEST(TreeTest, IsRead) {
  auto has = [](const std::string& path) {
    return std::any_of(tree().begin(), tree().end(), [&](const auto& x) { return x.path == path && !x.lines.empty(); });
  };
  EXPECT_TRUE(has("CMakeLists.txt"));
  EXPECT_TRUE(has("messages/actors.hpp"));
  EXPECT_TRUE(has("tests/tidy/tree_test.cpp"));
}

TEST(TreeTest, IncludesGoOneWay) {
  EXPECT_EQ(list(include_directions(tree())), "");
}

TEST(TreeTest, LibrariesAreKnownWhereTheyAreWrapped) {
  EXPECT_EQ(list(wrapped_libraries(tree())), "");
}

TEST(TreeTest, FilesAreShort) {
  EXPECT_EQ(list(file_length(tree())), "");
}

TEST(TreeTest, EveryActorHasItsTest) {
  EXPECT_EQ(list(actors_have_tests(tree())), "");
}

TEST(TreeTest, EveryFolderHasItsReadme) {
  EXPECT_EQ(list(folders_have_readme(tree())), "");
}

TEST(TreeTest, TopLevelHoldsAgreedNamesOnly) {
  EXPECT_EQ(list(top_level(tree())), "");
}

TEST(TreeTest, NothingIsUnfinishedSleepsOrWaitsForEver) {
  EXPECT_EQ(list(banned_marks(tree())), "");
}

TEST(TreeTest, OneWordNamesOneThing) {
  EXPECT_EQ(list(banned_words(tree())), "");
}

TEST(TreeTest, NoPathBelongsToOneMachine) {
  EXPECT_EQ(list(machine_paths(tree())), "");
}

TEST(TreeTest, LinesEndWithoutWhiteSpace) {
  EXPECT_EQ(list(trailing_whitespace(tree())), "");
}

TEST(TreeTest, ScriptsStopAtTheirFirstError) {
  EXPECT_EQ(list(strict_shell(tree())), "");
}

} // namespace overwatch::tidy
