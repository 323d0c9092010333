// A disk that is really full: a small tmpfs, which needs root.

#include "tests/storage/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sys/mount.h>
#include <thread>
#include <unistd.h>

namespace overwatch::test {

namespace {

constexpr size_t disk_bytes = 64 * 1024 * 1024;
constexpr std::chrono::seconds recovery_limit{30};

class FullDiskTest : public testing::Test {
protected:
  void SetUp() override {
    auto options = "size=" + std::to_string(disk_bytes);
    mounted_ = ::mount("overwatch-test", mount_point_.path().c_str(), "tmpfs", 0, options.c_str()) == 0;
    if (!mounted_)
      GTEST_SKIP() << "a tmpfs cannot be mounted here: " << std::strerror(errno);
    store_ = open_small(mount_point_.inside("data"));
  }

  void TearDown() override {
    store_.reset();
    if (mounted_) {
      EXPECT_EQ(::umount(mount_point_.path().c_str()), 0) << std::strerror(errno);
    }
  }

  /// Takes all space but `left` bytes.
  void fill_disk(uint64_t left) {
    int fd = ::open(ballast().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_GE(fd, 0);
    off_t size = ::lseek(fd, 0, SEEK_END);
    auto free = store_->free_bytes();
    if (free > left) {
      EXPECT_EQ(::posix_fallocate(fd, size, static_cast<off_t>(free - left)), 0);
    }
    ::close(fd);
  }

  void free_disk() { EXPECT_EQ(::unlink(ballast().c_str()), 0); }

  std::string ballast() const { return mount_point_.inside("ballast"); }

  temporary_directory mount_point_;
  bool mounted_ = false;
  std::unique_ptr<rocks_store> store_;
};

std::string entry_key(int number) { return "entry " + std::to_string(1'000'000 + number); }

write_batch entry(int number) {
  write_batch batch;
  batch.put(key_space::log, entry_key(number), std::string(50'000, static_cast<char>('a' + number % 26)));
  batch.put(key_space::state, "applied", std::to_string(number));
  return batch;
}

/// Repeats a write until it is done, as the journal does.
bool eventually_written(store& x, const write_batch& batch) {
  auto limit = std::chrono::steady_clock::now() + recovery_limit;
  while (x.write(batch, true) == store::write_result::no_space) {
    if (std::chrono::steady_clock::now() > limit)
      return false;
    std::this_thread::yield();
  }
  return true;
}

} // namespace

TEST_F(FullDiskTest, IsReportedLivedThroughAndLosesNothing) {
  int acknowledged = -1;
  for (; acknowledged < 20; ++acknowledged)
    ASSERT_EQ(store_->write(entry(acknowledged + 1), true), store::write_result::done);
  fill_disk(1'000'000);
  while (store_->write(entry(acknowledged + 1), true) == store::write_result::done)
    ASSERT_LT(++acknowledged, 2000) << "the disk never became full";

  for (int i = 0; i <= acknowledged; ++i)
    ASSERT_TRUE(store_->get(key_space::log, entry_key(i))) << "reads go on, entry " << i;
  EXPECT_EQ(store_->write(entry(acknowledged + 1), true), store::write_result::no_space) << "still full";
  EXPECT_EQ(store_->get(key_space::state, "applied"), std::to_string(acknowledged));

  free_disk();
  ASSERT_TRUE(eventually_written(*store_, entry(acknowledged + 1)));
  ++acknowledged;
  EXPECT_EQ(store_->get(key_space::state, "applied"), std::to_string(acknowledged));
  EXPECT_EQ(store_->checkpoint(), store::write_result::done);

  store_.reset();
  store_ = open_small(mount_point_.inside("data"));
  for (int i = 0; i <= acknowledged; ++i)
    ASSERT_TRUE(store_->get(key_space::log, entry_key(i))) << "entry " << i;
  EXPECT_EQ(store_->get(key_space::state, "applied"), std::to_string(acknowledged));
}

TEST_F(FullDiskTest, ACheckpointReportsItAndSucceedsLater) {
  write_batch batch;
  for (int i = 0; i < 100; ++i) {
    std::string value;
    for (int j = 0; j < 1500; ++j) // little to compress
      value += std::to_string((i * 1500 + j) * 2654435761U);
    batch.put(key_space::state, "key " + std::to_string(i), std::move(value));
  }
  ASSERT_EQ(store_->write(batch, false), store::write_result::done);
  fill_disk(0);
  EXPECT_EQ(store_->checkpoint(), store::write_result::no_space);
  EXPECT_TRUE(store_->get(key_space::state, "key 7")) << "reads go on";
  free_disk();
  ASSERT_TRUE(eventually_written(*store_, entry(1)));
  EXPECT_EQ(store_->checkpoint(), store::write_result::done);
  EXPECT_TRUE(store_->get(key_space::state, "key 99"));
}

TEST_F(FullDiskTest, AStoreThatEndedOnAFullDiskOpensAgainWithEverything) {
  int acknowledged = -1;
  fill_disk(3'000'000);
  while (store_->write(entry(acknowledged + 1), true) == store::write_result::done)
    ASSERT_LT(++acknowledged, 2000) << "the disk never became full";
  store_.reset();
  free_disk();
  store_ = open_small(mount_point_.inside("data"));
  for (int i = 0; i <= acknowledged; ++i)
    ASSERT_TRUE(store_->get(key_space::log, entry_key(i))) << "entry " << i;
}

TEST_F(FullDiskTest, ANewStateThatDoesNotFitChangesNothing) {
  write_batch batch;
  batch.put(key_space::state, "m1", "old");
  batch.put(key_space::state, "z", "old");
  ASSERT_EQ(store_->write(batch, true), store::write_result::done);
  auto add_all = [&](range_replacement& x, int megabytes) {
    std::string value;
    for (uint64_t i = 0; value.size() < 1'000'000; ++i) // little to compress
      value += std::to_string(i * 2654435761U);
    for (int i = 0; i < megabytes; ++i)
      if (x.add(key_space::state, "m" + std::to_string(1000 + i), value) == store::write_result::no_space)
        return store::write_result::no_space;
    return x.close();
  };
  auto free_before = store_->free_bytes();
  auto large = store_->replace({{key_space::state, "m", "n"}});
  EXPECT_EQ(add_all(*large, 200), store::write_result::no_space);
  EXPECT_LT(store_->free_bytes(), free_before / 2);
  EXPECT_EQ(store_->write(entry(1), true), store::write_result::done) << "others go on";
  large.reset();
  EXPECT_GT(store_->free_bytes(), free_before - 8'000'000) << "it gave back what it took";
  EXPECT_EQ(store_->get(key_space::state, "m1"), "old");

  auto small = store_->replace({{key_space::state, "m", "n"}});
  ASSERT_EQ(add_all(*small, 5), store::write_result::done);
  fill_disk(1'000'000);
  EXPECT_EQ(small->finish({}), store::write_result::no_space);
  EXPECT_EQ(store_->get(key_space::state, "m1"), "old");
  free_disk();
  auto limit = std::chrono::steady_clock::now() + recovery_limit;
  auto result = store::write_result::no_space;
  while (result == store::write_result::no_space && std::chrono::steady_clock::now() < limit)
    result = small->finish({});
  ASSERT_EQ(result, store::write_result::done);
  small.reset();
  store_.reset();
  store_ = open_small(mount_point_.inside("data"));
  EXPECT_EQ(store_->get(key_space::state, "m1"), std::nullopt);
  EXPECT_TRUE(store_->get(key_space::state, "m1004"));
  EXPECT_EQ(store_->get(key_space::state, "z"), "old");
}

} // namespace overwatch::test
