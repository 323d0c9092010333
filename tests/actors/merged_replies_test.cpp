#include "actors/merged_replies.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace overwatch::test {

namespace {

/// What a partition answers: the newest `limit` of its ids older than `before`.
task_page page_of(const std::vector<task_id>& newest_first, std::optional<task_id> before, uint32_t limit) {
  task_page page;
  for (const auto& id : newest_first) {
    if (before && !(id < *before))
      continue;
    if (page.tasks.size() == limit) {
      page.next = page.tasks.back().spec.id;
      return page;
    }
    task_record x;
    x.spec.id = id;
    page.tasks.push_back(std::move(x));
  }
  return page;
}

} // namespace

TEST(MergedRepliesTest, PagesOverPartitionsShowEveryTaskOnceNewestFirst) {
  std::mt19937 random{2};
  for (int round = 0; round < 100; ++round) {
    std::vector<std::vector<task_id>> partitions(1 + random() % 5);
    std::vector<task_id> all;
    for (auto count = random() % 60; count > 0; --count) {
      task_id id{count, random()};
      partitions[random() % partitions.size()].push_back(id);
      all.push_back(id);
    }
    auto limit = static_cast<uint32_t>(1 + random() % 20);
    std::vector<task_id> seen;
    std::optional<task_id> before;
    do {
      auto page = page_of(partitions[0], before, limit);
      for (size_t i = 1; i < partitions.size(); ++i)
        add_tasks(page, page_of(partitions[i], before, limit), limit);
      ASSERT_LE(page.tasks.size(), limit);
      for (const auto& x : page.tasks)
        seen.push_back(x.spec.id);
      before = page.next;
    } while (before);
    ASSERT_EQ(seen.size(), all.size());
    EXPECT_TRUE(std::equal(seen.begin(), seen.end(), all.begin()));
  }
}

TEST(MergedRepliesTest, NothingIsShownBehindASearchThatWasCutShort) {
  task_page cut;
  cut.cut_short = true;
  cut.next = task_id{5, 0};
  task_page whole = page_of({{7, 0}, {3, 0}}, {}, 10);
  add_tasks(whole, std::move(cut), 10);
  ASSERT_EQ(whole.tasks.size(), 1U);
  EXPECT_EQ(whole.tasks.front().spec.id, (task_id{7, 0}));
  EXPECT_EQ(whole.next, (task_id{5, 0}));
  EXPECT_TRUE(whole.cut_short);
}

TEST(MergedRepliesTest, CountersAddUp) {
  stats_reply all;
  all.counts = {{"a", task_status::completed, priority::normal, 2}};
  all.submitted = 2;
  all.violations["timeout"] = 1;
  stats_reply one;
  one.counts = {{"a", task_status::completed, priority::normal, 3}, {"a", task_status::failed, priority::normal, 1}};
  one.submitted = 4;
  one.violations["timeout"] = 2;
  add_stats(all, std::move(one));
  ASSERT_EQ(all.counts.size(), 2U);
  EXPECT_EQ(all.counts[0].count, 5U);
  EXPECT_EQ(all.counts[1].count, 1U);
  EXPECT_EQ(all.submitted, 6U);
  EXPECT_EQ(all.violations["timeout"], 3U);
}

TEST(MergedRepliesTest, SnapshotIsThatOfTheNodeThatCaptured) {
  snapshot_record keys; // every node has these
  keys.attempt = 2;
  auto files = keys;
  files.files.push_back({"/etc/app", {}, 1, 0});
  auto handler = keys; // a handler may capture without files
  handler.handler_state = true;
  auto older = files;
  older.attempt = 1;
  for (const auto& captured : {files, handler}) {
    auto here = captured;
    add_snapshot(here, snapshot_record{keys});
    add_snapshot(here, snapshot_record{older});
    EXPECT_EQ(here.handler_state, captured.handler_state);
    EXPECT_EQ(here.files.size(), captured.files.size());
    auto elsewhere = older;
    add_snapshot(elsewhere, snapshot_record{keys});
    add_snapshot(elsewhere, snapshot_record{captured});
    EXPECT_EQ(elsewhere.handler_state, captured.handler_state);
    EXPECT_EQ(elsewhere.files.size(), captured.files.size());
  }
}

} // namespace overwatch::test
