#include "runtime/snapshots/places.hpp"
#include "tests/snapshots/scratch.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/// What may be captured, and how a refusal reads.
namespace overwatch::test {

class ScopeTest : public SnapshotFixture {
protected:
  ScopeTest() {
    make_directory(tree("/inside"));
    write_file(tree("/inside/file"), "x");
    make_directory(at.path() + "/outside");
    write_file(at.path() + "/outside/file", "secret");
  }

  void expect_refusal(const std::string& path, const std::string& part) {
    auto said = refusal({path});
    EXPECT_NE(said.find(part), std::string::npos) << path << ": " << said;
    EXPECT_NE(said.find(path), std::string::npos) << said;
    EXPECT_NE(said.find("snapshots.roots"), std::string::npos) << said;
    EXPECT_TRUE(store->list("").empty());
  }
};

TEST_F(ScopeTest, PathsMustLieUnderARoot) {
  auto root = at.data();
  expect_refusal(at.path() + "/outside/file", "lies under no root; snapshots.roots allows " + root);
  expect_refusal(root + "-beside/x", "lies under no root");
  expect_refusal("/", "lies under no root");
  expect_refusal("relative/path", "must be absolute");
  expect_refusal("", "must be absolute");
  expect_refusal(tree("/../../outside/file"), "'.' and '..' are not followed");
  expect_refusal(tree("/./inside"), "'.' and '..' are not followed");
}

TEST_F(ScopeTest, WithoutRootsNothingIsAllowed) {
  reopen({at.store(), {}, {}});
  expect_refusal(tree(), "snapshots.roots allows nothing");
  reopen({at.store(), {at.path() + "/missing"}, {}});
  expect_refusal(at.path() + "/missing/x", "(did not exist when the node started)");
}

TEST_F(ScopeTest, RootsAreResolvedOnce) {
  ::symlink(at.data().c_str(), (at.path() + "/alias").c_str());
  reopen({at.store(), {at.path() + "/alias//"}, {}});
  EXPECT_EQ(refusal({at.path() + "/alias//tree/inside/"}), "");
  EXPECT_EQ(store->describe("refused", 10).entries.at(0).path, tree("/inside")) << "the real place";
}

TEST_F(ScopeTest, LinkOnTheWayIsRefused) {
  ::symlink((at.path() + "/outside").c_str(), tree("/escape").c_str());
  expect_refusal(tree("/escape/file"), "goes through a symbolic link");
  ::symlink(tree("/inside").c_str(), tree("/within").c_str());
  expect_refusal(tree("/within/file"), "goes through a symbolic link");
  EXPECT_EQ(refusal({tree("/escape")}), "") << "the link itself may be captured";
}

TEST_F(ScopeTest, LinkThatAppearsOnTheWayIsNotFollowedByARestore) {
  capture("deep", {tree("/inside/file"), tree("/inside/absent")});
  write_file(at.path() + "/outside/absent", "secret too");
  remove_all(tree("/inside"));
  ::symlink((at.path() + "/outside").c_str(), tree("/inside").c_str());
  auto result = store->restore("deep", {});
  EXPECT_NE(result.error.message.find("goes through a symbolic link"), std::string::npos) << result.error.message;
  EXPECT_EQ(read_file(at.path() + "/outside/file"), "secret");
  EXPECT_EQ(read_file(at.path() + "/outside/absent"), "secret too");
}

TEST_F(ScopeTest, RestoreAsksTheRootsAgain) {
  capture();
  reopen({at.store(), {at.path() + "/outside"}, {}});
  remove_all(tree());
  auto result = store->restore("one", {});
  EXPECT_NE(result.error.message.find("under no root any more"), std::string::npos) << result.error.message;
  EXPECT_FALSE(exists(tree()));
}

TEST_F(ScopeTest, StepsAndOpenat2Agree) {
  ::symlink(tree("/inside").c_str(), tree("/within").c_str());
  for (auto* open : {&snapshots::open_directory, &snapshots::open_directory_stepwise}) {
    EXPECT_TRUE(open("/", O_PATH));
    EXPECT_TRUE(open(tree("/inside"), O_RDONLY));
    EXPECT_FALSE(open(tree("/within"), O_PATH));
    EXPECT_EQ(errno, ELOOP);
    EXPECT_FALSE(open(tree("/within/x"), O_PATH));
    EXPECT_EQ(errno, ELOOP);
    EXPECT_FALSE(open(tree("/missing/x"), O_PATH));
    EXPECT_EQ(errno, ENOENT);
    EXPECT_FALSE(open(tree("/inside/file"), O_PATH));
    EXPECT_EQ(errno, ENOTDIR);
  }
}

TEST_F(ScopeTest, StoreIsNoScope) {
  reopen({at.data("/store"), {at.data()}, {}});
  EXPECT_NE(refusal({at.data("/store")}).find("the snapshots themselves"), std::string::npos);
  EXPECT_NE(refusal({at.data("/store/x")}).find("the snapshots themselves"), std::string::npos);
  EXPECT_NE(refusal({at.data()}).find("the snapshots themselves"), std::string::npos);
  EXPECT_EQ(refusal({tree()}), "");
}

TEST_F(ScopeTest, TooManyEntriesAreRefusedBeforeAnythingIsCopied) {
  auto options = at.options();
  options.limits.max_entries = 3; // tree, inside, file
  reopen(options);
  EXPECT_EQ(refusal({tree()}), "");
  write_file(tree("/one more"), "x");
  store->drop("refused");
  auto result = store->capture("more", {{tree()}, {}}, {});
  EXPECT_EQ(result.error.code, ec::too_large);
  EXPECT_FALSE(result.retryable);
  EXPECT_NE(result.error.message.find("more than 3 files"), std::string::npos) << result.error.message;
  EXPECT_NE(result.error.message.find("snapshots.max-files"), std::string::npos);
  EXPECT_TRUE(image_of(at.store()).size() == 1) << "nothing is left of it";
}

TEST_F(ScopeTest, TooMuchContentIsRefused) {
  auto options = at.options();
  options.limits.max_bytes = 1 << 20;
  reopen(options);
  write_file(tree("/a"), std::string(600 << 10, 'x'));
  EXPECT_EQ(refusal({tree()}), "");
  store->drop("refused");
  ::link(tree("/a").c_str(), tree("/same").c_str());
  EXPECT_EQ(refusal({tree()}), "") << "links count once";
  write_file(tree("/b"), std::string(600 << 10, 'x'));
  auto result = store->capture("more", {{tree()}, {}}, {});
  EXPECT_EQ(result.error.code, ec::too_large);
  EXPECT_NE(result.error.message.find("more than 1 MB"), std::string::npos) << result.error.message;
  EXPECT_NE(result.error.message.find("at least 2 MB"), std::string::npos) << result.error.message;
  EXPECT_NE(result.error.message.find("snapshots.max-mb"), std::string::npos);
}

TEST_F(ScopeTest, DepthHasABound) {
  auto path = tree();
  for (unsigned i = 0; i <= snapshots::max_scope_depth; ++i)
    path += "/d";
  make_directory(path);
  EXPECT_NE(refusal({tree()}).find("nested too deeply"), std::string::npos);
}

TEST_F(ScopeTest, PathsInsideOthersCountOnce) {
  auto result = capture("twice", {tree("/inside"), tree(), tree(), tree("/inside/file")});
  EXPECT_EQ(result.entries, 3u);
}

TEST_F(ScopeTest, LinksOutsideTheScopeAreNoted) {
  ::link(tree("/inside/file").c_str(), at.data("/elsewhere").c_str());
  auto result = capture();
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_NE(result.notes[0].find("1 hard links outside the scope"), std::string::npos) << result.notes[0];
}

TEST_F(ScopeTest, UnreadableFileIsAClearError) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "root makes it";
  for (const auto& path : {at.path(), at.data(), tree()})
    ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
  ::chmod(tree("/inside/file").c_str(), 0600);
  auto said = run_as_nobody([&] { return refusal({tree()}); });
  EXPECT_EQ(said, "cannot read '" + tree("/inside/file") + "': Permission denied");
}

} // namespace overwatch::test
