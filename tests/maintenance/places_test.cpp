#include "runtime/maintenance/places.hpp"
#include "tests/maintenance/tree.hpp"

#include <cerrno>
#include <fcntl.h>

namespace fs = std::filesystem;

namespace overwatch::maintenance {

namespace {

class PlacesTest : public testing::Test {
protected:
  void SetUp() override {
    fs::create_directories(tree_.at("root/inside/deep"));
    fs::create_directories(tree_.at("root-beside"));
    fs::create_directory_symlink(tree_.at("root-beside"), tree_.at("root/link"));
    fs::create_directory_symlink(tree_.at("root"), tree_.at("alias"));
  }

  tree tree_;
};

} // namespace

TEST_F(PlacesTest, OnlyWhatLiesUnderARootIsOpened) {
  std::vector<std::string> roots{tree_.at("root")};
  EXPECT_EQ(open_place(roots, tree_.at("root/inside/deep")).why, "");
  EXPECT_EQ(open_place(roots, tree_.at("root") + "//inside/").why, "");
  EXPECT_EQ(open_place(roots, tree_.at("root")).why, "");
  EXPECT_NE(open_place(roots, tree_.at("root-beside")).why.find("lies under none"), std::string::npos);
  for (auto path : {tree_.at("root/inside") + "/../../root-beside", std::string{"root/inside"}, std::string{"/"},
                    std::string{}, tree_.at("root/absent")}) {
    auto place = open_place(roots, path);
    EXPECT_NE(place.why, "") << path;
    EXPECT_FALSE(place.directory) << path;
  }
  EXPECT_NE(open_place({}, tree_.at("root")).why.find("maintenance.roots"), std::string::npos);
  EXPECT_NE(open_place({"/"}, tree_.at("root")).why, "");
}

TEST_F(PlacesTest, ALinkBelowARootIsNotFollowedButARootMayBeOne) {
  EXPECT_NE(open_place({tree_.at("root")}, tree_.at("root/link")).why.find("symbolic link"), std::string::npos);
  EXPECT_EQ(open_place({tree_.at("alias")}, tree_.at("alias/inside")).why, "");
}

TEST_F(PlacesTest, ARootThatLeadsToTheWholeFileSystemAllowsNothing) {
  fs::create_directory_symlink("/", tree_.at("slash"));
  EXPECT_NE(open_place({tree_.at("slash")}, tree_.at("slash") + "/tmp").why, "");
}

TEST_F(PlacesTest, StepsBelowRefuseLinksAndOtherFileSystems) {
  auto top = open_place({tree_.at("root")}, tree_.at("root"));
  for (auto* open : {&open_below, &open_below_stepwise}) {
    EXPECT_TRUE((*open)(top.directory.get(), "inside"));
    EXPECT_FALSE((*open)(top.directory.get(), "link"));
    EXPECT_EQ(errno, ELOOP);
  }
  if (identity_of("/").device == identity_of("/proc").device)
    GTEST_SKIP() << "nothing is mounted at /proc";
  descriptor slash{::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  for (auto* open : {&open_below, &open_below_stepwise}) {
    EXPECT_FALSE((*open)(slash.get(), "proc"));
    EXPECT_EQ(errno, EXDEV);
  }
}

} // namespace overwatch::maintenance
