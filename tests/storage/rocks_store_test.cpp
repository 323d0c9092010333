#include "runtime/storage/staged_files.hpp"
#include "runtime/storage/storage_failed.hpp"
#include "tests/storage/temporary_directory.hpp"

#include <gtest/gtest.h>
#include <rocksdb/status.h>

namespace overwatch::test {

TEST(RocksStoreTest, EverythingIsThereAfterACleanEnd) {
  temporary_directory directory;
  {
    auto x = open_small(directory.path());
    write_batch batch;
    batch.put(key_space::log, "l", "1");
    batch.put(key_space::state, "s", "2");
    batch.put(key_space::series, "t", "3");
    ASSERT_EQ(x->write(batch, false), store::write_result::done);
  }
  auto x = open_small(directory.path());
  EXPECT_EQ(x->get(key_space::log, "l"), "1");
  EXPECT_EQ(x->get(key_space::state, "s"), "2");
  EXPECT_EQ(x->get(key_space::series, "t"), "3");
}

TEST(RocksStoreTest, BatchesLargerThanAMemtableAreWhole) {
  temporary_directory directory;
  auto x = open_small(directory.path());
  for (int round = 0; round < 5; ++round) {
    write_batch batch;
    for (int i = 0; i < 10'000; ++i)
      batch.put(key_space::state, "key " + std::to_string(i), std::string(1000, 'v') + std::to_string(round));
    ASSERT_EQ(x->write(batch, true), store::write_result::done);
  }
  auto cursor = x->scan(key_space::state, "", "z");
  size_t count = 0;
  for (; cursor->valid(); cursor->next(), ++count)
    ASSERT_EQ(cursor->value().back(), '4');
  EXPECT_EQ(count, 10'000u);
}

TEST(RocksStoreTest, ALogThatIsCutGivesItsSpaceBack) {
  temporary_directory directory;
  auto x = open_small(directory.path());
  constexpr int rounds = 200;
  for (int round = 0; round < rounds; ++round) {
    write_batch batch;
    batch.put(key_space::log, "entry " + std::to_string(1000 + round),
              std::string(1'000'000, static_cast<char>(round)));
    batch.put(key_space::state, "applied", std::to_string(round));
    ASSERT_EQ(x->write(batch, false), store::write_result::done);
    if (round % 4 == 3) {
      ASSERT_EQ(x->checkpoint(), store::write_result::done);
      write_batch cut;
      cut.erase_range(key_space::log, "entry ", "entry " + std::to_string(1000 + round));
      ASSERT_EQ(x->write(cut, false), store::write_result::done);
    }
  }
  EXPECT_LT(x->used_bytes(), 100'000'000u) << "200 MB were written to the log";
  EXPECT_FALSE(x->get(key_space::log, "entry 1000"));
}

TEST(RocksStoreTest, AStorageErrorEndsTheProcessWithItsReason) {
  EXPECT_EXIT(storage_failed("cannot write to the log", rocksdb::Status::IOError("the disk is gone")),
              testing::ExitedWithCode(storage_failed_exit_status),
              "storage failed: cannot write to the log: IO error: the disk is gone");
}

TEST(RocksStoreTest, OnlyAFullDiskIsSurvivable) {
  EXPECT_TRUE(is_no_space(rocksdb::Status::NoSpace()));
  EXPECT_FALSE(is_no_space(rocksdb::Status::IOError()));
  EXPECT_FALSE(is_no_space(rocksdb::Status::Corruption()));
  EXPECT_FALSE(is_no_space(rocksdb::Status::OK()));
}

TEST(RocksStoreTest, StagedContentWithoutAPlanIsRemovedAtAStart) {
  temporary_directory directory;
  auto data = directory.inside("data");
  open_small(data);
  std::filesystem::create_directories(data + "/staging/7");
  overwrite(data + "/staging/7/1.sst", "a part of it");
  overwrite(data + "/staging/7/PLAN.new", "a part of it");
  open_small(data);
  EXPECT_FALSE(std::filesystem::exists(data + "/staging/7"));
}

TEST(RocksStoreTest, ADamagedPlanOrAMissingFileOfItIsRefused) {
  temporary_directory directory;
  auto data = directory.inside("data");
  open_small(data);
  std::filesystem::create_directories(data + "/staging/7");
  overwrite(data + "/staging/7/PLAN", "damaged");
  EXPECT_EQ(refusal_of(data).code, ec::internal);
  staged_plan plan;
  plan.files = {{key_space::state, "1.sst"}};
  overwrite(data + "/staging/7/PLAN", encode_plan(plan));
  auto refusal = refusal_of(data);
  EXPECT_EQ(refusal.code, ec::internal);
  EXPECT_NE(refusal.message.find("1.sst"), std::string::npos) << refusal.message;
  EXPECT_TRUE(std::filesystem::exists(data + "/staging/7/PLAN")) << "it stays for whoever repairs it";
}

} // namespace overwatch::test
