#include "tests/backup/backup_fixture.hpp"
#include "tests/snapshots/random_tree.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace fs = std::filesystem;

namespace overwatch::backup {

class RestoreTest : public BackupFixture {
protected:
  RestoreTest() {
    for (const auto* path : {"/a.txt", "/docs/b.txt", "/docs/deep/c.txt", "/docs/deep/d.log", "/other/e.txt"}) {
      make_directory(tree(path).substr(0, tree(path).rfind('/')));
      write_file(tree(path), path);
    }
    ::chmod(tree("/docs/deep").c_str(), 0750);
    test::set_modified(tree("/docs/deep"), 1'000'000, 5);
  }
};

TEST_F(RestoreTest, ASubsetComesWithTheDirectoriesAboveIt) {
  create();
  restoring.paths = {tree("/docs/deep")};
  auto counts = restore();
  EXPECT_EQ(counts.files, 2u);
  EXPECT_EQ(difference(image_of(tree("/docs/deep")), image_of(restored("/docs/deep"))), "");
  EXPECT_FALSE(exists(restored("/a.txt")) || exists(restored("/other")) || exists(restored("/docs/b.txt")));
}

TEST_F(RestoreTest, PatternsSelectByNameAndByPath) {
  create();
  restoring.paths = {"*.log", tree("/other/*")};
  EXPECT_EQ(restore().files, 2u);
  EXPECT_TRUE(exists(restored("/docs/deep/d.log")) && exists(restored("/other/e.txt")));
  restoring.paths = {"/nowhere"};
  EXPECT_THROW(restore(), backup_failed);
}

TEST_F(RestoreTest, AnOlderBackupIsRestoredByItsId) {
  auto first = create();
  write_file(tree("/a.txt"), "changed since");
  create();
  restore(first.id);
  EXPECT_EQ(read_file(restored("/a.txt")), "/a.txt");
  EXPECT_THROW(restore("20200101T000000.000Z-0000"), backup_failed);
  EXPECT_THROW(restore("../../etc/passwd"), backup_failed);
}

TEST_F(RestoreTest, WhatStandsThereIsKeptUntilItIsTold) {
  create();
  make_directory(restored("/docs"));
  write_file(restored("/docs/b.txt"), "mine");
  ASSERT_EQ(::symlink("/etc/passwd", restored("/a.txt").c_str()), 0);
  restore();
  EXPECT_EQ(read_file(restored("/docs/b.txt")), "mine");
  EXPECT_TRUE(fs::is_symlink(restored("/a.txt")));
  EXPECT_EQ(problem_counts[static_cast<size_t>(problem_kind::kept)], 2u) << problems_text();
  restoring.overwrite = true;
  restore();
  EXPECT_EQ(problems_text(), "");
  EXPECT_EQ(difference(image_of(tree()), image_of(restored())), "");
}

TEST_F(RestoreTest, ASecondRestoreFindsEverythingThere) {
  create();
  restore();
  auto again = restore();
  EXPECT_EQ(again.files, 0u);
  EXPECT_EQ(again.there, 5u);
  EXPECT_EQ(problems_text(), "");
}

TEST_F(RestoreTest, GoesThroughNoSymbolicLink) {
  create();
  make_directory(at.path() + "/elsewhere");
  make_directory(restored());
  ASSERT_EQ(::symlink((at.path() + "/elsewhere").c_str(), restored("/docs").c_str()), 0);
  for (auto overwrite : {false, true}) {
    restoring.overwrite = overwrite;
    restore();
    EXPECT_TRUE(fs::is_empty(at.path() + "/elsewhere"));
    EXPECT_EQ(problem_counts[static_cast<size_t>(problem_kind::failed)], 1u) << problems_text();
    EXPECT_TRUE(exists(restored("/a.txt"))) << "the others are restored";
  }
  restoring.target = at.path() + "/link";
  ASSERT_EQ(::symlink((at.path() + "/elsewhere").c_str(), restoring.target.c_str()), 0);
  EXPECT_THROW(restore(), backup_failed);
  EXPECT_TRUE(fs::is_empty(at.path() + "/elsewhere"));
}

TEST_F(RestoreTest, HardLinksAreTiedAgainAlsoWhenOnlyOneIsWanted) {
  fs::create_hard_link(tree("/a.txt"), tree("/docs/again"));
  create();
  EXPECT_EQ(restored_difference(), "");
  test::remove_all(target());
  restoring.paths = {tree("/docs/again")};
  restore();
  EXPECT_EQ(read_file(restored("/docs/again")), "/a.txt");
}

TEST_F(RestoreTest, AUserWithoutRightsGetsTheContentAndIsToldOfTheRest) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "only root can be somebody else";
  ASSERT_EQ(::chown(tree("/a.txt").c_str(), 1234, 1234), 0);
  ASSERT_EQ(::chmod(tree("/a.txt").c_str(), 04755), 0);
  create();
  make_directory(at.path() + "/theirs");
  ASSERT_EQ(::chown((at.path() + "/theirs").c_str(), 65534, 65534), 0);
  restoring.target = at.path() + "/theirs/all";
  for (const auto& x : fs::recursive_directory_iterator{destination()})
    ::chmod(x.path().c_str(), x.is_directory() ? 0755 : 0644);
  ::chmod(destination().c_str(), 0755);
  auto said = test::run_as_nobody([&] {
    restore();
    struct stat st {};
    ::stat((restoring.target + tree("/a.txt")).c_str(), &st);
    return read_file(restoring.target + tree("/a.txt")) + " " + std::to_string(st.st_mode & 07777) + " " +
           problems.front().reason.substr(0, 19);
  });
  EXPECT_EQ(said, "/a.txt " + std::to_string(0755) + " its owner could not");
}

} // namespace overwatch::backup
