#include "actors/snapshotter.hpp"
#include "actors/wire.hpp"
#include "tests/support/deterministic_node.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/event_based_actor.hpp>

using namespace std::chrono_literals;

/// What crosses between nodes arrives as it was sent.
namespace overwatch::test {

namespace {

submission full_task() {
  auto spec = std::make_shared<task_spec>();
  spec->id = {7, 9};
  spec->name = "name";
  spec->deadline = timestamp{17s};
  spec->placement = {"n", {{"disk", "ssd"}}};
  spec->resources.exclusive = {"obd2:can0"};
  spec->snapshot.files = {"/etc"};
  return {spec, std::make_shared<const std::string>("{\"a\":1}")};
}

attempt_outcome full_outcome() {
  attempt_outcome x;
  x.id = {1, 2};
  x.fence = {3, 4};
  x.kind = violation::timeout;
  x.retryable = false;
  x.requeue = true;
  x.message = "m";
  x.result = std::make_shared<const std::string>("[1]");
  x.percent = 12.5;
  x.progress = "p";
  x.started_at = timestamp{5us};
  x.execution = 77us;
  x.usage = {1.5, 2, 3, 4};
  return x;
}

} // namespace

class WireTest : public deterministic_node {
protected:
  template <class T>
  std::vector<char> bytes_of(T x) {
    std::vector<char> bytes;
    caf::binary_serializer sink{system_, bytes};
    auto error = sink(x);
    EXPECT_FALSE(error) << describe(error).message;
    return bytes;
  }

  /// What it is at the other end; it has the same bytes again.
  template <class T>
  T crossed(const T& x) {
    auto bytes = bytes_of(x);
    T result{};
    caf::binary_deserializer source{system_, bytes};
    auto error = source(result);
    EXPECT_FALSE(error) << describe(error).message;
    EXPECT_EQ(bytes_of(result), bytes);
    EXPECT_EQ(bytes.empty(), std::is_empty_v<T>);
    return result;
  }
};

TEST_F(WireTest, HelloOfANewerNodeIsReadAsFarAsItIsKnown) {
  hello sent;
  sent.protocol = protocol_version + 1;
  sent.node = "b";
  sent.member = 7;
  auto bytes = bytes_of(sent);
  bytes.insert(bytes.end(), 100, 'x'); // fields that came later
  hello x;
  caf::binary_deserializer source{system_, bytes};
  EXPECT_FALSE(source(x));
  EXPECT_EQ(x.protocol, protocol_version + 1);
  EXPECT_EQ(x.member, 7u);
}

TEST_F(WireTest, HelloHasWhatTheProtocolOfItsSenderHas) {
  hello sent;
  sent.member = 7;
  sent.roster = {{"b", "b:7000"}};
  EXPECT_EQ(crossed(sent).roster, sent.roster);
  auto bytes = bytes_of(sent);
  auto old = sent;
  old.protocol = 1;
  auto old_bytes = bytes_of(old);
  old_bytes.resize(bytes.size() - bytes_of(sent.roster).size()); // such a node does not write it
  hello x;
  caf::binary_deserializer source{system_, old_bytes};
  EXPECT_FALSE(source(x));
  EXPECT_EQ(x.member, 7u);
  EXPECT_TRUE(x.roster.empty());
}

TEST_F(WireTest, HelloThatDoesNotFitSaysWhoItIsFrom) {
  auto bytes = bytes_of(protocol_version + 7);
  for (const auto& more : {bytes_of(protocol_version + 5), bytes_of(format_version), bytes_of(std::string{"9.0"}),
                           bytes_of(std::string{"b"}), bytes_of(std::string{"b:7000"}), bytes_of(std::string{"?"})})
    bytes.insert(bytes.end(), more.begin(), more.end());
  hello x;
  caf::binary_deserializer source{system_, bytes};
  EXPECT_FALSE(source(x));
  EXPECT_EQ(x.oldest, protocol_version + 5);
  EXPECT_EQ(x.node, "b");
  EXPECT_EQ(x.member, 0u);
  EXPECT_FALSE(fits(x));
}

TEST_F(WireTest, OfferNamesWhatThePoolHolds) {
  auto x = crossed(pool_offer{"t", "n", 3, false, "p", 9, {4, 5}, {{{1, 2}, {3, 4}, true, timestamp{6us}}}, true});
  EXPECT_TRUE(x.shared);
  EXPECT_EQ(x.name, "p");
  EXPECT_FALSE(x.live);
  EXPECT_EQ(x.heard.number, 5u);
  ASSERT_EQ(x.held.size(), 1u);
  EXPECT_TRUE(x.held[0].ended);
  EXPECT_EQ(x.held[0].deadline, timestamp{6us});
  EXPECT_EQ(x.held[0].fence, (fencing_token{3, 4}));
}

TEST_F(WireTest, AssignmentCarriesTheWholeTask) {
  assignment_batch sent;
  sent.attempts.push_back({full_task(), {3, 4}, timestamp{6us}, {}});
  sent.attempts[0].parents.push_back(
    {"parent", {5, 6}, task_status::failed, std::make_shared<const std::string>("2")});
  sent.settled.push_back({{1, 2}, {3, 4}, false});
  sent.partition = 3;
  sent.mark = {8, 9};
  sent.report = true;
  sent.lease = 4s;
  sent.node_limit = 5;
  auto x = crossed(sent);
  EXPECT_EQ(x.attempts.at(0).task.spec->placement.labels.at("disk"), "ssd");
  EXPECT_EQ(*x.attempts[0].task.payload, "{\"a\":1}");
  EXPECT_EQ(*x.attempts[0].parents.at(0).result, "2");
  EXPECT_EQ(x.mark.epoch, 8u);
  EXPECT_EQ(x.lease, 4s);
  EXPECT_EQ(x.node_limit, 5u);
}

TEST_F(WireTest, SharesAndDemandArriveWhole) {
  auto share = crossed(slot_share{"n", 3, 4, 5, {{"t", "p", 6}}});
  EXPECT_EQ(share.node, "n");
  EXPECT_EQ(share.number, 3u);
  EXPECT_EQ(share.slots, 4u);
  EXPECT_EQ(share.of, 5u);
  EXPECT_EQ(share.pools.at(0).name, "p");
  EXPECT_EQ(share.pools[0].slots, 6u);
  auto demand = crossed(slot_demand{1, 2, 3, 4, {{"t", "p", 5, {6, 7}}}});
  EXPECT_EQ(demand.partition, 1u);
  EXPECT_EQ(demand.heard, 3u);
  EXPECT_EQ(demand.busy, 4u);
  EXPECT_EQ(demand.pools.at(0).demand, (std::vector<uint32_t>{6, 7}));
}

TEST_F(WireTest, OutcomesArriveWhole) {
  auto x = crossed(outcome_batch{{full_outcome()}}).outcomes.at(0);
  EXPECT_EQ(*x.result, "[1]");
  EXPECT_TRUE(x.requeue);
  EXPECT_EQ(x.execution, 77us);
  EXPECT_EQ(x.usage.written_bytes, 4u);
}

TEST_F(WireTest, SmallMessagesArriveWhole) {
  progress_batch progress{{{{1, 2}, {3, 4}, true, 50, "half", {{timestamp{1us}, log_level::error, 2, 3, "line", "{}"}}}}};
  EXPECT_EQ(crossed(progress).attempts.at(0).lines.at(0).message, "line");
  EXPECT_EQ(crossed(node_capacity{"n", 5, 1.5, 1'024, {{"a", "b"}}}).labels.at("a"), "b");
  EXPECT_EQ(crossed(stop_attempt{{1, 2}, {3, 4}, cancellation::cause::stale}).cause, cancellation::cause::stale);
  EXPECT_EQ(crossed(deadline_change{{1, 2}, {3, 4}, timestamp{9us}}).deadline, timestamp{9us});
  EXPECT_FALSE(crossed(deadline_change{{1, 2}, {3, 4}, {}}).deadline);
  EXPECT_TRUE(crossed(settled_batch{{{{1, 2}, {3, 4}, true}}}).outcomes.at(0).accepted);
  EXPECT_EQ(crossed(drain_request{7s}).limit, 7s);
  EXPECT_EQ(crossed(drain_reply{1, 2}).requeued, 2u);
}

TEST_F(WireTest, SnapshotterIsAskedFromOtherNodes) {
  EXPECT_EQ(crossed(restore_request{{1, 2}}).id, (task_id{1, 2}));
  auto reply = crossed(restore_reply{{ec::internal, "/f", "oh"}, true, {1, 2, 3, 4}});
  EXPECT_EQ(reply.error.message, "oh");
  EXPECT_EQ(reply.counts.recreated, 4u);
  EXPECT_EQ(crossed(release_snapshot{{1, 2}, timestamp{3us}}).keep_until, timestamp{3us});
  EXPECT_EQ(crossed(describe_snapshot{{1, 2}}).id.low, 2u);
  snapshot_files files;
  files.entries.push_back({"/a", captured_kind::symlink, 5, 0777});
  files.notes = {"left out"};
  EXPECT_EQ(crossed(files).entries.at(0).kind, captured_kind::symlink);
  crossed(stored_snapshots_request{});
  EXPECT_EQ(crossed(stored_snapshots{{{{1, 2}, timestamp{4us}}}}).tasks.at(0).keep_until, timestamp{4us});
}

TEST_F(WireTest, EventsReachOtherNodes) {
  EXPECT_EQ(crossed(live_interest{"b"}).node, "b");
  event x;
  x.cursor = {3, 9, 5'000'000'000};
  x.time = timestamp{5s};
  x.kind = event_kind::task_log;
  x.spec = std::make_shared<const task_spec>();
  x.message = "line";
  auto batch = crossed(live_batch{{x}, 7});
  EXPECT_EQ(batch.dropped, 7u);
  EXPECT_EQ(batch.events.at(0).cursor, x.cursor);
  EXPECT_EQ(batch.events[0].kind, event_kind::task_log);
  EXPECT_EQ(batch.events[0].message, "line");
  EXPECT_TRUE(batch.events[0].spec);
}

TEST_F(WireTest, PartitionsAskEachOther) {
  auto x = crossed(mirror_request{2, {{3, 4}, 1, {{mirrored_kind::node, "n", "value"}, {mirrored_kind::setting, "s", {}}}}});
  EXPECT_EQ(x.partition, 2u);
  EXPECT_EQ(x.news.mark, (mirror_mark{3, 4}));
  EXPECT_EQ(x.news.since, 1u);
  EXPECT_EQ(x.news.values.at(0).value, "value");
  EXPECT_FALSE(x.news.values.at(1).value);
  EXPECT_FALSE(crossed(mirror_reply{false}).complete);
  EXPECT_EQ(crossed(statuses_request{2, {{1, 2}, {3, 4}}}).ids.at(1), (task_id{3, 4}));
  auto reply = crossed(statuses_reply{{{"parent", {1, 2}, task_status::failed, std::make_shared<const std::string>("1")}}, {{5, 6}}});
  EXPECT_EQ(*reply.ended.at(0).result, "1");
  EXPECT_EQ(reply.missing.at(0), (task_id{5, 6}));
}

TEST_F(WireTest, HandlesArriveAsTheActorsThatTheyName) {
  auto actor = system_.spawn([](caf::event_based_actor*) -> caf::behavior { return {[](caf::ok_atom) {}}; });
  spawned_.push_back(actor);
  auto handle = caf::actor_cast<caf::strong_actor_ptr>(actor);
  EXPECT_EQ(crossed(snapshotter_offer{"n", handle, {"t"}}).handle, handle);
  EXPECT_FALSE(crossed(snapshotter_offer{"n", nullptr, {"t"}}).handle);
}

} // namespace overwatch::test
