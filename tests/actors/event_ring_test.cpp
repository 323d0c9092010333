#include "actors/event_ring.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace overwatch {

namespace {

constexpr size_t plenty = 1 << 30;

event at(partition_id partition, uint64_t index, uint64_t number = 0) {
  event x;
  x.kind = event_kind::task_created;
  x.cursor = {partition, index, number};
  return x;
}

event_position position(const std::string& text) { return parse_event_position(text).value(); }

std::vector<std::string> texts(const std::vector<event_cursor>& cursors) {
  std::vector<std::string> result;
  for (const auto& x : cursors)
    result.push_back(to_string(x));
  return result;
}

} // namespace

TEST(EventRingTest, PositionIsCompletedByWhatIsNewest) {
  event_ring ring{10, plenty};
  ring.begin(0, 4);
  ring.begin(2, 0);
  ring.add(at(2, 1, 0));
  ring.add(at(2, 1, 1));
  event_position x{{{1, 7, 7}}};
  ring.complete(x);
  EXPECT_EQ(to_string(x), "0.4.4294967295-1.7.7-2.1.1");
  EXPECT_EQ(to_string(ring.newest()), "0.4.4294967295-2.1.1");
}

TEST(EventRingTest, EntryWithoutEventsMovesTheNewestPosition) {
  event_ring ring{10, plenty};
  ring.begin(0, 4);
  ring.add(at(0, 5));
  ring.pass(0, 8);
  EXPECT_EQ(to_string(ring.newest()), "0.8.4294967295");
  ring.pass(0, 3);
  EXPECT_EQ(to_string(ring.newest()), "0.8.4294967295");
}

TEST(EventRingTest, FirstUnseenIsTheOldestOfAnyNamedPartition) {
  event_ring ring{10, plenty};
  for (partition_id p : {0, 1, 2})
    ring.begin(p, 0);
  ring.add(at(0, 1)); // 0
  ring.add(at(1, 1)); // 1
  ring.add(at(2, 1)); // 2
  ring.add(at(0, 2)); // 3
  ring.add(at(1, 2)); // 4
  EXPECT_EQ(ring.first_unseen(position("0.1.0-1.1.0-2.1.0")), 3u);
  EXPECT_EQ(ring.first_unseen(position("0.2.0-1.1.0-2.1.0")), 4u);
  EXPECT_EQ(ring.first_unseen(position("0.2.0-1.2.0-2.0.9")), 2u);
  EXPECT_EQ(ring.first_unseen(position("0.2.0")), ring.end());
  EXPECT_EQ(ring.first_unseen(position("0.99.0-1.99.0-2.99.0")), ring.end()) << "further than this node";
}

TEST(EventRingTest, BoundHoldsForAllPartitionsTogether) {
  event_ring ring{10, plenty};
  for (partition_id p : {0, 1, 2, 3})
    ring.begin(p, 0);
  for (uint64_t index = 1; index <= 20; ++index)
    for (partition_id p : {0, 1, 2, 3})
      if (p < 3 || index == 1)
        ring.add(at(p, index));
  EXPECT_EQ(ring.end() - ring.first(), 10u);
  EXPECT_EQ(ring.end(), 61u);
  EXPECT_EQ(texts(ring.missed(position("0.1.0-1.17.0-2.19.0-3.1.0"))), (std::vector<std::string>{"0.17.0"}))
    << "one that is behind in this partition only has missed nothing of the others";
  EXPECT_EQ(texts(ring.missed(position("3.0.0"))), (std::vector<std::string>{"3.1.0"}));
}

TEST(EventRingTest, BytesAreBounded) {
  event_ring ring{1'000, 50'000};
  ring.begin(0, 0);
  for (uint64_t index = 1; index <= 100; ++index) {
    auto x = at(0, index);
    x.message = std::string(10'000, 'x');
    ring.add(std::move(x));
  }
  EXPECT_EQ(ring.end() - ring.first(), 4u);
}

TEST(EventRingTest, LiveNumbersAreTimesThatOnlyGrow) {
  event_ring ring{10, plenty};
  ring.begin(3, 9);
  auto live = [&](int64_t time, uint64_t number = 0) {
    event x;
    x.time = timestamp{std::chrono::microseconds{time}};
    return to_string(ring.add_live(3, std::move(x), number).cursor);
  };
  EXPECT_EQ(live(5'000'000'000), "3.9.5000000000");
  EXPECT_EQ(live(5'000'000'000), "3.9.5000000001");
  EXPECT_EQ(live(4'000'000'000), "3.9.5000000002") << "a log line that is older";
  EXPECT_EQ(live(7'000'000'000, 6'000'000'000), "3.9.6000000000") << "numbered by another node";
  ring.add(at(3, 10, 0));
  EXPECT_EQ(live(1), "3.10.6000000001") << "also behind the next entry";
}

TEST(EventRingTest, LiveEventsComeBehindAllOfTheirEntry) {
  event_ring ring{10, plenty};
  ring.begin(0, 9);
  event x;
  EXPECT_GT(ring.add_live(0, std::move(x), 0).cursor.number, last_logged_number);
}

TEST(EventRingTest, JumpOfAPartitionIsAGapForThoseBehindIt) {
  event_ring ring{10, plenty};
  ring.begin(0, 0);
  ring.begin(1, 0);
  ring.add(at(0, 1));
  ring.begin(0, 500); // the state of another member was installed
  EXPECT_EQ(texts(ring.missed(position("0.1.0-1.0.4294967295"))), (std::vector<std::string>{"0.500.4294967295"}));
  EXPECT_TRUE(ring.missed(position("0.501.0-1.0.4294967295")).empty());
  ring.add(at(0, 501));
  EXPECT_EQ(ring.first_unseen(position("0.500.4294967295")), 1u);
}

TEST(EventRingTest, PartitionThatBeginsWhereItIsHasNoGap) {
  event_ring ring{10, plenty};
  ring.begin(0, 0);
  ring.add(at(0, 1));
  ring.add(at(0, 2));
  ring.begin(0, 1);
  EXPECT_TRUE(ring.missed(position("0.1.0")).empty());
}

// Two nodes get the same entries of several partitions, each in an order of its own. A reader goes from one to the
// other at any event.
TEST(EventRingTest, ReaderThatChangesNodesSeesEverythingOnce) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 random{seed};
    event_ring nodes[2] = {{1'000, plenty}, {1'000, plenty}};
    uint64_t told[2][4] = {};
    event_position reader;
    for (partition_id p = 0; p < 4; ++p) {
      reader.advance({p, 0, last_logged_number});
      for (auto& node : nodes)
        node.begin(p, 0);
    }
    std::set<std::string> seen;
    auto read = [&](event_ring& node, size_t limit) {
      for (auto i = node.first_unseen(reader); i != node.end() && limit > 0; ++i) {
        const auto& cursor = node.at(i).cursor;
        if (!(*reader.find(cursor.partition) < cursor))
          continue;
        EXPECT_TRUE(seen.insert(to_string(cursor)).second) << to_string(cursor);
        reader.advance(cursor);
        --limit;
      }
    };
    for (int step = 0; step < 300; ++step) {
      auto n = random() % 2;
      auto p = static_cast<partition_id>(random() % 4);
      if (random() % 3 == 0) {
        read(nodes[n], random() % 8);
      } else if (told[n][p] < 30) {
        ++told[n][p];
        for (uint64_t number = 0; number < 1 + told[n][p] % 3; ++number)
          nodes[n].add(at(p, told[n][p], number));
      }
    }
    for (auto& node : nodes)
      read(node, 1'000);
    size_t all = 0;
    for (partition_id p = 0; p < 4; ++p)
      for (uint64_t index = 1; index <= std::max(told[0][p], told[1][p]); ++index)
        all += 1 + index % 3;
    EXPECT_EQ(seen.size(), all) << "seed " << seed;
  }
}

} // namespace overwatch
