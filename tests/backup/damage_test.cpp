#include "tests/backup/backup_fixture.hpp"
#include "tests/snapshots/random_tree.hpp"

#include <filesystem>
#include <fstream>
#include <random>

namespace fs = std::filesystem;

/// Whatever byte of a repository is not what was written, verify finds it.
namespace overwatch::backup {

namespace {

constexpr unsigned flips = 300;

void flip_bit(const std::string& path, uint64_t at, unsigned bit) {
  std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
  file.seekg(static_cast<std::streamoff>(at));
  auto byte = static_cast<char>(file.get());
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(byte ^ (1 << bit)));
}

} // namespace

class DamageTest : public BackupFixture {
protected:
  DamageTest() {
    test::random_tree content{tree(), 7};
    content.build(80);
    write_file(tree("/noise"), random_text(900'000, 1));
  }

  /// Every file that counts, with its size.
  std::vector<std::pair<std::string, uint64_t>> files() const {
    std::vector<std::pair<std::string, uint64_t>> result;
    for (const auto& x : fs::recursive_directory_iterator{destination()})
      if (x.is_regular_file() && x.path().filename() != "lock")
        result.emplace_back(x.path().string(), x.file_size());
    std::sort(result.begin(), result.end());
    return result;
  }

  /// Verify finds something, or the repository does not even open.
  bool is_found() {
    try {
      return !verify().whole();
    } catch (const backup_failed&) {
      return true;
    }
  }

  void expect_every_flip_found(uint64_t seed) {
    auto all = files();
    uint64_t total = 0;
    for (const auto& [path, size] : all)
      total += size;
    std::mt19937_64 random{seed};
    for (unsigned i = 0; i < flips; ++i) {
      // Half of them anywhere, half in any file alike: the small ones would hardly be met otherwise.
      auto at = random() % total;
      size_t file = i % 2 == 0 ? random() % all.size() : 0;
      if (i % 2 != 0)
        for (; at >= all[file].second; ++file)
          at -= all[file].second;
      at %= all[file].second;
      auto bit = static_cast<unsigned>(random() % 8);
      flip_bit(all[file].first, at, bit);
      ASSERT_TRUE(is_found()) << "bit " << bit << " of byte " << at << " of " << all[file].first;
      flip_bit(all[file].first, at, bit);
    }
    EXPECT_TRUE(verify().whole()) << problems_text();
  }
};

TEST_F(DamageTest, EveryFlippedBitIsFound) {
  create();
  write_file(tree("/more"), random_text(300'000, 2));
  create();
  expect_every_flip_found(1);
}

TEST_F(DamageTest, EveryFlippedBitOfASealedRepositoryIsFound) {
  secret = random_text(32, 5);
  create();
  expect_every_flip_found(2);
}

TEST_F(DamageTest, DamageIsNamedWithItsFiles) {
  test::remove_all(tree());
  make_directory(tree());
  write_file(tree("/good"), random_text(200'000, 1));
  create();
  auto before = packs();
  write_file(tree("/bad"), random_text(200'000, 2));
  auto second = create();
  for (const auto& pack : packs())
    if (std::find(before.begin(), before.end(), pack) == before.end())
      flip_bit(pack, 100'000, 3);
  auto found = verify();
  EXPECT_EQ(found.damaged_chunks, 1u);
  EXPECT_EQ(found.damaged_files, 1u);
  EXPECT_EQ(found.damaged_packs, 1u);
  EXPECT_NE(problems_text().find("damaged " + tree("/bad") + ": in backup " + second.id), std::string::npos)
    << problems_text();
  EXPECT_EQ(problems_text().find(tree("/good")), std::string::npos);
  restore();
  EXPECT_EQ(problem_counts[static_cast<size_t>(problem_kind::damaged)], 1u) << problems_text();
  EXPECT_TRUE(exists(restored("/good")));
  EXPECT_FALSE(exists(restored("/bad"))) << "half a file is none";
}

TEST_F(DamageTest, ALostPackIsFoundAndTheNextBackupFillsTheGap) {
  options.recent = milliseconds{0};
  create();
  fs::remove(packs().front());
  auto found = verify();
  EXPECT_GT(found.damaged_chunks, 0u);
  EXPECT_FALSE(found.whole());
  create(); // reads again what is missing, although no file changed
  EXPECT_EQ(restored_difference(), "");
}

TEST_F(DamageTest, MendingSavesWhatIsWhole) {
  options.recent = milliseconds{0};
  create();
  flip_bit(packs().front(), 500'000, 1);
  auto found = verify();
  ASSERT_EQ(found.damaged_packs, 1u);
  auto mended = mend_repository(open(), found.packs_to_mend, 3, {});
  EXPECT_EQ(mended.packs, 1u);
  EXPECT_GT(mended.chunks, 10u);
  EXPECT_EQ(verify().damaged_packs, 0u) << "it does not count any more";
  EXPECT_EQ(verify().damaged_files, 1u);
  create();
  EXPECT_TRUE(verify().whole()) << problems_text();
  EXPECT_EQ(restored_difference(), "");
}

} // namespace overwatch::backup
