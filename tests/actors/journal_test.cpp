#include "actors/journal.hpp"

#include "actors/keys.hpp"
#include "tests/support/deterministic_node.hpp"

#include <chrono>
#include <thread>

using namespace std::chrono_literals;

namespace overwatch::test {

namespace {

constexpr auto patience = 20s;

} // namespace

/// A journal alone; the test plays its replica and its listener.
class JournalTest : public deterministic_node {
protected:
  void start_journal() {
    handle = system_.spawn(journal, db.get(), journaling);
    spawned_.push_back(caf::actor_cast<caf::actor>(handle));
    auto own = caf::actor_cast<caf::strong_actor_ptr>(self_);
    caf::anon_send(handle, caf::join_atom::value, partition_id{0}, own);
    caf::anon_send(handle, caf::subscribe_atom::value, own);
    settle();
  }

  /// A log entry; not handled before `settle`.
  void append(uint64_t index) {
    journal_write x;
    x.sync = true;
    x.log_write = index;
    x.batch.put(key_space::log, keys::log_entry(0, index), "entry");
    caf::anon_send(handle, std::move(x));
  }

  void write_state(uint64_t flush_number, uint64_t applied) {
    journal_write x;
    x.flush_number = flush_number;
    x.applied = applied;
    x.batch.put(key_space::state, keys::meta(0), std::to_string(applied));
    caf::anon_send(handle, std::move(x));
  }

  template <class T>
  std::vector<T> received() {
    std::vector<T> result;
    auto more = true;
    while (more)
      self_->receive([&](const T& x) { result.push_back(x); }, caf::after(0s) >> [&] { more = false; });
    return result;
  }

  std::vector<uint64_t> durable() {
    std::vector<uint64_t> result;
    for (const auto& x : received<journal_done>())
      result.push_back(x.log_write);
    return result;
  }

  std::vector<disk_state> reports() {
    std::vector<disk_state> result;
    for (const auto& x : received<disk_report>())
      result.push_back(x.state);
    return result;
  }

  journal_actor handle;
};

TEST_F(JournalTest, WhatGathersIsOneWriteWithOneSync) {
  start_journal();
  for (uint64_t index = 1; index <= 50; ++index)
    append(index);
  write_state(1, 7);
  settle();
  EXPECT_EQ(db->calls().writes, 1u);
  EXPECT_EQ(db->calls().syncs, 1u);
  auto done = durable();
  ASSERT_EQ(done.size(), 51u);
  for (uint64_t i = 0; i < 50; ++i)
    EXPECT_EQ(done[i], i + 1) << "in the order in which they came";
  auto stats = ask<journal_stats>(handle, journal_stats_request{});
  EXPECT_EQ(stats.writes, 1u);
  EXPECT_EQ(stats.entries, 50u);
  EXPECT_EQ(stats.sync_seconds.total(), 1u);
}

TEST_F(JournalTest, StateAloneIsNotSynced) {
  start_journal();
  write_state(3, 9);
  settle();
  EXPECT_EQ(db->calls().writes, 1u);
  EXPECT_EQ(db->calls().syncs, 0u);
  auto done = received<journal_done>();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0].flush_number, 3u);
}

TEST_F(JournalTest, WhatNobodyWaitsForIsNotAnswered) {
  start_journal();
  journal_write lines;
  lines.batch.put(key_space::series, "line", "text");
  caf::anon_send(handle, std::move(lines));
  settle();
  EXPECT_EQ(db->calls().writes, 1u);
  EXPECT_TRUE(received<journal_done>().empty());
}

TEST_F(JournalTest, FullDiskIsWaitedForAndNothingIsAnsweredBefore) {
  start_journal();
  append(1);
  settle();
  EXPECT_EQ(durable(), std::vector<uint64_t>{1});
  db->fill_disk(true);
  append(2);
  settle();
  append(3); // comes while the write of the second one is tried again
  settle();
  for (int i = 0; i < 5; ++i)
    advance(1s);
  EXPECT_TRUE(durable().empty());
  EXPECT_GE(db->calls().refused, 5u);
  db->fill_disk(false);
  advance(1s);
  EXPECT_EQ(durable(), (std::vector<uint64_t>{2, 3}));
  auto left = db->lose_unsynced(memory_store::survival::none);
  for (uint64_t index : {1, 2, 3})
    EXPECT_TRUE(left->get(key_space::log, keys::log_entry(0, index))) << index;
  append(4);
  settle();
  EXPECT_EQ(durable(), std::vector<uint64_t>{4});
}

TEST_F(JournalTest, ListenersHearHowTheDiskIs) {
  start_journal();
  EXPECT_EQ(reports(), std::vector{disk_state::ok}) << "as it is now";
  advance(10s);
  EXPECT_TRUE(reports().empty()) << "nothing changed";
  db->fill_disk(true);
  advance(1s);
  EXPECT_EQ(reports(), std::vector{disk_state::full});
  db->fill_disk(false);
  advance(1s);
  EXPECT_EQ(reports(), std::vector{disk_state::ok});
}

TEST_F(JournalTest, WriteThatFindsNoSpaceReportsAtOnce) {
  start_journal();
  reports();
  db->fill_disk(true);
  append(1);
  settle();
  EXPECT_EQ(reports(), std::vector{disk_state::full});
  db->fill_disk(false);
  advance(1s);
  EXPECT_EQ(reports(), std::vector{disk_state::ok});
}

TEST_F(JournalTest, DiskBelowItsMinimumIsLow) {
  journaling.min_free_bytes = db->free_bytes() + 1;
  start_journal();
  EXPECT_EQ(reports(), std::vector{disk_state::low});
  append(1);
  settle();
  EXPECT_EQ(durable(), std::vector<uint64_t>{1}) << "what runs may go on";
  EXPECT_EQ(judge_disk(100, 100), disk_state::ok);
  EXPECT_EQ(judge_disk(99, 100), disk_state::low);
  EXPECT_EQ(judge_disk(25, 100), disk_state::low);
  EXPECT_EQ(judge_disk(24, 100), disk_state::full);
}

TEST_F(JournalTest, CheckpointTellsThePositionOfTheStateThatItHas) {
  start_journal();
  append(8);
  write_state(1, 8);
  settle();
  caf::anon_send(handle, checkpoint_request{0});
  settle();
  std::vector<checkpoint_done> done; // it runs on a thread of its own
  for (auto until = std::chrono::steady_clock::now() + patience;
       done.empty() && std::chrono::steady_clock::now() < until;) {
    std::this_thread::yield();
    settle();
    done = received<checkpoint_done>();
  }
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0].applied, 8u);
  EXPECT_EQ(db->calls().checkpoints, 1u);
  EXPECT_TRUE(db->lose_unsynced(memory_store::survival::none)->get(key_space::state, keys::meta(0)));
}

TEST_F(JournalTest, CheckpointThatFindsNoSpaceTellsNothing) {
  start_journal();
  write_state(1, 8);
  settle();
  db->fill_disk(true);
  caf::anon_send(handle, checkpoint_request{0});
  settle();
  for (auto until = std::chrono::steady_clock::now() + patience;
       db->calls().refused == 0 && std::chrono::steady_clock::now() < until;)
    std::this_thread::yield();
  EXPECT_EQ(db->calls().refused, 1u);
  settle();
  EXPECT_TRUE(received<checkpoint_done>().empty());
}

} // namespace overwatch::test
