#include "tests/backup/backup_fixture.hpp"
#include "tests/snapshots/killed_call.hpp"
#include "tests/snapshots/random_tree.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <random>

/// kill -9 while a backup, a restore or a prune runs.
namespace overwatch::backup {

namespace {

constexpr uint64_t seed = 20261122;
constexpr unsigned rounds = 40;

} // namespace

class CrashTest : public BackupFixture {
protected:
  CrashTest() { content_.build(60); }

  /// Runs `body` in a child process and kills it after `delay`, unless it has ended; false then.
  static bool run_and_kill_after(const std::function<void()>& body, std::chrono::microseconds delay) {
    auto child = ::fork();
    if (child == 0) {
      try {
        body();
      } catch (...) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    sigset_t wanted;
    sigset_t before;
    ::sigemptyset(&wanted);
    ::sigaddset(&wanted, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &wanted, &before);
    struct timespec limit {
      delay.count() / 1'000'000, (delay.count() % 1'000'000) * 1000
    };
    ::sigtimedwait(&wanted, nullptr, &limit); // its end, or the time
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status);
  }

  /// How long `body` takes when it is not killed.
  static std::chrono::microseconds time_of(const std::function<void()>& body) {
    auto start = std::chrono::steady_clock::now();
    run_and_kill_after(body, std::chrono::minutes{1});
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
  }

  std::chrono::microseconds any_of(std::chrono::microseconds whole) {
    return std::chrono::microseconds{1 + static_cast<int64_t>(random_() % static_cast<uint64_t>(whole.count()))};
  }

  std::mt19937_64 random_{seed};
  test::random_tree content_{tree(), seed};
};

TEST_F(CrashTest, AKilledBackupLeavesARepositoryThatIsWhole) {
  auto body = [&] { create(); };
  create();
  write_file(tree("/large"), random_text(60'000'000, 0));
  auto whole = time_of(body);
  unsigned killed = 0;
  for (unsigned i = 1; i <= rounds; ++i) {
    write_file(tree("/large"), random_text(60'000'000, i));
    content_.damage(5);
    auto before = open(false).backups().size();
    killed += run_and_kill_after(body, any_of(whole)) ? 1 : 0;
    auto after = open(false).backups().size();
    ASSERT_LE(after, before + 1);
    ASSERT_TRUE(verify().whole()) << problems_text();
    if (i % 8 == 0) {
      create();
      ASSERT_EQ(restored_difference(), "") << "round " << i;
      prune({1, 0, 0, 0});
    }
  }
  EXPECT_GT(killed, rounds / 4) << "many kills came before the end";
}

TEST_F(CrashTest, TheNextRunUsesThePacksOfAKilledOne) {
  write_file(tree("/large"), random_text(150'000'000, 1));
  auto killed = false;
  options.progress = [&](uint64_t done, uint64_t, const std::string&) {
    if (done > 120'000'000 && !killed) // three packs are on their way
      ::kill(::getpid(), SIGKILL);
  };
  EXPECT_TRUE(run_and_kill_after([&] { create(); }, std::chrono::minutes{1}));
  options.progress = {};
  ASSERT_TRUE(open(false).backups().empty());
  auto kept = packs().size();
  ASSERT_GE(kept, 1u);
  auto second = create();
  EXPECT_LT(second.counts.new_bytes, 150'000'000 - kept * 25'000'000);
  EXPECT_TRUE(std::filesystem::is_empty(destination() + "/aside")) << "what the killed run left";
  EXPECT_EQ(restored_difference(), "");
}

TEST_F(CrashTest, AKilledPruneLosesNothingThatIsKept) {
  for (unsigned i = 0; i < rounds / 2; ++i) {
    for (unsigned j = 0; j < 3; ++j) {
      write_file(tree("/a" + std::to_string(j)), random_text(3'000'000, i * 10 + j));
      create();
    }
    auto body = [&] { prune({2, 0, 0, 0}); };
    run_and_kill_after(body, any_of(std::chrono::milliseconds{40}));
    ASSERT_GE(open(false).backups().size(), 2u);
    ASSERT_TRUE(verify().whole()) << "round " << i << "\n" << problems_text();
    if (i % 3 == 0)
      body();
  }
  prune({1, 0, 0, 0});
  EXPECT_TRUE(verify().whole()) << problems_text();
  EXPECT_EQ(restored_difference(), "");
  EXPECT_LT(bytes_in(destination() + "/packs"), 25'000'000u);
}

TEST_F(CrashTest, AKilledRestoreGoesOn) {
  write_file(tree("/large"), random_text(10'000'000, 1));
  create();
  auto expected = image_of(tree());
  auto body = [&] { restore(); };
  auto whole = time_of(body);
  for (unsigned i = 0; i < rounds / 2; ++i) {
    test::remove_all(target());
    run_and_kill_after(body, any_of(whole));
    restoring.overwrite = true; // directories that a kill left half made get their times, too
    restore();
    restoring.overwrite = false;
    ASSERT_EQ(difference(expected, image_of(restored())), "") << "round " << i;
  }
}

TEST_F(CrashTest, ARepositoryIsMadeOrNotThere) {
  test::remove_all(tree());
  make_directory(tree());
  write_file(tree("/a"), "a");
  auto body = [&] { open(); };
  auto calls = test::run_and_kill(body, test::whole_run);
  if (!calls)
    GTEST_SKIP() << "no process may be traced here";
  for (uint64_t call = 1; call <= *calls; ++call) {
    test::remove_all(destination());
    ASSERT_TRUE(test::run_and_kill(body, call).has_value());
    create();
    ASSERT_EQ(restored_difference(), "") << "call " << call;
  }
}

} // namespace overwatch::backup
