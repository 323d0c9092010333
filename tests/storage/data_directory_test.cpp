#include "runtime/storage/data_directory.hpp"
#include "tests/storage/temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace overwatch::test {

using testing::HasSubstr;

TEST(DataDirectoryTest, AMissingDirectoryIsCreatedForItsOwnerOnly) {
  temporary_directory directory;
  auto path = directory.inside("a/b/data");
  open_small(path);
  struct stat found = {};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0700u);
  EXPECT_TRUE(fs::exists(fs::path{path} / "FORMAT"));
  EXPECT_EQ(refusal_of(path).code, ec::none) << "and can be opened again";
}

TEST(DataDirectoryTest, ASecondNodeIsRefusedAndToldWhoIsFirst) {
  temporary_directory directory;
  auto first = open_small(directory.path());
  auto refusal = refusal_of(directory.path());
  EXPECT_EQ(refusal.code, ec::conflict);
  EXPECT_THAT(refusal.message, HasSubstr(directory.path()));
  EXPECT_THAT(refusal.message, HasSubstr("process " + std::to_string(::getpid())));
  write_batch batch;
  batch.put(key_space::log, "a", "1");
  EXPECT_EQ(first->write(batch, true), store::write_result::done) << "the first goes on";
  first.reset();
  EXPECT_EQ(refusal_of(directory.path()).code, ec::none) << "free again";
}

TEST(DataDirectoryTest, AForeignDirectoryIsRefusedAndLeftAsItIs) {
  temporary_directory directory;
  overwrite(directory.inside("letter.txt"), "Dear Sir");
  auto before = files_of(directory.path());
  auto refusal = refusal_of(directory.path());
  EXPECT_EQ(refusal.code, ec::invalid);
  EXPECT_THAT(refusal.message, HasSubstr(directory.path()));
  EXPECT_THAT(refusal.message, HasSubstr("letter.txt"));
  EXPECT_TRUE(files_of(directory.path()) == before);
}

TEST(DataDirectoryTest, AFileIsNoDirectory) {
  temporary_directory directory;
  overwrite(directory.inside("data"), "");
  auto refusal = refusal_of(directory.inside("data"));
  EXPECT_EQ(refusal.code, ec::invalid);
  EXPECT_THAT(refusal.message, HasSubstr("not a directory"));
}

TEST(DataDirectoryTest, FilesOfTheNodesProcessAndOfAMountPointAreNoObstacle) {
  temporary_directory directory;
  overwrite(directory.inside("node.log"), "starting");
  fs::create_directory(directory.inside("lost+found"));
  EXPECT_EQ(refusal_of(directory.path()).code, ec::none);
  EXPECT_EQ(files_of(directory.path()).at(directory.inside("node.log")), "starting");
}

TEST(DataDirectoryTest, ANewerFormatIsRefusedAndLeftAsItIs) {
  temporary_directory directory;
  open_small(directory.path());
  overwrite(directory.inside("FORMAT"), "overwatch-store " + std::to_string(storage_format + 1) + "\n");
  auto before = files_of(directory.path());
  auto refusal = refusal_of(directory.path());
  EXPECT_EQ(refusal.code, ec::invalid);
  EXPECT_THAT(refusal.message, HasSubstr("format " + std::to_string(storage_format + 1)));
  EXPECT_THAT(refusal.message, HasSubstr("up to " + std::to_string(storage_format)));
  EXPECT_TRUE(files_of(directory.path()) == before);
}

TEST(DataDirectoryTest, ADamagedFormatIsRefused) {
  for (std::string content : {"", "overwatch-store \n", "overwatch-store 0\n", "overwatch-store 1x\n",
                              "something else\n", "overwatch-store 99999999999999999999\n"}) {
    temporary_directory directory;
    open_small(directory.path());
    overwrite(directory.inside("FORMAT"), content);
    auto before = files_of(directory.path());
    EXPECT_EQ(refusal_of(directory.path()).code, ec::internal) << content;
    EXPECT_TRUE(files_of(directory.path()) == before);
  }
}

TEST(DataDirectoryTest, AnInterruptedFirstStartIsFinishedByTheNext) {
  temporary_directory directory;
  fs::create_directory(directory.inside("rocks.new")); // interrupted while the database was made
  overwrite(directory.inside("rocks.new/MANIFEST-000001"), "half");
  open_small(directory.path());

  fs::rename(directory.inside("rocks"), directory.inside("rocks.new")); // interrupted before the last step
  EXPECT_EQ(refusal_of(directory.path()).code, ec::none);
  EXPECT_TRUE(fs::exists(directory.inside("rocks")));
}

TEST(DataDirectoryTest, AStoreWithoutItsDatabaseIsNotReplacedByAnEmptyOne) {
  temporary_directory directory;
  open_small(directory.path());
  fs::remove_all(directory.inside("rocks"));
  EXPECT_EQ(refusal_of(directory.path()).code, ec::internal);
  EXPECT_FALSE(fs::exists(directory.inside("rocks")));
}

} // namespace overwatch::test
