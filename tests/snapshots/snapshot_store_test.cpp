#include "runtime/snapshots/snapshot_store.hpp"

#include "runtime/snapshots/manifest.hpp"
#include "tests/snapshots/scratch.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

using namespace std::chrono_literals;

namespace overwatch::test {

class SnapshotStoreTest : public SnapshotFixture {
protected:
  SnapshotStoreTest() {
    make_directory(tree("/inside"));
    write_file(tree("/file"), "content");
    write_file(tree("/large"), std::string(1 << 20, 'x'));
  }
};

TEST_F(SnapshotStoreTest, DirectoryIsPrivate) {
  capture();
  struct stat st {};
  ASSERT_EQ(::stat(at.store().c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0700u);
}

TEST_F(SnapshotStoreTest, UnknownNamesAreNoErrors) {
  auto result = store->restore("nothing", {});
  EXPECT_FALSE(result.error);
  EXPECT_FALSE(result.found);
  EXPECT_FALSE(store->drop("nothing"));
  EXPECT_FALSE(store->keep("nothing", now()));
  EXPECT_EQ(store->describe("nothing", 10).error.code, ec::not_found);
  EXPECT_TRUE(store->list("").empty());
}

TEST_F(SnapshotStoreTest, NamesCannotLeaveTheStore) {
  for (const auto* name : {"", "..", "a/b", "../data", "A", "a.partial"}) {
    EXPECT_EQ(store->capture(name, {{tree()}, {}}, {}).error.code, ec::invalid) << name;
    EXPECT_EQ(store->restore(name, {}).error.code, ec::invalid) << name;
    EXPECT_EQ(store->drop(name).code, ec::invalid) << name;
  }
  EXPECT_TRUE(exists(tree("/file")));
}

TEST_F(SnapshotStoreTest, SecondCaptureUnderANameKeepsTheFirst) {
  auto first = capture();
  auto before = image_of(tree());
  write_file(tree("/file"), "changed since");
  auto second = capture();
  EXPECT_EQ(second.entries, first.entries);
  EXPECT_EQ(second.bytes, first.bytes);
  restore();
  EXPECT_EQ(difference(before, image_of(tree())), "");
}

TEST_F(SnapshotStoreTest, HookStateComesBack) {
  ASSERT_FALSE(store->capture("hook", {{}, std::string{"a\0b", 3}}, {}).error);
  EXPECT_EQ(restore("hook").hook_state, (std::string{"a\0b", 3}));
  EXPECT_TRUE(store->describe("hook", 10).hook_state);
  capture();
  EXPECT_FALSE(restore().hook_state.has_value());
}

TEST_F(SnapshotStoreTest, DescriptionIsBounded) {
  auto result = capture();
  EXPECT_EQ(result.entries, 4u);
  EXPECT_EQ(result.bytes, (1u << 20) + 7);
  auto all = store->describe("one", 100);
  EXPECT_FALSE(all.truncated);
  EXPECT_EQ(all.total_entries, 4u);
  EXPECT_EQ(all.total_bytes, result.bytes);
  ASSERT_EQ(all.entries.size(), 4u);
  EXPECT_EQ(all.entries[0].path, tree());
  EXPECT_EQ(all.entries[0].kind, captured_kind::directory);
  EXPECT_EQ(all.entries[1].path, tree("/file"));
  EXPECT_EQ(all.entries[1].kind, captured_kind::file);
  EXPECT_EQ(all.entries[1].size, 7u);
  EXPECT_EQ(name_of(all.entries[1].kind), "file");
  auto some = store->describe("one", 2);
  EXPECT_TRUE(some.truncated);
  EXPECT_EQ(some.entries.size(), 2u);
  EXPECT_EQ(some.total_entries, 4u);
}

TEST_F(SnapshotStoreTest, KeptUntilIsRemembered) {
  capture("a", {tree()});
  capture("b", {tree()});
  timestamp until{1234567890123456us};
  EXPECT_FALSE(store->keep("b", until));
  reopen(at.options());
  auto list = store->list("");
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].name, "a");
  EXPECT_FALSE(list[0].keep_until.has_value());
  EXPECT_EQ(list[1].name, "b");
  EXPECT_EQ(list[1].keep_until, until);
  EXPECT_FALSE(store->drop("b"));
  EXPECT_EQ(store->list("").size(), 1u);
  EXPECT_FALSE(exists(at.store() + "/b"));
}

TEST_F(SnapshotStoreTest, LeftoversAreRemovedAndDoNotCount) {
  capture();
  make_directory(at.store() + "/two.partial");
  write_file(at.store() + "/two.partial/pack", "half");
  make_directory(at.store() + "/three.dropped/x");
  EXPECT_EQ(store->list("").size(), 1u);
  EXPECT_FALSE(store->restore("two", {}).found);
  EXPECT_FALSE(store->remove_leftovers());
  EXPECT_FALSE(exists(at.store() + "/two.partial"));
  EXPECT_FALSE(exists(at.store() + "/three.dropped"));
  EXPECT_EQ(store->list("").size(), 1u);
}

TEST_F(SnapshotStoreTest, LeftoverOfTheSameNameIsReplaced) {
  make_directory(at.store() + "/one.partial");
  write_file(at.store() + "/one.partial/pack", "half of an older capture");
  auto before = image_of(tree());
  capture();
  write_file(tree("/file"), "changed");
  restore();
  EXPECT_EQ(difference(before, image_of(tree())), "");
}

TEST_F(SnapshotStoreTest, CaptureThatIsToldToStopLeavesNothing) {
  for (int allowed = 0; allowed < 9; ++allowed) {
    auto left = allowed;
    auto result = store->capture("one", {{tree()}, {}}, [&] { return --left < 0; });
    ASSERT_EQ(result.error.code, ec::unavailable) << allowed;
    EXPECT_TRUE(result.retryable);
    EXPECT_TRUE(store->list("").empty());
    EXPECT_FALSE(exists(at.store() + "/one.partial"));
  }
}

TEST_F(SnapshotStoreTest, RestoreThatIsToldToStopCanGoOn) {
  auto before = image_of(tree());
  capture();
  remove_all(tree());
  auto left = 3;
  EXPECT_EQ(store->restore("one", [&] { return --left < 0; }).error.code, ec::unavailable);
  EXPECT_NE(difference(before, image_of(tree())), "");
  restore();
  EXPECT_EQ(difference(before, image_of(tree())), "");
}

TEST_F(SnapshotStoreTest, FileThatKeepsChangingIsRefused) {
  uint64_t round = 0;
  auto result = store->capture("one", {{tree("/large")}, {}}, [&] { // asked between the looks of a capture
    write_file(tree("/large"), std::string((1 << 20) + ++round, 'y'));
    return false;
  });
  EXPECT_EQ(result.error.code, ec::conflict);
  EXPECT_TRUE(result.retryable);
  EXPECT_NE(result.error.message.find("kept changing"), std::string::npos) << result.error.message;
  EXPECT_TRUE(store->list("").empty());
}

TEST_F(SnapshotStoreTest, FileThatChangesOnceIsCapturedAsItIsThen) {
  auto asked = 0;
  auto result = store->capture("one", {{tree("/large")}, {}}, [&] {
    if (++asked == 3) // after the scan, while it is copied
      write_file(tree("/large"), std::string((1 << 20) + 5, 'y'));
    return false;
  });
  EXPECT_EQ(result.error.message, "");
  EXPECT_GE(asked, 3);
  auto before = image_of(tree("/large"));
  write_file(tree("/large"), "x");
  restore();
  EXPECT_EQ(difference(before, image_of(tree("/large"))), "");
}

TEST_F(SnapshotStoreTest, FileThatAppearsMeanwhileIsCapturedToo) {
  auto asked = 0;
  auto result = store->capture("one", {{tree()}, {}}, [&] {
    if (++asked == 5) // four entries were scanned
      write_file(tree("/inside/late"), "x");
    return false;
  });
  EXPECT_EQ(result.error.message, "");
  EXPECT_EQ(result.entries, 5u);
}

TEST_F(SnapshotStoreTest, OldFilesAreJudgedByTheirTimeAlone) {
  auto options = at.options();
  options.limits.recent = 1ms;
  reopen(options);
  auto written = now();
  while (now() < written + 20ms) { // the kernel's clock goes in steps of up to 10 ms
  }
  capture();
  ASSERT_EQ(::truncate((at.store() + "/one/content-3").c_str(), 0), 0);
  ASSERT_EQ(::truncate((at.store() + "/one/content-3").c_str(), 1 << 20), 0); // zeros: a look at it would see a change
  EXPECT_EQ(restore().counts.unchanged, 4u);
  EXPECT_EQ(read_file(tree("/large")), std::string(1 << 20, 'x'));
}

TEST_F(SnapshotStoreTest, RecentFilesAreJudgedByTheirContent) {
  capture();
  ASSERT_EQ(::truncate((at.store() + "/one/content-3").c_str(), 0), 0);
  ASSERT_EQ(::truncate((at.store() + "/one/content-3").c_str(), 1 << 20), 0);
  EXPECT_EQ(restore().counts.rewritten, 2u) << "the file, and the time of its directory";
}

TEST_F(SnapshotStoreTest, LostContentIsFoundBeforeAnythingIsTouched) {
  capture();
  remove_all(tree("/file"));
  write_file(tree("/new"), "x");
  ASSERT_EQ(::truncate((at.store() + "/one/content-3").c_str(), 5), 0);
  auto result = store->restore("one", {});
  EXPECT_EQ(result.error.code, ec::internal);
  EXPECT_NE(result.error.message.find("content-3"), std::string::npos) << result.error.message;
  EXPECT_TRUE(exists(tree("/new")));
}

TEST_F(SnapshotStoreTest, DamagedManifestIsFound) {
  capture();
  auto path = at.store() + "/one/manifest";
  auto bytes = read_file(path);
  bytes[bytes.size() / 2] ^= 4;
  write_file(path, bytes);
  remove_all(tree("/file"));
  auto result = store->restore("one", {});
  EXPECT_TRUE(result.found);
  EXPECT_NE(result.error.message.find("checksum"), std::string::npos) << result.error.message;
  EXPECT_FALSE(exists(tree("/file")));
}

TEST_F(SnapshotStoreTest, TemporaryFileOfACrashIsRemovedBesideAScope) {
  capture("one", {tree("/file")});
  write_file(tree("/.overwatch-restore-one-0"), "half");
  restore();
  EXPECT_FALSE(exists(tree("/.overwatch-restore-one-0")));
}

TEST_F(SnapshotStoreTest, StoreThatCannotBeMadeIsAnError) {
  write_file(at.path() + "/plain", "x");
  reopen({at.path() + "/plain/store", {at.data()}, {}});
  EXPECT_NE(refusal({tree()}).find("cannot create"), std::string::npos) << refusal({tree()});
  EXPECT_TRUE(store->list("").empty());
}

} // namespace overwatch::test
