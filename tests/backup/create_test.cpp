#include "runtime/backup/chunker.hpp"
#include "tests/backup/backup_fixture.hpp"
#include "tests/snapshots/random_tree.hpp"

#include <filesystem>
#include <fstream>

namespace overwatch::backup {

class CreateTest : public BackupFixture {
protected:
  CreateTest() { make_directory(tree()); }
};

TEST_F(CreateTest, KeepsEverythingOfATree) {
  test::random_tree content{tree(), 5};
  content.build(300);
  auto made = create();
  EXPECT_EQ(problems_text(), "");
  EXPECT_GT(made.counts.files, 20u);
  EXPECT_EQ(restored_difference(), "");
  EXPECT_TRUE(verify().whole()) << problems_text();
}

TEST_F(CreateTest, KeepsManyRandomTrees) {
  for (uint64_t seed = 100; seed < 120; ++seed) {
    test::remove_all(tree());
    test::random_tree content{tree(), seed};
    content.build(60);
    create();
    ASSERT_EQ(restored_difference(), "") << "seed " << seed;
    content.damage(30);
    create();
    ASSERT_EQ(restored_difference(), "") << "seed " << seed << " after changes";
  }
  EXPECT_TRUE(verify().whole()) << problems_text();
}

TEST_F(CreateTest, StoresContentOnce) {
  auto content = random_text(3'000'000, 1);
  write_file(tree("/a"), content);
  auto first = create();
  EXPECT_GE(first.counts.new_bytes, content.size());
  write_file(tree("/b"), content);
  auto second = create();
  EXPECT_LT(second.counts.new_bytes, 10'000u) << "only the list is new";
  EXPECT_EQ(restored_difference(), "");
}

TEST_F(CreateTest, ReadsNothingThatDidNotChange) {
  options.recent = milliseconds{0};
  write_file(tree("/a"), random_text(100'000, 1));
  write_file(tree("/b"), random_text(100'000, 2));
  create();
  auto third = create();
  EXPECT_EQ(third.counts.unchanged, 2u);
  EXPECT_EQ(third.counts.read_bytes, 0u);
  write_file(tree("/a"), random_text(100'000, 3));
  auto fourth = create();
  EXPECT_EQ(fourth.counts.unchanged, 1u);
  EXPECT_EQ(fourth.counts.read_bytes, 100'000u);
  EXPECT_EQ(restored_difference(), "");
}

TEST_F(CreateTest, ReadsAgainWhatChangedJustBefore) {
  options.recent = std::chrono::hours{1};
  write_file(tree("/a"), "aaaa");
  create();
  EXPECT_EQ(create().counts.unchanged, 0u) << "a later change could have the same time";
}

TEST_F(CreateTest, AChangeInsideALargeFileCostsAChunk) {
  auto content = random_text(20'000'000, 1);
  write_file(tree("/large"), content);
  create();
  content.insert(10'000'000, "some more");
  write_file(tree("/large"), content);
  auto second = create();
  EXPECT_LT(second.counts.new_bytes, 3 * max_chunk_bytes);
  EXPECT_EQ(restored_difference(), "");
}

TEST_F(CreateTest, HolesTakeNoRoomHereOrThere) {
  std::ofstream{tree("/sparse")} << "begin";
  std::filesystem::resize_file(tree("/sparse"), 2'000'000'000);
  std::ofstream{tree("/sparse"), std::ios::in | std::ios::out | std::ios::ate} << "end";
  auto made = create();
  EXPECT_LT(made.counts.read_bytes, 1'000'000u);
  EXPECT_EQ(made.counts.bytes, 2'000'000'003u);
  restore();
  EXPECT_EQ(test::allocated_bytes(restored("/sparse")), test::allocated_bytes(tree("/sparse")));
  EXPECT_EQ(std::filesystem::file_size(restored("/sparse")), 2'000'000'003u);
}

TEST_F(CreateTest, LeavesOutWhatIsExcluded) {
  for (const auto* path : {"/keep.txt", "/drop.o", "/cache/x", "/src/cache/y", "/src/drop.o", "/src/main.c"}) {
    make_directory(tree(path).substr(0, tree(path).rfind('/')));
    write_file(tree(path), path);
  }
  options.excludes = {"*.o", "cache/"};
  create();
  restore();
  EXPECT_TRUE(exists(restored("/keep.txt")) && exists(restored("/src/main.c")));
  for (const auto* gone : {"/drop.o", "/cache", "/src/cache", "/src/drop.o"})
    EXPECT_FALSE(exists(restored(gone))) << gone;
}

TEST_F(CreateTest, LeavesOutTheRepositoryItself) {
  write_file(tree("/a"), "a");
  options.sources = {at.path()};
  create();
  create();
  restore();
  EXPECT_TRUE(exists(restored("/a")));
  EXPECT_FALSE(exists(target() + destination()));
}

TEST_F(CreateTest, TakesSourcesOfSeveralPlacesAndGlobs) {
  for (const auto* path : {"/x1/a", "/x2/b", "/y/c", "/z"}) {
    make_directory(tree(path).substr(0, tree(path).rfind('/')));
    write_file(tree(path), path);
  }
  options.sources = {tree("/z"), tree("/x*"), tree("/x1/a")};
  auto made = create();
  EXPECT_EQ(made.counts.files, 3u);
  restore();
  EXPECT_TRUE(exists(restored("/x1/a")) && exists(restored("/x2/b")) && exists(restored("/z")));
  EXPECT_FALSE(exists(restored("/y")));
}

TEST_F(CreateTest, ASourceThatIsMissingIsToldAndTheOthersAreTaken) {
  write_file(tree("/a"), "a");
  options.sources = {tree(), at.path() + "/missing"};
  auto made = create();
  EXPECT_EQ(made.counts.unreadable, 1u);
  EXPECT_EQ(problems_text(), "unreadable " + at.path() + "/missing: nothing has this name\n");
  options.sources = {at.path() + "/missing"};
  EXPECT_THROW(create(), backup_failed);
}

TEST_F(CreateTest, KeepsWhatAProgramWrites) {
  auto content = random_text(5'000'000, 9);
  options.dumps.push_back({"/@postgresql/shop.dump", [&](const auto& out) {
                             for (size_t i = 0; i < content.size(); i += 60'000)
                               out(std::string_view{content}.substr(i, 60'000));
                             return std::string{};
                           }});
  create();
  EXPECT_EQ(problems_text(), "");
  restore();
  EXPECT_EQ(read_file(target() + "/@postgresql/shop.dump"), content);
}

TEST_F(CreateTest, AnIncompleteDumpIsMissingAndTold) {
  write_file(tree("/a"), "a");
  options.sources = {tree()};
  options.dumps.push_back({"/@postgresql/shop.dump", [](const auto& out) {
                             out("half of it");
                             return std::string{"the server is gone"};
                           }});
  auto made = create();
  EXPECT_EQ(made.counts.unreadable, 1u);
  EXPECT_EQ(problems_text(), "unreadable /@postgresql/shop.dump: the server is gone\n");
  restore();
  EXPECT_TRUE(exists(restored("/a")));
  EXPECT_FALSE(exists(target() + "/@postgresql/shop.dump"));
}

TEST_F(CreateTest, StopsWhenItIsTold) {
  write_file(tree("/large"), random_text(8'000'000, 1));
  int asked = 0;
  options.stop = [&] { return ++asked > 6; };
  EXPECT_THROW(create(), stopped);
  options.stop = {};
  EXPECT_TRUE(open(false).backups().empty());
  create();
  EXPECT_EQ(restored_difference(), "");
}

TEST_F(CreateTest, ProgressMovesToItsEnd) {
  for (int i = 0; i < 40; ++i)
    write_file(tree("/" + std::to_string(i)), random_text(500'000, static_cast<uint64_t>(i)));
  uint64_t last = 0;
  uint64_t reports = 0;
  options.progress = [&](uint64_t done, uint64_t planned, const std::string&) {
    EXPECT_GE(done, last);
    EXPECT_LE(done, planned);
    last = done;
    ++reports;
  };
  create();
  EXPECT_GT(reports, 0u);
  EXPECT_LE(last, 20'000'000u);
}

} // namespace overwatch::backup
