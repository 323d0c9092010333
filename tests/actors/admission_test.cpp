#include "tests/actors/played_partition.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

namespace overwatch::test {

namespace {

spec_change waits_for_gate(const std::string& name) {
  return [=](task_spec& x) {
    x.required_gates = {name};
    x.on_closed_gate = gate_policy::wait;
  };
}

spec_change keyed(const std::string& name, uint32_t limit = 1) {
  return [=](task_spec& x) { x.concurrency = {name, limit}; };
}

spec_change rated(uint32_t limit, milliseconds per) {
  return [=](task_spec& x) { x.rate = {"r", limit, per}; };
}

} // namespace

class AdmissionTest : public ::testing::Test, public played_partition {};

// -- gates ---------------------------------------------------------------------

TEST_F(AdmissionTest, ClosedGateFailsTheTaskWhenItStarts) {
  apply({gate("g", false)});
  apply({submit(1, [](task_spec& x) { x.required_gates = {"g"}; })});
  EXPECT_EQ(status(1), task_status::queued);
  EXPECT_EQ(start(1).results.at(0).error.code, ec::conflict);
  EXPECT_EQ(status(1), task_status::failed);
  EXPECT_EQ(task(1).error.kind, violation::gate);
  EXPECT_EQ(task(1).fence.attempt, 0u) << "no attempt began";
  EXPECT_EQ(state->stats().violations.at("gate"), 1u);
}

TEST_F(AdmissionTest, TaskThatWaitsForAGateStartsOnceItOpens) {
  apply({gate("g", false)});
  apply({submit(1, waits_for_gate("g"))});
  EXPECT_EQ(status(1), task_status::pending);
  EXPECT_EQ(waits_for(1), "gate:g");
  EXPECT_FALSE(starts(1));
  EXPECT_THAT(state->free_reasons(), IsEmpty());
  EXPECT_THAT(apply({gate("g", true)}).freed, Contains("gate:g"));
  EXPECT_THAT(state->free_reasons(), Contains("gate:g"));
  apply({promote_command{id_of(1)}});
  EXPECT_EQ(status(1), task_status::queued);
  EXPECT_TRUE(starts(1));
}

TEST_F(AdmissionTest, GateThatClosesBeforeTheStartParksTheTaskAgain) {
  apply({submit(1, waits_for_gate("g"))});
  EXPECT_EQ(status(1), task_status::queued);
  apply({gate("g", false)});
  EXPECT_FALSE(starts(1));
  EXPECT_EQ(status(1), task_status::pending);
  EXPECT_EQ(waits_for(1), "gate:g");
  EXPECT_EQ(code(promote_command{id_of(1)}), ec::conflict);
}

TEST_F(AdmissionTest, AllGatesMustBeOpen) {
  apply({gate("a", false), gate("b", false)});
  apply({submit(1, [](task_spec& x) {
    x.required_gates = {"a", "b", "undeclared"};
    x.on_closed_gate = gate_policy::wait;
  })});
  EXPECT_EQ(waits_for(1), "gate:a");
  apply({gate("a", true), promote_command{id_of(1)}});
  EXPECT_EQ(waits_for(1), "gate:b");
  EXPECT_THAT(apply({put_command{document_kind::gate, "b", {}, {}}}).freed, Contains("gate:b"))
    << "a gate that is removed is open";
  apply({promote_command{id_of(1)}});
  EXPECT_TRUE(starts(1));
}

TEST_F(AdmissionTest, ApprovalOpensItsGateForOneTask) {
  apply({gate("four-eyes", false, gate_kind::approval)});
  apply({submit(1, waits_for_gate("four-eyes")), submit(2, waits_for_gate("four-eyes"))});
  EXPECT_EQ(code(approve_command{id_of(1), {"other", "ann", "ok", {}}}), ec::invalid);
  auto approved = apply({approve_command{id_of(1), {"four-eyes", "ann", "ok", {}}}});
  EXPECT_EQ(status(1), task_status::queued);
  EXPECT_EQ(task(1).approvals.at(0).by, "ann");
  EXPECT_EQ(task(1).approvals.at(0).time, beginning);
  EXPECT_EQ(status(2), task_status::pending);
  EXPECT_TRUE(starts(1));
  EXPECT_FALSE(starts(2));
}

TEST_F(AdmissionTest, ApprovalBeforeTheGateIsReachedCounts) {
  apply({gate("four-eyes", false, gate_kind::approval)});
  apply({submit(1, [](task_spec& x) {
    x.required_gates = {"four-eyes"};
    x.scheduled_at = beginning + 1h;
  })});
  apply({approve_command{id_of(1), {"four-eyes", "ann", "ok", {}}}});
  EXPECT_EQ(status(1), task_status::pending);
  time += 1h;
  apply({promote_command{id_of(1)}});
  EXPECT_TRUE(starts(1));
}

TEST_F(AdmissionTest, ApprovalDoesNotOpenAGateOfAnotherKind) {
  apply({gate("g", false)});
  apply({submit(1, waits_for_gate("g"))});
  apply({approve_command{id_of(1), {"g", "ann", "ok", {}}}});
  EXPECT_EQ(status(1), task_status::pending);
}

// -- names and keys ------------------------------------------------------------

TEST_F(AdmissionTest, ConcurrencyKeyLetsItsLimitRun) {
  for (uint64_t n = 1; n <= 4; ++n)
    apply({submit(n, keyed("db", 2))});
  EXPECT_TRUE(starts(1));
  EXPECT_TRUE(starts(2));
  EXPECT_FALSE(starts(3));
  EXPECT_EQ(waits_for(3), "concurrency:db");
  EXPECT_EQ(status(3), task_status::queued);
  apply({submit(5, keyed("db", 2))});
  EXPECT_EQ(waits_for(5), "concurrency:db") << "it is parked when it comes";
  EXPECT_THAT(finish(1).freed, Contains("concurrency:db"));
  apply({promote_command{id_of(3)}});
  EXPECT_TRUE(starts(3));
  EXPECT_FALSE(starts(4));
}

TEST_F(AdmissionTest, ExclusiveNameIsHeldByOneTask) {
  auto exclusive = [](std::vector<std::string> names) { return [=](task_spec& x) { x.resources.exclusive = names; }; };
  apply({submit(1, exclusive({"can0", "can1"})), submit(2, exclusive({"can1"})), submit(3, exclusive({"can2"}))});
  EXPECT_TRUE(starts(1));
  EXPECT_FALSE(starts(2));
  EXPECT_EQ(waits_for(2), "exclusive:can1");
  EXPECT_TRUE(starts(3));
  finish(1);
  apply({promote_command{id_of(2)}});
  EXPECT_TRUE(starts(2));
}

TEST_F(AdmissionTest, OverlappingSnapshotsDoNotRunTogether) {
  auto scope = [](std::string path) { return [=](task_spec& x) { x.snapshot.files = {path}; }; };
  apply({submit(1, scope("/etc/app")), submit(2, scope("/etc/app/conf.d")), submit(3, scope("/etc/apps"))});
  EXPECT_TRUE(starts(1));
  EXPECT_FALSE(starts(2));
  EXPECT_EQ(waits_for(2), "snapshot:f/etc/app/");
  EXPECT_TRUE(starts(3));
  EXPECT_THAT(finish(1).freed, Contains("snapshot:f/etc/app/"));
  apply({promote_command{id_of(2)}});
  EXPECT_TRUE(starts(2));
}

TEST_F(AdmissionTest, RetriedTaskGivesBackWhatItHeld) {
  apply({submit(1, keyed("db")), submit(2, keyed("db"))});
  starts(1);
  finish(1, violation::exception, beginning + 1h);
  EXPECT_TRUE(starts(2));
}

TEST_F(AdmissionTest, TaskThatLeavesTheQueueLetsTheNextOneTry) {
  for (uint64_t n = 1; n <= 4; ++n)
    apply({submit(n, keyed("db"))});
  starts(1);
  for (uint64_t n = 2; n <= 4; ++n)
    starts(n); // parked
  finish(1);
  apply({promote_command{id_of(2)}}); // in the queue, and holds nothing
  EXPECT_THAT(apply({cancel_command{id_of(2), "no"}}).freed, Contains("concurrency:db"));
  apply({promote_command{id_of(3)}});
  patch_command later;
  later.id = id_of(3);
  later.scheduled_at = std::optional{beginning + 1h};
  EXPECT_THAT(apply({later}).freed, Contains("concurrency:db"));
}

// A task can be let go for a reason that it had before; that must not be the end of the others' turn.
TEST_F(AdmissionTest, TaskThatStaysParkedForSomethingElseLetsTheNextOneTry) {
  apply({submit(1, keyed("db")), submit(2, [](task_spec& x) {
           x.concurrency = {"db", 1};
           x.resources.exclusive = {"can0"};
         })});
  apply({submit(3, keyed("db")), submit(4, [](task_spec& x) { x.resources.exclusive = {"can0"}; })});
  starts(4);
  starts(2);
  EXPECT_EQ(waits_for(2), "exclusive:can0");
  starts(1);
  starts(3);
  EXPECT_EQ(waits_for(3), "concurrency:db");
  finish(1);
  EXPECT_THAT(apply({promote_command{id_of(2)}}).freed, Contains("concurrency:db"));
}

// -- rates ---------------------------------------------------------------------

TEST_F(AdmissionTest, RateKeyLetsStartsGoAsItsBucketFills) {
  for (uint64_t n = 1; n <= 4; ++n)
    apply({submit(n, rated(2, 2s))});
  EXPECT_TRUE(starts(1));
  EXPECT_TRUE(starts(2));
  auto parked = start(3);
  ASSERT_EQ(parked.rate_waits.size(), 1u);
  EXPECT_EQ(parked.rate_waits[0].reason, "rate:r");
  EXPECT_EQ(parked.rate_waits[0].next, beginning + 1s);
  time += 999ms;
  EXPECT_EQ(code(promote_command{id_of(3)}), ec::conflict);
  time += 1ms;
  apply({promote_command{id_of(3)}});
  EXPECT_TRUE(starts(3));
  EXPECT_FALSE(starts(4));
}

TEST_F(AdmissionTest, RateIsKnownAfterACrash) {
  apply({submit(1, rated(1, 1h)), submit(2, rated(1, 1h))});
  starts(1);
  flush();
  crash();
  EXPECT_FALSE(starts(2));
}

// A new leader lets the first of them try: it is told when to try again.
TEST_F(AdmissionTest, TaskThatStillWaitsForItsRateSaysUntilWhen) {
  apply({submit(1, rated(1, 1h)), submit(2, rated(1, 1h))});
  starts(1);
  starts(2);
  flush();
  crash();
  auto entry = apply({promote_command{id_of(2)}});
  EXPECT_EQ(entry.results[0].error.code, ec::conflict);
  ASSERT_EQ(entry.rate_waits.size(), 1u);
  EXPECT_EQ(entry.rate_waits[0].next, beginning + 1h);
}

// -- fairness ------------------------------------------------------------------

TEST_F(AdmissionTest, FlowsTakeTurnsByPlace) {
  auto flow = [](std::string name) { return [=](task_spec& x) { x.fairness_key = name; }; };
  for (uint64_t n = 1; n <= 100; ++n)
    apply({submit(n, flow("many"))});
  for (uint64_t n = 101; n <= 105; ++n)
    apply({submit(n, flow("few"))});
  for (uint64_t k = 0; k < 5; ++k) {
    EXPECT_EQ(task(101 + k).order, task(1 + k).order);
    EXPECT_LT(task(101 + k).order, task(2 + k).order);
  }
}

TEST_F(AdmissionTest, PlacesGoOnAfterACrash) {
  auto flow = [](task_spec& x) { x.fairness_key = "a"; };
  apply({submit(1, flow), submit(2, flow), submit(3, flow)});
  starts(1);
  flush();
  crash();
  apply({submit(4, flow), submit(5)});
  EXPECT_EQ(task(4).order, task(3).order + 1);
  EXPECT_EQ(task(5).order, task(2).order) << "a new flow begins where the others are";
}

// -- crashes -------------------------------------------------------------------

TEST_F(AdmissionTest, WhatIsHeldAndParkedIsKnownAfterACrash) {
  apply({gate("g", false)});
  apply({submit(1, [](task_spec& x) {
    x.concurrency = {"db", 1};
    x.resources.exclusive = {"can0"};
    x.snapshot.keys = {"app/"};
  })});
  starts(1);
  apply({submit(2, keyed("db")), submit(3, [](task_spec& x) { x.resources.exclusive = {"can0"}; }),
         submit(4, [](task_spec& x) { x.snapshot.keys = {"app/x"}; }), submit(5, waits_for_gate("g"))});
  flush();
  crash();
  EXPECT_THAT(state->parked_reasons(),
              UnorderedElementsAre("concurrency:db", "exclusive:can0", "gate:g", "snapshot:kapp/"));
  EXPECT_THAT(state->free_reasons(), Not(Contains("gate:g")));
  for (uint64_t n = 2; n <= 5; ++n)
    EXPECT_FALSE(starts(n)) << n;
  auto freed = finish(1).freed;
  for (const auto* reason : {"concurrency:db", "exclusive:can0", "snapshot:kapp/"})
    EXPECT_THAT(freed, Contains(reason));
  for (uint64_t n = 2; n <= 4; ++n) {
    apply({promote_command{id_of(n)}});
    EXPECT_TRUE(starts(n)) << n;
  }
}

// A prefix of keys is any bytes.
TEST_F(AdmissionTest, ReasonWithAByteZeroInItIsKnownAfterACrash) {
  std::string prefix{"a\0b", 3};
  auto scope = [&](task_spec& x) { x.snapshot.keys = {prefix}; };
  apply({submit(1, scope), submit(2, scope)});
  starts(1);
  starts(2);
  flush();
  crash();
  EXPECT_THAT(finish(1).freed, Contains("snapshot:k" + prefix));
}

} // namespace overwatch::test
