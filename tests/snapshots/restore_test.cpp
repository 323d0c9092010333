#include "tests/snapshots/scratch.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

/// Each kind of thing, and each way in which it can be damaged.
namespace overwatch::test {

class RestoreTest : public SnapshotFixture {
protected:
  RestoreTest() {
    make_directory(tree("/inside/deeper"));
    write_file(tree("/small"), "some text");
    write_file(tree("/empty"), "");
    write_file(tree("/large"), std::string(300'000, 'x') + "end");
    write_file(tree("/inside/deeper/file"), "deep");
    ::symlink("small", tree("/link").c_str());
    ::symlink("/nowhere/at/all", tree("/dangling").c_str());
    ::mkfifo(tree("/fifo").c_str(), 0640);
    ::link(tree("/small").c_str(), tree("/inside/hard").c_str());
    ::chmod(tree("/large").c_str(), 0751);
    set_modified(tree("/link"), 1'000'000'000, 123'456'789);
    set_modified(tree("/large"), 1'100'000'000, 987'654'321);
    set_modified(tree("/inside"), 1'200'000'000, 111'222'333);
    set_modified(tree("/inside/deeper"), -5, 7);
  }

  /// Captures, damages, restores, and compares.
  template <class Damage>
  restore_counts check(Damage damage) {
    auto before = image_of(tree());
    capture();
    EXPECT_EQ(difference(before, image_of(tree())), "") << "a capture changes nothing";
    damage();
    auto counts = restore().counts;
    EXPECT_EQ(difference(before, image_of(tree())), "");
    auto again = restore().counts;
    EXPECT_EQ(again.rewritten + again.removed + again.recreated, 0u) << "the second time there is nothing to do";
    EXPECT_EQ(difference(before, image_of(tree())), "");
    return counts;
  }
};

TEST_F(RestoreTest, NothingChangedMeansNothingIsWritten) {
  auto counts = check([] {});
  EXPECT_EQ(counts.rewritten + counts.removed + counts.recreated, 0u);
  EXPECT_EQ(counts.unchanged, 11u);
}

TEST_F(RestoreTest, ContentsComeBack) {
  check([&] {
    write_file(tree("/small"), "SOME TEXT");
    write_file(tree("/empty"), "not any more");
    write_file(tree("/large"), "short");
    EXPECT_EQ(::truncate(tree("/inside/deeper/file").c_str(), 2), 0);
  });
}

TEST_F(RestoreTest, ContentThatChangedUnderTheSameTimeAndSizeComesBack) {
  check([&] {
    write_file(tree("/large"), std::string(300'000, 'y') + "end");
    set_modified(tree("/large"), 1'100'000'000, 987'654'321);
  });
}

TEST_F(RestoreTest, WhatVanishedIsRecreated) {
  auto counts = check([&] {
    remove_all(tree("/inside"));
    remove_all(tree("/link"));
    remove_all(tree("/fifo"));
    remove_all(tree("/small"));
  });
  EXPECT_EQ(counts.recreated, 7u);
}

TEST_F(RestoreTest, WholeTreeIsRecreated) {
  check([&] { remove_all(tree()); });
}

TEST_F(RestoreTest, WhatAppearedIsRemoved) {
  auto counts = check([&] {
    write_file(tree("/new"), "x");
    make_directory(tree("/inside/new/with/more"));
    write_file(tree("/inside/new/with/file"), "x");
    ::symlink(at.path().c_str(), tree("/out").c_str());
    ::mkfifo(tree("/pipe").c_str(), 0600);
  });
  EXPECT_EQ(counts.removed, 4u) << "a whole tree counts once";
  EXPECT_TRUE(exists(at.data())) << "a link is removed, not what it names";
}

TEST_F(RestoreTest, VeryDeepTreesAreRemoved) {
  check([&] {
    auto here = ::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_EQ(::chdir(tree("/inside").c_str()), 0);
    for (int i = 0; i < 1000; ++i) {
      write_file("beside", "x");
      ASSERT_EQ(::mkdir("again", 0755), 0);
      ASSERT_EQ(::chdir("again"), 0);
    }
    ASSERT_EQ(::fchdir(here), 0);
    ::close(here);
  });
}

TEST_F(RestoreTest, ModesOwnersAndTimesComeBack) {
  check([&] {
    set_modified(tree("/link"), 5, 5);
    set_modified(tree("/small"), 5, 5);
    set_modified(tree("/inside/deeper"), 5, 5);
    ::chmod(tree("/large").c_str(), 0000);
    ::chmod(tree("/inside").c_str(), 0000);
    ::chmod(tree("/fifo").c_str(), 0666);
    if (::geteuid() == 0) {
      EXPECT_EQ(::lchown(tree("/link").c_str(), 12, 34), 0);
      EXPECT_EQ(::chown(tree("/large").c_str(), 12, 34), 0);
      EXPECT_EQ(::chown(tree("/fifo").c_str(), 12, 34), 0);
      EXPECT_EQ(::chown(tree().c_str(), 12, 34), 0);
    }
  });
}

TEST_F(RestoreTest, SetIdBitsSurviveTheOwner) {
  ::chmod(tree("/large").c_str(), 06755);
  check([&] { remove_all(tree("/large")); });
}

TEST_F(RestoreTest, KindsAreExchanged) {
  check([&] {
    remove_all(tree("/small"));
    make_directory(tree("/small/now/a/directory"));
    remove_all(tree("/inside"));
    write_file(tree("/inside"), "now a file");
    remove_all(tree("/link"));
    make_directory(tree("/link/x"));
    remove_all(tree("/fifo"));
    ::symlink("large", tree("/fifo").c_str());
    remove_all(tree("/large"));
    ::mkfifo(tree("/large").c_str(), 0600);
  });
}

TEST_F(RestoreTest, DirectoryReplacedByALinkIsNotFollowed) {
  make_directory(at.path() + "/outside");
  write_file(at.path() + "/outside/precious", "keep me");
  check([&] {
    remove_all(tree("/inside"));
    ::symlink((at.path() + "/outside").c_str(), tree("/inside").c_str());
  });
  EXPECT_EQ(read_file(at.path() + "/outside/precious"), "keep me");
}

TEST_F(RestoreTest, RenamesAreUndone) {
  check([&] {
    ::rename(tree("/small").c_str(), tree("/was small").c_str());
    ::rename(tree("/large").c_str(), tree("/small").c_str());
    ::rename(tree("/was small").c_str(), tree("/large").c_str());
    ::rename(tree("/inside").c_str(), tree("/moved").c_str());
  });
}

TEST_F(RestoreTest, HardLinksAreTiedAgain) {
  check([&] { // written by one, replaced at the other
    write_file(tree("/small"), "through both");
    remove_all(tree("/inside/hard"));
    write_file(tree("/inside/hard"), "alone");
  });
}

TEST_F(RestoreTest, FilesThatWereTiedAreSeparated) {
  write_file(tree("/twin a"), "equal");
  write_file(tree("/twin b"), "equal");
  set_modified(tree("/twin a"), 7, 7);
  set_modified(tree("/twin b"), 7, 7);
  check([&] {
    remove_all(tree("/twin b"));
    ::link(tree("/twin a").c_str(), tree("/twin b").c_str());
    ::link(tree("/large").c_str(), tree("/more large").c_str());
  });
}

TEST_F(RestoreTest, HolesStayHoles) {
  constexpr off_t size = 16 << 20;
  auto fd = ::open(tree("/holes").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  ASSERT_EQ(::ftruncate(fd, size), 0);
  ASSERT_EQ(::pwrite(fd, "middle", 6, size / 2), 6);
  ASSERT_EQ(::fsync(fd), 0);
  ::close(fd);
  auto before = allocated_bytes(tree("/holes"));
  auto took = capture("sized", {tree("/holes")});
  EXPECT_LT(took.bytes, 1u << 20);
  check([&] { write_file(tree("/holes"), "short"); });
  EXPECT_LE(allocated_bytes(tree("/holes")), before + (64 << 10));
}

TEST_F(RestoreTest, AttributesComeBack) {
  if (::setxattr(tree("/large").c_str(), "user.colour", "red", 3, 0) != 0)
    GTEST_SKIP() << "this file system has no extended attributes";
  ::setxattr(tree("/inside").c_str(), "user.place", "dir", 3, 0);
  check([&] {
    ::setxattr(tree("/large").c_str(), "user.colour", "blue", 4, 0);
    ::setxattr(tree("/large").c_str(), "user.added", "x", 1, 0);
    ::removexattr(tree("/inside").c_str(), "user.place");
    ::setxattr(tree("/small").c_str(), "user.added", "x", 1, 0);
  });
  remove_all(tree());
  restore();
  char value[16]{};
  EXPECT_EQ(::getxattr(tree("/large").c_str(), "user.colour", value, sizeof(value)), 3);
  EXPECT_STREQ(value, "red");
}

TEST_F(RestoreTest, AccessListsComeBack) {
  // version 2; owner rw-, user 12 r--, group r--, mask r--, others ---
  const unsigned char list[]{2, 0,  0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
                             0, 12, 0,   0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
                             4, 0,  255, 255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
  if (::setxattr(tree("/large").c_str(), "system.posix_acl_access", list, sizeof(list), 0) != 0)
    GTEST_SKIP() << "this file system has no access lists";
  check([&] {
    ::removexattr(tree("/large").c_str(), "system.posix_acl_access");
    ::chmod(tree("/large").c_str(), 0777);
  });
}

TEST_F(RestoreTest, SocketsAreLeftAlone) {
  auto listening = ::socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  auto path = tree("/s");
  ASSERT_LT(path.size(), sizeof(address.sun_path));
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(listening, reinterpret_cast<struct sockaddr*>(&address), sizeof(address)), 0);
  auto result = capture("with-socket", {tree()});
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_NE(result.notes[0].find("socket"), std::string::npos);
  check([&] { write_file(tree("/small"), "x"); });
  EXPECT_TRUE(exists(path));
  ::close(listening);
}

TEST_F(RestoreTest, DevicesNeedRoot) {
  if (::geteuid() != 0 || ::mknod(tree("/null").c_str(), S_IFCHR | 0640, makedev(1, 3)) != 0)
    GTEST_SKIP() << "only root may make devices";
  check([&] {
    remove_all(tree("/null"));
    ::mknod(tree("/null").c_str(), S_IFCHR | 0640, makedev(1, 5));
  });
}

TEST_F(RestoreTest, AbsencesAreRestored) {
  capture("absent", {at.data("/nothing"), at.data("/no/directory/either")});
  EXPECT_EQ(restore("absent").counts.unchanged, 2u);
  write_file(at.data("/nothing"), "x");
  make_directory(at.data("/no/directory/either/below"));
  EXPECT_EQ(restore("absent").counts.removed, 4u);
  EXPECT_FALSE(exists(at.data("/nothing")));
  EXPECT_FALSE(exists(at.data("/no"))) << "nor were the directories above there";
}

TEST_F(RestoreTest, AbsenceLeavesWhatOthersMade) {
  capture("absent", {at.data("/no/mine")});
  make_directory(at.data("/no/mine"));
  write_file(at.data("/no/others"), "x");
  restore("absent");
  EXPECT_FALSE(exists(at.data("/no/mine")));
  EXPECT_TRUE(exists(at.data("/no/others")));
}

TEST_F(RestoreTest, LostDirectoriesAboveAreMadeAgain) {
  ::chmod(tree("/inside").c_str(), 0710);
  auto before = image_of(tree("/inside"));
  capture("deep", {tree("/inside/deeper/file")});
  remove_all(tree("/inside"));
  restore("deep");
  auto after = image_of(tree("/inside"));
  EXPECT_EQ(after.at(""), before.at("")) << "mode and time too";
  EXPECT_EQ(after.at("/deeper/file"), before.at("/deeper/file"));
}

TEST_F(RestoreTest, LinksAcrossScopesAreTied) {
  write_file(at.data("/a"), "one");
  ::link(at.data("/a").c_str(), at.data("/b").c_str());
  auto before = image_of(at.data());
  capture("two", {at.data("/b"), at.data("/a")});
  remove_all(at.data("/a"));
  write_file(at.data("/b"), "two");
  restore("two");
  auto after = image_of(at.data());
  EXPECT_EQ(after.at("/a"), before.at("/a"));
  EXPECT_EQ(after.at("/b"), before.at("/b"));
}

TEST_F(RestoreTest, WorksWithoutRights) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "this runs without rights already";
  for (const auto& path : {at.path(), at.data()})
    ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
  remove_all(tree());
  EXPECT_EQ(run_as_nobody([&]() -> std::string {
              make_directory(tree("/closed/below"));
              write_file(tree("/closed/below/file"), "x");
              write_file(tree("/file"), "y");
              ::chmod(tree("/closed").c_str(), 0555);
              auto before = image_of(tree());
              if (auto x = store->capture("one", {{tree()}, {}}, {}); x.error)
                return x.error.message;
              ::chmod(tree("/closed").c_str(), 0755);
              remove_all(tree("/closed/below"));
              write_file(tree("/closed/new"), "z");
              ::chmod(tree("/closed").c_str(), 0000);
              ::chmod(tree("/file").c_str(), 0000);
              if (auto x = store->restore("one", {}); x.error)
                return x.error.message;
              return difference(before, image_of(tree()));
            }),
            "");
}

TEST_F(RestoreTest, OwnerThatCannotBeGivenBackIsAnError) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "needs root to make another's file";
  for (const auto& path : {at.path(), at.data(), tree()})
    ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
  ASSERT_EQ(::chmod(tree("/large").c_str(), 0755), 0);
  auto said = run_as_nobody([&]() -> std::string {
    if (auto x = store->capture("one", {{tree("/large")}, {}}, {}); x.error)
      return "capture: " + x.error.message;
    if (auto x = store->restore("one", {}); x.error)
      return "nothing differs: " + x.error.message;
    remove_all(tree("/large"));
    return store->restore("one", {}).error.message;
  });
  EXPECT_NE(said.find("give its owner back to '" + tree("/large") + "'"), std::string::npos) << said;
}

} // namespace overwatch::test
