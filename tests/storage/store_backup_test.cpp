#include "runtime/storage/store_backup.hpp"

#include "runtime/storage/backup_record.hpp"
#include "tests/storage/killed_writer.hpp"
#include "tests/storage/temporary_directory.hpp"
#include "tests/storage/written_entries.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace fs = std::filesystem;

namespace overwatch::test {

using testing::HasSubstr;

namespace {

class StoreBackupTest : public testing::Test {
protected:
  std::string data() const { return directory_.inside("data"); }
  std::string backups() const { return directory_.inside("backups"); }
  std::string restored() const { return directory_.inside("restored"); }

  store_backup create(rocks_store& x) {
    auto made = create_store_backup(x, backups(), "a node", {});
    EXPECT_TRUE(made) << describe(made.error()).message;
    return made ? *made : store_backup{};
  }

  std::unique_ptr<rocks_store> restore(std::optional<uint32_t> id = {}) {
    auto done = restore_store_backup(backups(), id, restored(), {});
    EXPECT_TRUE(done) << describe(done.error()).message;
    return done ? open_small(restored()) : nullptr;
  }

  failure restore_refused(const std::string& target) {
    auto done = restore_store_backup(backups(), {}, target, {});
    EXPECT_FALSE(done);
    return done ? failure{} : describe(done.error());
  }

  /// Damage of each backup; empty texts for good ones.
  std::map<uint32_t, std::string> verify() {
    std::map<uint32_t, std::string> result;
    auto verified = verify_store_backups(backups(), {}, {});
    EXPECT_TRUE(verified) << describe(verified.error()).message;
    if (verified)
      for (const auto& x : *verified)
        result[x.id] = x.damage;
    return result;
  }

  static void fill(rocks_store& x, int first, int last) {
    for (int i = first; i < last; ++i)
      ASSERT_EQ(x.write(entry(i), true), store::write_result::done);
  }

  temporary_directory directory_;
};

int applied_in(const store& x) {
  auto applied = x.get(key_space::state, "applied");
  return applied ? std::stoi(*applied) : -1;
}

/// What a node does after a crash: the entries that the state lacks are there to be applied again, and none is ahead.
void expect_one_moment(const store& x, int at_least) {
  auto position = applied_in(x);
  int entries = 0;
  while (x.get(key_space::log, entry_key(entries)))
    ++entries;
  EXPECT_GE(entries, at_least);
  EXPECT_LT(position, entries) << "the state is ahead of the log";
  for (int key = 0; key < keys_per_entry; ++key) {
    auto value = x.get(key_space::state, state_key(key));
    EXPECT_EQ(value ? std::stoi(*value) : -1, position) << "key " << key;
  }
}

} // namespace

TEST(BackupRecordTest, IsReadAsItWasWrittenAndDamageIsSeen) {
  backup_record x;
  x.backup = {7, timestamp{std::chrono::microseconds{1'795'000'000'123'456}}, "node one", 1000, 5, 100, 2};
  x.store_format = 1;
  x.list_checksum = 4'000'000'000;
  x.files = {{"node.keys of mine", 12, 34}};
  auto text = to_text(x);
  auto read = parse_record(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(to_text(*read), text);
  EXPECT_EQ(read->backup.node, "node one");
  EXPECT_EQ(read->files.at(0).name, "node.keys of mine");
  for (size_t i = 0; i < text.size(); ++i) {
    auto damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 4);
    EXPECT_FALSE(parse_record(damaged)) << i;
  }
}

TEST_F(StoreBackupTest, IsRestoredIntoAnEmptyDirectory) {
  {
    auto x = open_small(data());
    fill(*x, 0, 50);
    overwrite(fs::path{data()} / "node.keys", "secret");
    overwrite(fs::path{data()} / "node.log", "not needed");
    auto made = create(*x);
    EXPECT_EQ(made.id, 1u);
    EXPECT_EQ(made.node, "a node");
    EXPECT_GT(made.bytes, 50u * 20'000);
    fill(*x, 50, 60);
  }
  auto x = restore();
  ASSERT_TRUE(x);
  expect_one_moment(*x, 50);
  EXPECT_FALSE(x->get(key_space::log, entry_key(50)));
  EXPECT_TRUE(fs::exists(fs::path{restored()} / "node.keys"));
  EXPECT_FALSE(fs::exists(fs::path{restored()} / "node.log"));
  EXPECT_EQ(fs::status(restored()).permissions(), fs::perms::owner_all);
  EXPECT_EQ(x->write(entry(50), true), store::write_result::done);
}

TEST_F(StoreBackupTest, ASecondOneStoresOnlyWhatIsNew) {
  auto x = open_small(data());
  fill(*x, 0, 400);
  ASSERT_EQ(x->compact([] { return false; }, [](const char*, double) {}), rocks_store::compaction::done);
  auto first = create(*x);
  fill(*x, 400, 402);
  auto second = create(*x);
  EXPECT_EQ(second.id, 2u);
  EXPECT_LT(second.new_bytes, first.new_bytes / 4);
  EXPECT_GT(second.bytes, first.bytes * 3 / 4);
  x.reset();
  auto old = restore(1);
  EXPECT_FALSE(old->get(key_space::log, entry_key(400)));
  old.reset();
  fs::remove_all(restored());
  EXPECT_TRUE(restore(2)->get(key_space::log, entry_key(401)));
}

// What a backup is told to contain is looked up while nothing is written; without that, the files of one moment could
// meet the log of a later one.
TEST_F(StoreBackupTest, NothingIsWrittenWhileTheStoreStandsStill) {
  auto x = open_small(data());
  std::thread writer;
  x->hold_still([&] {
    std::atomic<bool> begun{false};
    writer = std::thread{[&] {
      begun = true;
      fill(*x, 0, 1);
    }};
    while (!begun)
      std::this_thread::yield();
    for (int looks = 0; looks < 20'000; ++looks)
      ASSERT_FALSE(x->get(key_space::log, entry_key(0)));
  });
  writer.join();
  EXPECT_TRUE(x->get(key_space::log, entry_key(0)));
}

// Writes and checkpoints go on as a node does them, the log being cut after each; backups are taken all the while.
TEST_F(StoreBackupTest, OneOfABusyStoreIsOneOfItsMoments) {
  auto x = open_small(data());
  std::atomic<bool> done{false};
  std::atomic<int> acknowledged{-1};
  std::thread writer{[&] {
    for (int i = 0; !done; ++i) {
      ASSERT_EQ(x->write(entry(i), true), store::write_result::done);
      acknowledged = i;
    }
  }};
  std::thread cutter{[&] {
    while (!done) {
      int safe = applied_in(*x);
      ASSERT_EQ(x->checkpoint(), store::write_result::done);
      write_batch cut;
      cut.erase_range(key_space::log, entry_key(0), entry_key(std::max(safe, 0)));
      ASSERT_EQ(x->write(cut, false), store::write_result::done);
    }
  }};
  std::vector<int> before;
  for (int i = 0; i < 6; ++i) {
    before.push_back(acknowledged);
    create(*x);
  }
  done = true;
  writer.join();
  cutter.join();
  x.reset();
  for (uint32_t id = 1; id <= before.size(); ++id) {
    fs::remove_all(restored());
    auto y = restore(id);
    ASSERT_TRUE(y);
    // All entries behind the state up to the newest one are there, and the newest is what was acknowledged or later.
    auto position = applied_in(*y);
    int next = position + 1;
    while (y->get(key_space::log, entry_key(next)))
      ++next;
    auto last = y->scan(key_space::log, entry_key(0), "entry 9", true);
    if (last->valid()) {
      EXPECT_LT(last->key(), entry_key(next)) << "a hole in the log of backup " << id;
    }
    EXPECT_GE(next - 1, before[id - 1]) << "acknowledged before backup " << id;
    for (int key = 0; key < keys_per_entry; ++key) {
      auto value = y->get(key_space::state, state_key(key));
      EXPECT_EQ(value ? std::stoi(*value) : -1, position);
    }
  }
}

TEST_F(StoreBackupTest, EachFlippedBitIsFound) {
  {
    auto x = open_small(data());
    overwrite(fs::path{data()} / "node.keys", "secret");
    fill(*x, 0, 5);
    create(*x);
  }
  EXPECT_EQ(verify(), (std::map<uint32_t, std::string>{{1, ""}}));
  for (const auto& [name, bytes] : files_of(backups())) {
    if (bytes.empty() || fs::path{name}.filename() == "OVERWATCH-STORE-BACKUP")
      continue; // the lock has no content, and with another mark nothing is opened
    for (size_t at : {size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
      auto damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ 1);
      overwrite(name, damaged);
      EXPECT_NE(verify()[1], "") << name << " at " << at;
    }
    overwrite(name, bytes);
  }
  EXPECT_EQ(verify()[1], "");
}

TEST_F(StoreBackupTest, ADamagedOneIsNotRestoredAndLeavesNothing) {
  {
    auto x = open_small(data());
    fill(*x, 0, 400);
    create(*x);
  }
  for (const auto& [name, bytes] : files_of(backups() + "/engine/shared_checksum")) {
    auto damaged = bytes;
    damaged[bytes.size() / 2] ^= 1;
    overwrite(name, damaged);
  }
  EXPECT_THAT(restore_refused(restored()).message, HasSubstr("nothing was restored"));
  EXPECT_FALSE(fs::exists(restored()));
  fs::create_directory(restored());
  restore_refused(restored());
  EXPECT_TRUE(fs::is_empty(restored()));
}

TEST_F(StoreBackupTest, ADirectoryWithSomethingInItIsRefusedAndStaysAsItIs) {
  {
    auto x = open_small(data());
    fill(*x, 0, 3);
    create(*x);
  }
  auto before = files_of(data());
  auto refusal = restore_refused(data());
  EXPECT_EQ(refusal.code, ec::conflict);
  EXPECT_THAT(refusal.message, HasSubstr("is not empty"));
  EXPECT_EQ(files_of(data()), before);
}

TEST_F(StoreBackupTest, ARestoreThatWasInterruptedStartsNoNodeAndIsRepeated) {
  {
    auto x = open_small(data());
    fill(*x, 0, 3);
    create(*x);
  }
  fs::create_directories(restored() + "/aside");
  overwrite(restored() + "/aside/000007.sst", "half");
  overwrite(restored() + "/RESTORE-INCOMPLETE", "");
  EXPECT_EQ(refusal_of(restored()).code, ec::invalid);
  auto x = restore();
  ASSERT_TRUE(x);
  expect_one_moment(*x, 3);
}

TEST_F(StoreBackupTest, WhoPreparesTheStoreHasItBeforeAnyNodeAndMayRefuse) {
  {
    auto x = open_small(data());
    fill(*x, 0, 3);
    create(*x);
  }
  auto refuse = [](store&) -> caf::error { return make_error(ec::conflict, "not this one"); };
  auto refused = restore_store_backup(backups(), {}, restored(), {}, refuse);
  ASSERT_FALSE(refused);
  EXPECT_EQ(describe(refused.error()).message, "not this one");
  EXPECT_FALSE(fs::exists(restored()));
  auto mark = [](store& db) -> caf::error {
    write_batch batch;
    batch.put(key_space::log, "prepared", "yes");
    EXPECT_EQ(db.write(batch, true), store::write_result::done);
    return {};
  };
  ASSERT_TRUE(restore_store_backup(backups(), {}, restored(), {}, mark));
  EXPECT_FALSE(fs::exists(restored() + "/aside"));
  auto x = open_small(restored());
  EXPECT_EQ(x->get(key_space::log, "prepared"), "yes");
}

TEST_F(StoreBackupTest, AfterAKillTheNextOneWorksAndTheOldOnesAreGood) {
  for (int enough : {3, 8, 20}) {
    fs::remove_all(data());
    run_and_kill_writer({data(), "backups", backups()}, enough);
    auto before = list_store_backups(backups());
    ASSERT_TRUE(before);
    auto x = open_small(data());
    auto made = create(*x);
    auto after = verify();
    EXPECT_EQ(after.size(), before->size() + 1);
    for (const auto& [id, damage] : after)
      EXPECT_EQ(damage, "") << id;
    fs::remove_all(restored());
    x.reset();
    restore(made.id);
  }
}

TEST_F(StoreBackupTest, AStopEndsEachOperationAndLeavesNothingHalf) {
  auto x = open_small(data());
  fill(*x, 0, 300);
  create(*x);
  fill(*x, 300, 600);
  backup_watch stop{[] { return true; }, {}};
  auto made = create_store_backup(*x, backups(), "a node", stop);
  ASSERT_FALSE(made);
  EXPECT_EQ(describe(made.error()).code, ec::unavailable);
  EXPECT_FALSE(verify_store_backups(backups(), {}, stop));
  auto done = restore_store_backup(backups(), {}, restored(), stop);
  ASSERT_FALSE(done);
  EXPECT_FALSE(fs::exists(restored()));
  EXPECT_EQ(verify(), (std::map<uint32_t, std::string>{{1, ""}}));
  create(*x);
  EXPECT_EQ(verify().size(), 2u);
}

TEST_F(StoreBackupTest, RemovingOneFreesWhatNoOtherNeeds) {
  auto x = open_small(data());
  fill(*x, 0, 300);
  create(*x);
  fill(*x, 0, 300); // the same keys: every old file is merged with a new one, none is only moved
  ASSERT_EQ(x->compact([] { return false; }, [](const char*, double) {}), rocks_store::compaction::done);
  create(*x);
  auto freed = remove_store_backups(backups(), {1});
  ASSERT_TRUE(freed);
  EXPECT_GT(*freed, 1'000'000u);
  EXPECT_EQ(verify(), (std::map<uint32_t, std::string>{{2, ""}}));
  EXPECT_EQ(describe(restore_store_backup(backups(), 1, restored(), {}).error()).code, ec::not_found);
  EXPECT_EQ(create(*x).id, 3u);
}

TEST_F(StoreBackupTest, AStrangeDirectoryIsRefused) {
  auto x = open_small(data());
  fs::create_directory(backups());
  overwrite(backups() + "/letters.txt", "mine");
  auto made = create_store_backup(*x, backups(), "a node", {});
  ASSERT_FALSE(made);
  EXPECT_THAT(describe(made.error()).message, HasSubstr("not one of Overwatch's"));
  EXPECT_FALSE(list_store_backups(directory_.inside("absent")));
}

} // namespace overwatch::test
