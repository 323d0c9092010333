#include "messages/codec.hpp"
#include "messages/gate.hpp"
#include "tests/actors/played_events.hpp"

#include <caf/event_based_actor.hpp>
#include <gmock/gmock.h>

using namespace std::chrono_literals;

namespace overwatch::test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// The hubs of several nodes, and several partitions.
class EventHubPeersTest : public deterministic_node {
protected:
  event_hub_actor start_hub(const std::string& node) {
    event_hub_options options = settings;
    options.node = node;
    auto hub = system_.spawn(event_hub, options);
    spawned_.push_back(caf::actor_cast<caf::actor>(hub));
    hubs[node] = hub;
    for (partition_id partition : {0, 1})
      caf::anon_send(hub, applied_position{partition, 10});
    settle();
    return hub;
  }

  void report(const std::string& to, const std::string& node, bool up = true) {
    peer_report x;
    x.node = node;
    x.up = up;
    x.handles.event_hub = caf::actor_cast<caf::strong_actor_ptr>(hubs.at(node));
    caf::anon_send(hubs.at(to), x);
    settle();
  }

  /// `a`, where both partitions lead, and `b`, which see each other.
  void start_two() {
    start_hub("a");
    start_hub("b");
    report("a", "b");
    report("b", "a");
  }

  void add(const std::string& node, partition_id partition, uint64_t index, change_kind kind = change_kind::created) {
    caf::anon_send(hubs.at(node), applied_ptr{entry_of(partition, index, {change_of(index, kind)})});
    settle();
  }

  void live(const std::string& node, const std::string& message, partition_id partition = 0, int64_t seconds = 5'000) {
    caf::anon_send(hubs.at(node), live_events{partition, {progress_of(message, std::chrono::seconds{seconds})}});
    settle();
  }

  event_batch read(const std::string& node, const event_request& x) { return ask<event_batch>(hubs.at(node), x); }
  event_batch read(const std::string& node, const std::string& after) { return read(node, events_after(after)); }

  /// A reader that waits; nothing in there until it is answered.
  std::shared_ptr<std::optional<event_batch>> wait_for_events(const std::string& node, const std::string& after,
                                                              std::chrono::seconds wait) {
    auto answer = std::make_shared<std::optional<event_batch>>();
    auto request = events_after(after);
    request.wait = wait;
    system_.spawn([=, hub = hubs.at(node)](caf::event_based_actor* reader) {
      reader->request(hub, wait + 10s, request)
        .then([=](event_batch& batch) { *answer = std::move(batch); },
              [](const caf::error& error) { ADD_FAILURE() << describe(error).message; });
    });
    settle();
    return answer;
  }

  void interest(const std::string& from, const std::string& to) {
    caf::anon_send(hubs.at(to), live_interest{from});
    settle();
  }

  event_hub_options settings;
  std::map<std::string, event_hub_actor> hubs;
};

// -- several partitions --------------------------------------------------------

TEST_F(EventHubPeersTest, PartitionsAreShownInTheOrderOfArrival) {
  start_hub("a");
  add("a", 1, 11);
  add("a", 0, 11);
  add("a", 1, 12);
  auto batch = read("a", "0.10.0-1.10.0");
  EXPECT_THAT(cursors(batch), ElementsAre("gap 0.10.4294967295", "gap 1.10.4294967295", "1.11.0", "0.11.0", "1.12.0"))
    << "of entry 10 it may have missed some";
  EXPECT_EQ(to_string(batch.next), "0.11.0-1.12.0");
  EXPECT_THAT(cursors(read("a", "0.10.4294967295-1.11.0")), ElementsAre("0.11.0", "1.12.0"));
}

TEST_F(EventHubPeersTest, PartitionThatIsNotNamedStartsNow) {
  start_hub("a");
  add("a", 0, 11);
  add("a", 1, 11);
  auto batch = read("a", "0.10.4294967295");
  EXPECT_THAT(cursors(batch), ElementsAre("0.11.0"));
  EXPECT_EQ(to_string(batch.from), "0.10.4294967295-1.11.0");
  EXPECT_EQ(to_string(batch.next), "0.11.0-1.11.0");
  add("a", 1, 12);
  EXPECT_THAT(cursors(read("a", to_string(batch.next))), ElementsAre("1.12.0"));
}

TEST_F(EventHubPeersTest, GapIsToldOfThePartitionsThatHaveIt) {
  settings.max_events = 4;
  start_hub("a");
  add("a", 1, 11);
  for (uint64_t index = 11; index <= 14; ++index)
    add("a", 0, index);
  EXPECT_THAT(cursors(read("a", "0.10.4294967295-1.10.4294967295")),
              ElementsAre("gap 1.11.0", "0.11.0", "0.12.0", "0.13.0", "0.14.0"));
  EXPECT_THAT(cursors(read("a", "0.12.0-1.11.0")), ElementsAre("0.13.0", "0.14.0"));
}

TEST_F(EventHubPeersTest, GapsAreToldOnceWithASmallLimit) {
  settings.max_events = 2;
  start_hub("a");
  for (uint64_t index = 11; index <= 13; ++index)
    for (partition_id partition : {0, 1})
      add("a", partition, index);
  std::vector<std::string> seen;
  auto request = events_after("0.11.0-1.10.4294967295", 1);
  for (auto batch = read("a", request); !batch.events.empty(); batch = read("a", request)) {
    ASSERT_THAT(batch.events, SizeIs(1));
    EXPECT_EQ(batch.from, *request.after);
    seen.push_back(cursors(batch).front());
    request.after = batch.next;
  }
  EXPECT_THAT(seen, ElementsAre("gap 0.12.0", "gap 1.12.0", "0.13.0", "1.13.0"));
}

TEST_F(EventHubPeersTest, ReaderGoesOnAtANodeThatHasSeenThemInAnotherOrder) {
  start_two();
  add("a", 0, 11);
  add("a", 1, 11);
  add("a", 0, 12);
  add("b", 1, 11);
  add("b", 1, 12);
  add("b", 0, 11);
  auto batch = read("a", events_after("0.10.4294967295-1.10.4294967295", 1));
  EXPECT_THAT(cursors(batch), ElementsAre("0.11.0"));
  batch = read("b", to_string(batch.next));
  EXPECT_THAT(cursors(batch), ElementsAre("1.11.0", "1.12.0"));
  EXPECT_THAT(cursors(read("a", to_string(batch.next))), ElementsAre("0.12.0"));
}

TEST_F(EventHubPeersTest, WaitingReaderHearsOfAPartitionThatBeginsLater) {
  start_hub("a");
  auto answer = wait_for_events("a", "0.10.4294967295-1.10.4294967295", 10s);
  caf::anon_send(hubs["a"], applied_position{2, 3});
  settle();
  EXPECT_FALSE(*answer);
  add("a", 2, 4);
  ASSERT_TRUE(*answer);
  EXPECT_THAT(cursors(**answer), ElementsAre("2.4.0"));
  EXPECT_EQ(to_string((*answer)->from), "0.10.4294967295-1.10.4294967295-2.3.4294967295");
}

TEST_F(EventHubPeersTest, CopiesOfGatesAndSettingsAreNotTold) {
  start_hub("a");
  auto copy = entry_of(1, 11, {});
  copy->settings = {{"dispatch", "stopped"}};
  gate_record gate;
  gate.open = false;
  copy->documents = {{document_kind::gate, "deploy", 11, std::make_shared<const std::string>(encode(gate))}};
  caf::anon_send(hubs["a"], applied_ptr{copy});
  settle();
  EXPECT_THAT(read("a", "0.10.4294967295-1.10.4294967295").events, IsEmpty());
  auto original = std::make_shared<applied_entry>(*copy);
  original->partition = control_partition;
  caf::anon_send(hubs["a"], applied_ptr{original});
  settle();
  EXPECT_THAT(read("a", "0.10.4294967295-1.10.4294967295").events, SizeIs(2));
}

TEST_F(EventHubPeersTest, PositionThatDoesNotAscendIsRefused) {
  start_hub("a");
  event_request x;
  x.after = event_position{{{1, 10, 0}, {0, 10, 0}}};
  failure fault;
  ask<event_batch>(hubs["a"], x, &fault);
  EXPECT_EQ(fault.code, ec::invalid);
  EXPECT_EQ(fault.field, "/after");
}

TEST_F(EventHubPeersTest, EndOfAWaitMovesThePositionBehindEntriesWithoutEvents) {
  start_hub("a");
  auto answer = wait_for_events("a", "0.10.4294967295-1.10.4294967295", 1s);
  caf::anon_send(hubs["a"], applied_ptr{entry_of(1, 15, {})});
  for (int i = 0; i < 15; ++i)
    advance(100ms);
  ASSERT_TRUE(*answer);
  EXPECT_EQ(to_string((*answer)->next), "0.10.4294967295-1.15.4294967295");
}

// -- events that are not in the log --------------------------------------------

TEST_F(EventHubPeersTest, LiveEventsReachTheNodeThatHasReaders) {
  start_two();
  auto position = to_string(read("b", event_request{}).next);
  live("a", "one");
  live("a", "two", 1);
  EXPECT_THAT(read("b", position).events, IsEmpty()) << "they are gathered";
  advance(100ms);
  auto batch = read("b", position);
  EXPECT_THAT(messages(batch), ElementsAre("one", "two"));
  EXPECT_THAT(cursors(batch), ElementsAre("0.10.5000000000", "1.10.5000000000"));
  EXPECT_THAT(cursors(read("a", position)), ElementsAre("0.10.5000000000", "1.10.5000000000")) << "the same on both";
}

TEST_F(EventHubPeersTest, NodeWithoutReadersGetsNothing) {
  start_two();
  live("a", "one");
  advance(100ms);
  EXPECT_THAT(read("b", "0.10.4294967295-1.10.4294967295").events, IsEmpty());
  for (int i = 0; i < 5; ++i)
    advance(1s); // the reader did not come back
  live("a", "two");
  advance(100ms);
  EXPECT_THAT(read("b", "0.10.4294967295-1.10.4294967295").events, IsEmpty());
}

TEST_F(EventHubPeersTest, ReadersOfOtherKindsDoNotCount) {
  start_two();
  event_request x;
  x.kinds = {event_kind::task_failed};
  read("b", x);
  live("a", "one");
  advance(100ms);
  EXPECT_THAT(read("b", "0.10.4294967295-1.10.4294967295").events, IsEmpty());
}

TEST_F(EventHubPeersTest, InterestIsSaidAgainWhileAReaderWaits) {
  start_two();
  auto answer = wait_for_events("b", "0.10.4294967295-1.10.4294967295", 30s);
  for (int i = 0; i < 20; ++i)
    advance(1s);
  live("a", "late");
  advance(100ms);
  ASSERT_TRUE(*answer);
  EXPECT_THAT(messages(**answer), ElementsAre("late"));
}

TEST_F(EventHubPeersTest, PeerThatComesLaterIsAskedAtOnce) {
  start_hub("a");
  start_hub("b");
  auto position = to_string(read("b", event_request{}).next);
  report("a", "b");
  report("b", "a");
  live("a", "one");
  advance(100ms);
  EXPECT_THAT(messages(read("b", position)), ElementsAre("one"));
}

TEST_F(EventHubPeersTest, WhatCameFromAPeerIsNotPassedOn) {
  for (const auto* node : {"a", "b", "c"})
    start_hub(node);
  for (const auto* to : {"a", "b", "c"})
    for (const auto* node : {"a", "b", "c"})
      if (to != std::string{node})
        report(to, node);
  for (const auto* node : {"a", "b", "c"})
    read(node, event_request{});
  live("a", "one");
  for (int i = 0; i < 5; ++i)
    advance(100ms);
  for (const auto* node : {"a", "b", "c"})
    EXPECT_THAT(messages(read(node, "0.10.4294967295-1.10.4294967295")), ElementsAre("one")) << node;
}

TEST_F(EventHubPeersTest, TooManyAreDroppedAndCounted) {
  settings.max_gathered_events = 1; // each goes out at once
  settings.max_batches = 2;
  start_two();
  auto position = to_string(read("b", event_request{}).next);
  for (int i = 1; i <= 5; ++i)
    live("a", std::to_string(i));
  EXPECT_THAT(messages(read("b", position)), ElementsAre("1", "2"));
  EXPECT_THAT(messages(read("a", position)), SizeIs(5)) << "readers there see them all";
  interest("b", "a");
  live("a", "6");
  EXPECT_THAT(messages(read("b", position)), ElementsAre("1", "2", "6"));
}

TEST_F(EventHubPeersTest, NodeThatIsAwayIsForgotten) {
  start_two();
  auto position = to_string(read("b", event_request{}).next);
  report("a", "b", false);
  live("a", "one");
  advance(100ms);
  EXPECT_THAT(read("b", position).events, IsEmpty());
  interest("b", "a");
  live("a", "two");
  advance(100ms);
  EXPECT_THAT(read("b", position).events, IsEmpty()) << "its handle comes from hello only";
}

// The index of a live event is that of the node where it is shown, its number the same everywhere.
TEST_F(EventHubPeersTest, ReaderThatChangesNodesGoesOnWithProgress) {
  start_two();
  auto position = to_string(read("b", event_request{}).next);
  for (int i = 0; i < 3; ++i)
    live("a", "old " + std::to_string(i), 0, 5'000 + i);
  advance(100ms);
  auto batch = read("a", events_after(position, 2));
  EXPECT_THAT(messages(batch), ElementsAre("old 0", "old 1"));
  live("a", "new", 0, 5'010);
  advance(100ms);
  EXPECT_THAT(messages(read("b", to_string(batch.next))), ElementsAre("old 2", "new"));
}

TEST_F(EventHubPeersTest, LiveEventsNeverHideEventsOfTheLog) {
  start_two();
  read("b", event_request{});
  add("a", 0, 11);
  live("a", "progress"); // the other node is not there yet
  advance(100ms);
  auto batch = read("a", "0.10.4294967295-1.10.4294967295");
  EXPECT_THAT(cursors(batch), ElementsAre("0.11.0", "0.11.5000000000"));
  add("b", 0, 11);
  add("b", 0, 12);
  EXPECT_THAT(cursors(read("b", to_string(batch.next))), ElementsAre("0.12.0"));
  auto other = read("b", "0.10.4294967295-1.10.4294967295");
  EXPECT_THAT(cursors(other), ElementsAre("0.10.5000000000", "0.11.0", "0.12.0"));
}

} // namespace overwatch::test
