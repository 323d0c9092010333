#include "messages/codec.hpp"
#include "messages/gate.hpp"
#include "tests/actors/played_events.hpp"

#include <caf/event_based_actor.hpp>

using namespace std::chrono_literals;

namespace overwatch::test {

class EventHubTest : public deterministic_node {
protected:
  void start_hub(event_hub_options options = {}) {
    hub = system_.spawn(event_hub, options);
    spawned_.push_back(caf::actor_cast<caf::actor>(hub));
    settle();
  }

  void add(uint64_t index, std::vector<task_change> changes,
           std::vector<std::pair<std::string, std::string>> settings = {}) {
    auto entry = entry_of(0, index, std::move(changes));
    entry->time = time();
    entry->settings = std::move(settings);
    caf::anon_send(hub, applied_ptr{std::move(entry)});
    settle();
  }

  void add(uint64_t index) { add(index, {change_of(index, change_kind::created)}); }

  /// None: it was removed.
  void add_gate(uint64_t index, const std::optional<gate_record>& gate) {
    auto entry = entry_of(0, index, {});
    entry->documents = {{document_kind::key, "deploy", index, std::make_shared<std::string>("no gate")},
                        {document_kind::gate, "deploy", index,
                         gate ? std::make_shared<std::string>(encode(*gate)) : nullptr}};
    caf::anon_send(hub, applied_ptr{std::move(entry)});
    settle();
  }

  void add_live(const std::string& message) {
    caf::anon_send(hub, live_events{0, {progress_of(message)}});
    settle();
  }

  event_batch read(std::optional<event_position> after, uint32_t limit = 256) {
    event_request x;
    x.after = std::move(after);
    x.limit = limit;
    return ask<event_batch>(hub, x);
  }

  event_batch read(const event_cursor& after, uint32_t limit = 256) { return read(event_position{{after}}, limit); }

  /// A reader that waits; `*` of the result is its answer.
  std::shared_ptr<std::optional<event_batch>> wait_for(event_request x) {
    auto answer = std::make_shared<std::optional<event_batch>>();
    system_.spawn([=](caf::event_based_actor* reader) {
      reader->request(hub, caf::infinite, x).then([=](event_batch& batch) { *answer = std::move(batch); });
    });
    settle();
    return answer;
  }

  event_hub_actor hub;
};

TEST_F(EventHubTest, EventsComeInTheOrderOfTheLog) {
  start_hub();
  add(1);
  add(2, {change_of(2, change_kind::created), change_of(2, change_kind::started), change_of(3, change_kind::created)});
  add(3, {}, {{"dispatch", "stopped"}, {"retention", "5"}, {"dispatch", ""}});
  auto batch = read(event_cursor{0, 0, ~0ULL});
  EXPECT_EQ(kinds(batch), (std::vector{event_kind::task_created, event_kind::task_created, event_kind::task_started,
                                       event_kind::task_created, event_kind::dispatch_stopped,
                                       event_kind::dispatch_resumed}));
  for (size_t i = 0; i + 1 < batch.events.size(); ++i)
    EXPECT_LT(batch.events[i].cursor, batch.events[i + 1].cursor);
  EXPECT_EQ(batch.next, event_position{{batch.events.back().cursor}});
  EXPECT_EQ(to_string(batch.from), "0.0.18446744073709551615");
}

TEST_F(EventHubTest, GateIsToldWhenItOpensAndCloses) {
  start_hub();
  add(1);
  gate_record gate;
  gate.name = "deploy";
  auto flip = [&](bool open, const std::string& reason) {
    gate.open = open;
    gate.history.insert(gate.history.begin(), {time(), open, "ann", reason});
  };
  flip(true, "new");
  add_gate(2, gate);
  flip(false, "incident");
  add_gate(3, gate);
  gate.definition.description = "changed";
  add_gate(4, gate);
  flip(true, "over");
  add_gate(5, gate);
  flip(false, "again");
  add_gate(6, gate);
  add_gate(7, std::nullopt);
  auto batch = read(event_cursor{0, 1, 0});
  EXPECT_EQ(kinds(batch), (std::vector{event_kind::gate_closed, event_kind::gate_opened, event_kind::gate_closed,
                                       event_kind::gate_opened}));
  EXPECT_EQ(indexes(batch), (std::vector<uint64_t>{3, 5, 6, 7}));
  EXPECT_EQ(batch.events[0].message, "deploy: incident (ann)");
  EXPECT_EQ(batch.events[3].message, "deploy: removed");
  EXPECT_FALSE(batch.events[0].spec);
}

TEST_F(EventHubTest, GateThatTheHubHasNotSeenIsJudgedByItsHistory) {
  start_hub();
  add(1);
  gate_record gate;
  gate.open = false;
  gate.history = {{time(), false, "ann", "still"}, {time(), false, "ann", "before"}};
  add_gate(2, gate);
  start_hub();
  add(2);
  gate.history = {{time(), false, "ann", "now"}, {time(), true, "ann", "before"}};
  add_gate(3, gate);
  EXPECT_EQ(indexes(read(event_cursor{0, 2, 0})), std::vector<uint64_t>{3});
}

TEST_F(EventHubTest, WorkflowIsToldWhenItHasFinished) {
  start_hub();
  add(1);
  auto workflow = std::make_shared<workflow_record>();
  workflow->id = {7, 8};
  auto running = std::make_shared<workflow_record>(*workflow);
  workflow->status = workflow_status::failed;
  workflow->finished_at = time();
  auto entry = entry_of(0, 2, {});
  entry->workflows = {running, workflow};
  caf::anon_send(hub, applied_ptr{std::move(entry)});
  settle();
  auto batch = read(event_cursor{0, 1, 0});
  ASSERT_EQ(kinds(batch), std::vector{event_kind::workflow_finished});
  EXPECT_EQ(batch.events[0].message, to_string(workflow->id) + " failed");
}

TEST_F(EventHubTest, ReaderThatComesBackMissesNothingAndSeesNothingTwice) {
  start_hub();
  add(1);
  std::vector<event_cursor> seen;
  event_position position{{{0, 0, ~0ULL}}};
  for (uint64_t index = 2; index <= 40; ++index) {
    add(index, {change_of(index, change_kind::created), change_of(index, change_kind::started)});
    if (index % 3 == 0)
      add_live("half");
    if (index % 4 == 0) {
      auto batch = read(position, 3);
      for (const auto& x : batch.events)
        seen.push_back(x.cursor);
      position = batch.next;
    }
  }
  for (auto batch = read(position, 3); !batch.events.empty(); batch = read(position, 3)) {
    EXPECT_LE(batch.events.size(), 3u);
    for (const auto& x : batch.events)
      seen.push_back(x.cursor);
    position = batch.next;
  }
  auto all = read(event_cursor{0, 0, ~0ULL}, 4096);
  ASSERT_EQ(seen.size(), all.events.size());
  for (size_t i = 0; i < seen.size(); ++i)
    EXPECT_EQ(seen[i], all.events[i].cursor);
  EXPECT_EQ(seen.size(), 1u + 39 * 2 + 13);
}

TEST_F(EventHubTest, ReaderWithoutCursorStartsNow) {
  start_hub();
  add(1);
  auto batch = read(std::nullopt);
  EXPECT_TRUE(batch.events.empty());
  add(2);
  EXPECT_EQ(indexes(read(batch.next)), std::vector<uint64_t>{2});
}

TEST_F(EventHubTest, ReaderThatWasAwayForTooLongIsToldOfTheGap) {
  event_hub_options options;
  options.max_events = 10;
  start_hub(options);
  for (uint64_t index = 1; index <= 30; ++index)
    add(index);
  auto batch = read(event_cursor{0, 5, 0});
  ASSERT_EQ(batch.events.size(), 11u);
  EXPECT_EQ(batch.events[0].kind, event_kind::gap);
  EXPECT_EQ(batch.events[1].cursor.index, 21u);
  EXPECT_EQ(batch.events.back().cursor.index, 30u);
  batch = read(event_cursor{0, 20, 0}); // the last one that is gone: nothing is missing after it
  ASSERT_EQ(batch.events.size(), 10u);
  EXPECT_NE(batch.events[0].kind, event_kind::gap);
}

TEST_F(EventHubTest, GapIsToldOnce) {
  event_hub_options options;
  options.max_events = 10;
  start_hub(options);
  for (uint64_t index = 1; index <= 30; ++index)
    add(index);
  auto batch = read(event_cursor{0, 5, 0}, 1);
  ASSERT_EQ(kinds(batch), std::vector{event_kind::gap});
  batch = read(batch.next, 1);
  EXPECT_EQ(indexes(batch), std::vector<uint64_t>{21});
}

TEST_F(EventHubTest, BytesAreBoundedToo) {
  event_hub_options options;
  options.max_bytes = 100'000;
  start_hub(options);
  for (uint64_t index = 1; index <= 100; ++index) {
    auto failed = change_of(index, change_kind::ended, task_status::failed);
    failed.state.error = {violation::exception, std::string(4'000, 'x')};
    add(index, {failed});
  }
  auto batch = read(event_cursor{0, 1, 0}, 4096);
  EXPECT_EQ(batch.events.front().kind, event_kind::gap);
  EXPECT_LT(batch.events.size(), 26u);
  EXPECT_GT(batch.events.size(), 10u);
  EXPECT_EQ(batch.events.back().cursor.index, 100u);
}

TEST_F(EventHubTest, FilterByKindAndTask) {
  start_hub();
  add(1);
  for (uint64_t index = 2; index <= 9; ++index)
    add(index, {change_of(index % 2, change_kind::created), change_of(index % 2, change_kind::started)});
  event_request x;
  x.after = event_position{{{0, 1, 0}}};
  x.kinds = {event_kind::task_started};
  auto batch = ask<event_batch>(hub, x);
  EXPECT_EQ(kinds(batch), std::vector<event_kind>(8, event_kind::task_started));
  x.task = task_id{1, 1};
  batch = ask<event_batch>(hub, x);
  EXPECT_EQ(indexes(batch), (std::vector<uint64_t>{3, 5, 7, 9}));
  x.task = task_id{77, 1};
  batch = ask<event_batch>(hub, x);
  EXPECT_TRUE(batch.events.empty());
  EXPECT_EQ(batch.next.find(0)->index, 9u) << "what does not match need not be looked at again";
}

TEST_F(EventHubTest, WaitingReaderGetsTheNextEvent) {
  start_hub();
  add(1);
  event_request x;
  x.after = event_position{{{0, 1, 5}}};
  x.wait = 10s;
  x.kinds = {event_kind::task_started};
  auto answer = wait_for(x);
  EXPECT_FALSE(*answer);
  add(2);
  EXPECT_FALSE(*answer) << "of another kind";
  add(3, {change_of(3, change_kind::started)});
  ASSERT_TRUE(*answer);
  EXPECT_EQ(indexes(**answer), std::vector<uint64_t>{3});
}

TEST_F(EventHubTest, WaitEnds) {
  start_hub();
  add(1);
  event_request x;
  x.after = event_position{{{0, 1, 5}}};
  x.wait = 10s;
  auto answer = wait_for(x);
  advance(9900ms);
  EXPECT_FALSE(*answer);
  for (int i = 0; i < 3; ++i)
    advance(100ms);
  ASSERT_TRUE(*answer);
  EXPECT_TRUE((*answer)->events.empty());
  EXPECT_EQ((*answer)->next.find(0)->index, 1u);
}

TEST_F(EventHubTest, TooManyWaitingReadersAreRefused) {
  event_hub_options options;
  options.max_waiting_readers = 2;
  start_hub(options);
  add(1);
  event_request x;
  x.wait = 10s;
  auto one = wait_for(x);
  auto two = wait_for(x);
  failure fault;
  ask<event_batch>(hub, x, &fault);
  EXPECT_EQ(fault.code, ec::overloaded);
  add(2);
  EXPECT_TRUE(*one && *two);
  auto three = wait_for(x);
  add(3);
  EXPECT_TRUE(*three);
}

TEST_F(EventHubTest, HubThatWasRestartedTellsReadersThatTheyMayHaveMissedSome) {
  start_hub();
  add(1);
  add(2);
  auto before = read(event_cursor{0, 1, 0}).next;
  start_hub();
  event_request x;
  x.after = before;
  x.wait = 10s;
  auto answer = wait_for(x);
  EXPECT_FALSE(*answer);
  add(5);
  ASSERT_TRUE(*answer);
  EXPECT_EQ(kinds(**answer), (std::vector{event_kind::gap, event_kind::task_created}));
  EXPECT_TRUE(read((**answer).next).events.empty());
}

TEST_F(EventHubTest, ReaderOfAFreshNodeSeesNoGap) {
  start_hub();
  add(1, {}); // the beginning of a leadership: changes no task
  auto cursor = read(std::nullopt).next;
  add(2);
  EXPECT_EQ(kinds(read(cursor)), std::vector{event_kind::task_created});
}

TEST_F(EventHubTest, LiveEventsFollowTheNewestEntry) {
  start_hub();
  add(4);
  add_live("one");
  add_live("two");
  add(5);
  auto batch = read(event_cursor{0, 4, 0});
  ASSERT_EQ(batch.events.size(), 3u);
  EXPECT_EQ(batch.events[0].message, "one");
  EXPECT_EQ(batch.events[1].message, "two");
  EXPECT_LT(batch.events[0].cursor, batch.events[1].cursor);
  EXPECT_LT(batch.events[1].cursor, batch.events[2].cursor);
}

} // namespace overwatch::test
