#include "tests/backup/backup_fixture.hpp"

#include <filesystem>

namespace overwatch::backup {

class PruneTest : public BackupFixture {
protected:
  PruneTest() { make_directory(tree()); }

  void change(uint64_t seed) { write_file(tree("/file"), random_text(2'000'000, seed)); }
};

TEST_F(PruneTest, RemovesOldBackupsAndWhatOnlyTheyNeeded) {
  for (uint64_t i = 0; i < 5; ++i) {
    change(i);
    create();
  }
  auto before = bytes_in(destination() + "/packs");
  auto done = prune({2, 0, 0, 0});
  EXPECT_EQ(done.removed.size(), 3u);
  EXPECT_EQ(done.kept, 2u);
  EXPECT_EQ(open(false).backups().size(), 2u);
  auto after = bytes_in(destination() + "/packs");
  EXPECT_LT(after, before * 3 / 5);
  EXPECT_EQ(done.freed_bytes, before - after);
  EXPECT_TRUE(verify().whole()) << problems_text();
  EXPECT_EQ(restored_difference(), "");
}

TEST_F(PruneTest, WritesPacksAgainThatAreMostlyGarbage) {
  write_file(tree("/small"), random_text(100'000, 1));
  change(1);
  create(); // one pack with both
  std::filesystem::remove(tree("/file"));
  create();
  auto done = prune({1, 0, 0, 0});
  EXPECT_EQ(done.rewritten_packs, 1u);
  EXPECT_LT(bytes_in(destination() + "/packs"), 300'000u);
  EXPECT_TRUE(verify().whole()) << problems_text();
  EXPECT_EQ(restored_difference(), "");
}

TEST_F(PruneTest, ADryRunSaysTheSameAndTouchesNothing) {
  for (uint64_t i = 0; i < 3; ++i) {
    change(i);
    create();
  }
  auto before = image_of(destination() + "/packs");
  {
    auto repository = open();
    problem_list list{repository, "prune.txt"};
    prune_options pruning;
    pruning.keep.last = 1;
    pruning.dry_run = true;
    auto would = prune_repository(repository, pruning, list);
    EXPECT_EQ(would.removed.size(), 2u);
    EXPECT_GT(would.freed_bytes, 3'000'000u);
  }
  EXPECT_EQ(difference(before, image_of(destination() + "/packs")), "");
  EXPECT_EQ(open(false).backups().size(), 3u);
}

TEST_F(PruneTest, RulesHoldForEachListOfSourcesByItself) {
  make_directory(at.path() + "/data/other");
  write_file(at.path() + "/data/other/x", "x");
  for (int i = 0; i < 3; ++i) {
    options.sources = {tree()};
    create();
    options.sources = {at.path() + "/data/other"};
    create();
  }
  auto done = prune({1, 0, 0, 0});
  EXPECT_EQ(done.kept, 2u);
  EXPECT_EQ(done.removed.size(), 4u);
}

TEST_F(PruneTest, RemovesOneByItsId) {
  change(1);
  auto first = create();
  change(2);
  create();
  auto done = prune({}, {first.id});
  EXPECT_EQ(done.removed, std::vector<std::string>{first.id});
  EXPECT_THROW(prune({}, {first.id}), backup_failed);
  EXPECT_EQ(restored_difference(), "");
}

TEST_F(PruneTest, RemovesNothingWhileAListIsDamaged) {
  for (uint64_t i = 0; i < 3; ++i) {
    change(i);
    create();
  }
  auto manifests = destination() + "/backups";
  auto id = open(false).backups().front();
  write_file(manifests + "/" + id + ".manifest", "nonsense");
  auto before = packs();
  EXPECT_THROW(prune({1, 0, 0, 0}), backup_failed);
  EXPECT_EQ(packs(), before);
  EXPECT_EQ(open(false).backups().size(), 3u);
  prune({1, 0, 0, 0}, {id});
  EXPECT_EQ(open(false).backups().size(), 1u);
  EXPECT_TRUE(verify().whole()) << problems_text();
}

TEST_F(PruneTest, LeftoversOfABackupThatWasStoppedGo) {
  change(1);
  create();
  int asked = 0;
  write_file(tree("/more"), random_text(80'000'000, 9));
  options.stop = [&] { return ++asked > 75; };
  EXPECT_THROW(create(), stopped);
  options.stop = {};
  EXPECT_GT(bytes_in(destination() + "/packs"), 30'000'000u) << "for the next run";
  prune({});
  EXPECT_LT(bytes_in(destination() + "/packs"), 3'000'000u);
  create();
  EXPECT_EQ(restored_difference(), "");
}

} // namespace overwatch::backup
