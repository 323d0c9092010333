#include "runtime/backup/entry.hpp"
#include "runtime/backup/selection.hpp"
#include "tests/backup/backup_fixture.hpp"

#include <unistd.h>

#include <filesystem>

namespace overwatch::backup {

namespace {

bool leaves_out(const std::string& pattern, const std::string& path, bool is_directory = false) {
  return pattern_list{{pattern}}.matches(path, path.substr(path.rfind('/') + 1), is_directory);
}

} // namespace

TEST(SelectionTest, NamesMatchAnywhere) {
  EXPECT_TRUE(leaves_out("*.o", "/a/b/c.o"));
  EXPECT_FALSE(leaves_out("*.o", "/a/b.o/c"));
  EXPECT_TRUE(leaves_out("node_modules", "/srv/app/node_modules", true));
}

TEST(SelectionTest, PathsMatchAsAWhole) {
  EXPECT_TRUE(leaves_out("/home/*/cache", "/home/ann/cache"));
  EXPECT_FALSE(leaves_out("/home/*/cache", "/home/ann/x/cache")) << "a star matches no slash";
  EXPECT_TRUE(leaves_out("/home/**/cache", "/home/ann/x/cache"));
  EXPECT_TRUE(leaves_out("build/*.tmp", "/srv/app/build/x.tmp")) << "below any directory";
  EXPECT_FALSE(leaves_out("/etc", "/srv/etc"));
}

TEST(SelectionTest, ASlashAtTheEndMeansDirectories) {
  EXPECT_TRUE(leaves_out("cache/", "/a/cache", true));
  EXPECT_FALSE(leaves_out("cache/", "/a/cache", false));
}

TEST(SelectionTest, WhatIsBelowAMatchIsSelected) {
  pattern_list wanted{{"/etc/ssh"}};
  EXPECT_TRUE(wanted.matches_at_or_above("/etc/ssh"));
  EXPECT_TRUE(wanted.matches_at_or_above("/etc/ssh/keys/one"));
  EXPECT_FALSE(wanted.matches_at_or_above("/etc/sshd"));
  EXPECT_FALSE(wanted.matches_at_or_above("/etc"));
}

TEST(SelectionTest, DirectoriesSortBeforeWhatIsInThem) {
  std::vector<std::string> paths{"/a", "/a/b", "/a/b/c", "/a/b-", "/a/c", "/a-", "/b"};
  for (size_t i = 0; i + 1 < paths.size(); ++i) {
    EXPECT_TRUE(goes_before(paths[i], paths[i + 1])) << paths[i];
    EXPECT_FALSE(goes_before(paths[i + 1], paths[i])) << paths[i];
  }
}

TEST(SelectionTest, SourcesAreResolvedAndNotDoubled) {
  scratch at;
  make_directory(at.data("/real/inside"));
  make_directory(at.data("/reality"));
  ASSERT_EQ(::symlink(at.data("/real").c_str(), at.data("/link").c_str()), 0);
  auto found = resolve_sources({at.data("/reality/"), at.data("/link/inside"), at.data("/real"), at.data("/none*")});
  EXPECT_EQ(found.paths, (std::vector<std::string>{at.data("/real"), at.data("/reality")}));
  EXPECT_EQ(found.missing, std::vector<std::string>{at.data("/none*")});
}

TEST(SelectionTest, APathWithAStarInItsNameIsMeantAsItStands) {
  scratch at;
  make_directory(at.data("/x*"));
  make_directory(at.data("/xy"));
  EXPECT_EQ(resolve_sources({at.data("/x*")}).paths, std::vector<std::string>{at.data("/x*")});
}

} // namespace overwatch::backup
