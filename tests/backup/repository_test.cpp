#include "runtime/backup/manifest.hpp"
#include "tests/backup/backup_fixture.hpp"

#include <sys/stat.h>

#include <filesystem>

namespace overwatch::backup {

class RepositoryTest : public BackupFixture {
protected:
  RepositoryTest() {
    make_directory(tree());
    write_file(tree("/secret.txt"), "the plans of the bank: " + std::string(5'000, 'x'));
  }

  /// The sentence with which it does not open.
  std::string refusal(bool exclusive = true) {
    try {
      open(exclusive);
    } catch (const backup_failed& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(RepositoryTest, ASecondWriterIsToldWhoIsThere) {
  auto first = open();
  EXPECT_NE(refusal().find("in use by a test"), std::string::npos) << refusal();
  EXPECT_NE(refusal(false).find("in use by a test"), std::string::npos);
}

TEST_F(RepositoryTest, ReadersShareItAndKeepWritersOut) {
  create();
  auto reader = open(false);
  EXPECT_EQ(refusal(false), "");
  EXPECT_NE(refusal(true).find("somebody who reads it"), std::string::npos);
}

TEST_F(RepositoryTest, AStrangersDirectoryIsLeftAlone) {
  make_directory(destination());
  write_file(destination() + "/letter", "dear");
  EXPECT_NE(refusal().find("neither empty nor a backup repository"), std::string::npos);
  EXPECT_EQ(read_file(destination() + "/letter"), "dear");
}

TEST_F(RepositoryTest, NothingIsMadeForAReader) {
  EXPECT_NE(refusal(false), "");
  EXPECT_FALSE(exists(destination()));
}

TEST_F(RepositoryTest, ASealedOneNeedsItsKey) {
  secret = random_text(32, 1);
  create();
  EXPECT_EQ(restored_difference(), "");
  EXPECT_TRUE(verify().whole());
  secret = random_text(32, 2);
  EXPECT_NE(refusal().find("does not fit"), std::string::npos) << refusal();
  secret.reset();
  EXPECT_NE(refusal().find("is encrypted"), std::string::npos) << refusal();
}

TEST_F(RepositoryTest, APlainOneRefusesAKey) {
  create();
  secret = random_text(32, 1);
  EXPECT_NE(refusal().find("is not encrypted"), std::string::npos) << refusal();
}

TEST_F(RepositoryTest, ASealedOneShowsNeitherContentNorNames) {
  secret = random_text(32, 1);
  create();
  auto plain = vault{};
  std::string all;
  for (const auto& x : std::filesystem::recursive_directory_iterator{destination()})
    if (x.is_regular_file())
      all += read_file(x.path().string());
  EXPECT_EQ(all.find("secret.txt"), std::string::npos);
  EXPECT_EQ(all.find("the plans"), std::string::npos);
  auto known = plain.id_of(read_file(tree("/secret.txt")));
  EXPECT_EQ(all.find(std::string(reinterpret_cast<const char*>(known.bytes.data()), 32)), std::string::npos)
    << "who has a file cannot tell that it is in there";
}

TEST_F(RepositoryTest, TheSameContentIsSealedDifferentlyEachTime) {
  vault key{std::string(32, 'k'), "salt"};
  auto one = key.seal("content", "purpose");
  EXPECT_NE(one, key.seal("content", "purpose"));
  EXPECT_EQ(key.open(one, "purpose"), "content");
  EXPECT_EQ(key.open(one, "another"), std::nullopt);
  EXPECT_EQ((vault{std::string(32, 'l'), "salt"}.open(one, "purpose")), std::nullopt);
  EXPECT_EQ((vault{std::string(32, 'k'), "pepper"}.open(one, "purpose")), std::nullopt);
}

TEST_F(RepositoryTest, IdsSortByTime) {
  auto early = new_backup_id(timestamp{std::chrono::seconds{1'000'000'000}});
  auto late = new_backup_id(timestamp{std::chrono::seconds{1'000'000'000}} + milliseconds{1});
  EXPECT_LT(early, late);
  EXPECT_EQ(early.substr(0, 21), "20010909T014640.000Z-");
  EXPECT_TRUE(is_backup_id(early));
  EXPECT_FALSE(is_backup_id("../20010909T014640.000Z-"));
}

TEST_F(RepositoryTest, OthersCannotLookIn) {
  create();
  struct stat st {};
  ASSERT_EQ(::stat(destination().c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 077, 0u);
  for (const auto& x : std::filesystem::recursive_directory_iterator{destination()}) {
    ASSERT_EQ(::stat(x.path().c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 077, 0u) << x.path();
  }
}

} // namespace overwatch::backup
