#include "tests/backup/backup_fixture.hpp"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

namespace fs = std::filesystem;

/// Files that change, vanish or cannot be read; destinations that are full.
namespace overwatch::backup {

class FileTroubleTest : public BackupFixture {
protected:
  FileTroubleTest() { make_directory(tree()); }

  /// Does `body` once, when a block of this file was read and before the next one is.
  void in_the_middle_of(const std::string& path, std::function<void()> body) {
    auto blocks = std::make_shared<int>(-1);
    options.progress = [=](uint64_t, uint64_t, const std::string& what) { *blocks = what == path ? 0 : *blocks; };
    options.stop = [=] {
      if (*blocks >= 0 && ++*blocks == 2)
        body();
      return false;
    };
  }

  uint64_t count(problem_kind kind) const { return problem_counts[static_cast<size_t>(kind)]; }
};

TEST_F(FileTroubleTest, AFileThatIsWrittenToMeanwhileIsTold) {
  write_file(tree("/log"), random_text(3'000'000, 1));
  write_file(tree("/quiet"), "quiet");
  in_the_middle_of(tree("/log"), [&] { std::ofstream{tree("/log"), std::ios::app} << "more"; });
  auto made = create();
  EXPECT_EQ(made.counts.changed, 1u);
  EXPECT_EQ(problems_text(), "changed " + tree("/log") + ": it was written to while it was read\n");
  options.progress = {};
  options.stop = {};
  create();
  EXPECT_EQ(restored_difference(), "") << "the next backup reads it again";
}

TEST_F(FileTroubleTest, AFileThatIsCutOffMeanwhileIsKeptAsFarAsItWasRead) {
  write_file(tree("/log"), random_text(8'000'000, 1));
  in_the_middle_of(tree("/log"), [&] { fs::resize_file(tree("/log"), 10); });
  auto made = create();
  EXPECT_EQ(made.counts.changed, 1u);
  restore();
  EXPECT_LT(fs::file_size(restored("/log")), 8'000'000u);
  EXPECT_TRUE(verify().whole()) << problems_text();
}

TEST_F(FileTroubleTest, ATreeThatChangesAllTheTimeIsBackedUp) {
  std::atomic<bool> stop{false};
  std::thread restless{[&] {
    for (unsigned i = 0; !stop; ++i) {
      auto name = tree("/f" + std::to_string(i % 50));
      if (i % 3 == 0)
        test::remove_all(name);
      else
        write_file(name, random_text(20'000, i));
    }
  }};
  for (int i = 0; i < 20; ++i) {
    create();
    EXPECT_EQ(count(problem_kind::unreadable), 0u) << problems_text();
  }
  stop = true;
  restless.join();
  EXPECT_TRUE(verify().whole()) << problems_text();
  create();
  EXPECT_EQ(restored_difference(), "");
}

TEST_F(FileTroubleTest, WhatMayNotBeReadIsToldAndTheRestIsKept) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "only root can be somebody else";
  write_file(tree("/open"), "open");
  write_file(tree("/closed"), "closed");
  make_directory(tree("/room"));
  write_file(tree("/room/inside"), "inside");
  ::chmod(tree("/closed").c_str(), 0600);
  ::chmod(tree("/room").c_str(), 0700);
  make_directory(at.path() + "/theirs");
  ASSERT_EQ(::chown((at.path() + "/theirs").c_str(), 65534, 65534), 0);
  auto said = test::run_as_nobody([&] {
    repository_access access;
    access.path = at.path() + "/theirs/repository";
    access.create = access.exclusive = true;
    repository to{access};
    problem_list list{to, "x.txt"};
    create_options all;
    all.sources = {tree()};
    auto made = create_backup(to, all, list);
    return std::to_string(made.counts.files) + " kept, " + std::to_string(made.counts.unreadable) +
           " not: " + list.first()[0].path + ", " + list.first()[1].path;
  });
  EXPECT_EQ(said, "1 kept, 2 not: " + tree("/closed") + ", " + tree("/room"));
}

TEST_F(FileTroubleTest, ManyProblemsStandInAReport) {
  options.sources = {tree()};
  for (int i = 0; i < 150; ++i)
    options.sources.push_back(tree("/missing" + std::to_string(i)));
  auto made = create();
  EXPECT_EQ(made.counts.unreadable, 150u);
  EXPECT_EQ(problems.size(), problem_list::max_kept);
  auto text = read_file(report);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 150);
  EXPECT_NE(text.find("unreadable\t" + tree("/missing149") + "\tnothing has this name\n"), std::string::npos);
}

TEST_F(FileTroubleTest, AFullDestinationFailsWithASentenceAndStaysWhole) {
  make_directory(destination());
  if (::geteuid() != 0 || ::mount("none", destination().c_str(), "tmpfs", 0, "size=160m,mode=0700") != 0)
    GTEST_SKIP() << "no file system can be mounted here";
  write_file(tree("/first"), random_text(1'000'000, 1));
  create();
  write_file(tree("/large"), random_text(200'000'000, 2));
  auto failure = [&] {
    try {
      create();
    } catch (const backup_failed& error) {
      return (error.retryable() ? "" : "for good: ") + std::string{error.what()};
    }
    return std::string{};
  };
  EXPECT_NE(failure().find("have changed since the last backup; free some space"), std::string::npos) << failure();
  options.check_space = false;
  EXPECT_NE(failure().find("is full"), std::string::npos);
  EXPECT_TRUE(verify().whole()) << problems_text();
  EXPECT_EQ(open(false).backups().size(), 1u);
  fs::remove(tree("/large"));
  prune({1, 0, 0, 0});
  create();
  EXPECT_EQ(restored_difference(), "");
  ::umount2(destination().c_str(), MNT_DETACH);
}

} // namespace overwatch::backup
