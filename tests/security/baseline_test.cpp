#include "runtime/security/baseline_file.hpp"
#include "runtime/security/digest.hpp"
#include "tests/security/prepared_root.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace overwatch::security {

using testing::ElementsAre;
using testing::IsEmpty;

namespace {

namespace json = boost::json;

scanned compare_tree(const prepared_root& root, const char* tree, bool update = false) {
  return scan_tree(root, {{"checks", {"baseline"}}, {"baseline", {tree}}, {"update_baseline", update}});
}

std::string state_of(const scanned& x) {
  return std::string{x.result.at("looked_at").at("baselines").at(0).at("state").as_string()};
}

std::string only_baseline(const prepared_root& root) {
  for (const auto& entry : std::filesystem::directory_iterator{root.config.security.directory})
    if (auto name = entry.path().filename().string(); name.rfind("baseline-", 0) == 0)
      return entry.path();
  return {};
}

} // namespace

TEST(BaselineTest, WhatChangedCameAndWentIsTold) {
  prepared_root root;
  root.write("/srv/a.txt", "a");
  root.write("/srv/a/inner", "in the directory that comes before a.txt");
  root.write("/srv/gone", "x");
  root.write("/srv/mode", "x");
  root.link("/srv/link", "here");
  auto first = compare_tree(root, "/srv");
  EXPECT_EQ(state_of(first), "created");
  EXPECT_THAT(first.ids(), IsEmpty());
  auto same = compare_tree(root, "/srv");
  EXPECT_EQ(state_of(same), "compared");
  EXPECT_THAT(same.ids(), IsEmpty());

  root.write("/srv/a.txt", "b");
  root.remove("/srv/gone");
  root.write("/srv/come\nhere", "x");
  root.mode("/srv/mode", 0600);
  root.remove("/srv/link");
  root.link("/srv/link", "there");
  auto changed = compare_tree(root, "/srv");
  EXPECT_THAT(changed.ids(),
              ElementsAre("baseline-added:/srv/come\nhere", "baseline-changed:/srv/a.txt", "baseline-changed:/srv/link",
                          "baseline-changed:/srv/mode", "baseline-removed:/srv/gone"));
  EXPECT_EQ(compare_tree(root, "/srv").ids(), changed.ids()) << "it stays until somebody accepts it";

  EXPECT_EQ(state_of(compare_tree(root, "/srv", true)), "updated");
  EXPECT_THAT(compare_tree(root, "/srv").ids(), IsEmpty());
}

TEST(BaselineTest, AnUpdateOfAPackageIsNoAlarm) {
  prepared_root root;
  root.install("/usr/bin/site", "old");
  compare_tree(root, "/usr/bin");
  root.install("/usr/bin/site", "new");
  digest md5{digest::kind::md5};
  md5.add("new");
  root.write("/var/lib/dpkg/info/site.md5sums", md5.finish() + "  usr/bin/site\n");
  EXPECT_THAT(compare_tree(root, "/usr/bin").ids(), ElementsAre("baseline-changed-by-package:/usr/bin/site"));
  root.append("/usr/bin/site", "and a worm");
  EXPECT_THAT(compare_tree(root, "/usr/bin").ids(), ElementsAre("baseline-changed:/usr/bin/site"));
}

TEST(BaselineTest, ADamagedOneIsToldAndNotTrusted) {
  prepared_root root;
  root.write("/srv/a", "x");
  compare_tree(root, "/srv");
  auto file = only_baseline(root);
  ASSERT_FALSE(file.empty());
  std::ofstream{file, std::ios::in | std::ios::out}.seekp(40) << "#";
  EXPECT_THAT(compare_tree(root, "/srv").ids(), ElementsAre("baseline-damaged:/srv"));
  EXPECT_THAT(compare_tree(root, "/srv").ids(), ElementsAre("baseline-damaged:/srv"));
  compare_tree(root, "/srv", true);
  EXPECT_THAT(compare_tree(root, "/srv").ids(), IsEmpty());
}

TEST(BaselineTest, WhatCannotBeReadIsNotGone) {
  if (::geteuid() == 0)
    GTEST_SKIP() << "root reads everything";
  prepared_root root;
  root.write("/srv/inner/a", "x");
  root.write("/srv/secret", "x");
  compare_tree(root, "/srv");
  root.mode("/srv/inner", 0);
  root.mode("/srv/secret", 0);
  auto scan = compare_tree(root, "/srv");
  EXPECT_THAT(scan.ids(), ElementsAre("baseline-changed:/srv/inner", "baseline-changed:/srv/secret")); // their modes
  EXPECT_EQ(scan.blind().size(), 1U);
}

TEST(BaselineTest, AMissingTreeIsABlindSpot) {
  prepared_root root;
  auto scan = compare_tree(root, "/nowhere");
  EXPECT_EQ(scan.ended.kind, violation::none);
  EXPECT_THAT(scan.blind(), ElementsAre("the content of /nowhere: No such file or directory"));
}

TEST(BaselineTest, TheOrderIsThatOfASortedWalk) {
  std::vector<std::string> paths{"/a.txt", "/a/b", "/a", "/a-", "/a/b/c", "/b"};
  std::sort(paths.begin(), paths.end(), comes_before);
  EXPECT_THAT(paths, ElementsAre("/a", "/a/b", "/a/b/c", "/a-", "/a.txt", "/b"));
}

TEST(BaselineTest, ALineIsReadAsItWasWritten) {
  baseline_entry x{'l', 04755, 1, 2, 3, "abc", "/with blank\nand \\ n"};
  auto read = parse_baseline_line(line_of(x));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->path, x.path);
  EXPECT_EQ(difference_of(x, *read), "");
  EXPECT_FALSE(parse_baseline_line("f 0644 1 2 3 abc relative"));
  EXPECT_FALSE(parse_baseline_line("f 0649 1 2 3 abc /a"));
}

} // namespace overwatch::security
